import ReportPages

/// Every attack at every vantage point, and how much of the federation its figure is about.
struct CoverageTable {
    let coverage: [Coverage]

    var markup: Markup {
        let heads = Coverage.columns(of: coverage).map { "<th>\($0.rawValue)</th>" as Markup }
        return """
            <h4>What each figure stands on</h4>
            <div class="scroll"><table>
            <tr><th>attack</th>\(heads)</tr>
            \(attacks.map(row))
            </table></div>
            <p class="quiet">Nobody in this federation holds members, held-out records and the full model together. “Real \
            federation”: scores of all data holders on what the run itself broadcast (kept broadcasts give each round’s sum), or \
            on the owner’s model where the owner answered. “One party’s half”: of some of them. “Twin only”: it needs what nobody \
            here has or kept, such as single updates under secure aggregation; a simulation with everything in one place can show \
            it. A dash: the attack does not apply.</p>
            <p class="quiet">The data holders’ scores were compared after each holder’s median was taken off, the coins dealt and \
            drawn anew within each holder.</p>
            """
    }

    private var attacks: [String] {
        var names: [String] = []
        for entry in coverage where !names.contains(entry.attack) { names.append(entry.attack) }
        return names
    }

    private func row(_ attack: String) -> Markup {
        let cells = Coverage.columns(of: coverage).map { vantage -> Markup in
            let entry = coverage.first { $0.attack == attack && $0.vantage == vantage }
            let style: Markup = entry?.standing == .realFederation ? "" : " class=\"faint\""
            return "<td\(style)>\(entry?.standing.rawValue ?? "–")</td>"
        }
        return "<tr><td>\(attack)</td>\(cells)</tr>"
    }
}
