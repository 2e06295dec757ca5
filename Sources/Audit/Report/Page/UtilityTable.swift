import ReportPages

/// How good the models are on records that none of them was trained on: what the leakage was risked for.
struct UtilityTable {
    let report: AuditReport

    /// Empty when no run reports any utility.
    var markup: Markup {
        let utilities = report.runs.flatMap(\.facts.utility)
        if utilities.isEmpty { return "" }
        return """
            <h2>What the tuning was worth</h2>
            <p>The owner wants a plugged-in model that is better than the full model was. Below each value its 95 % interval; below \
            a tuned model's also the change against the same model before tuning, on the same records.</p>
            \(Self.distinct(utilities.map(\.measure)).map(table))
            """
    }

    private func table(_ measure: String) -> Markup {
        let shown = report.runs.flatMap(\.facts.utility).filter { $0.measure == measure }
        let models = Self.distinct(shown.map(\.model))
        let better = shown.allSatisfy(\.isLowerBetter) ? "lower is better" : "higher is better"
        let rows = report.runs.map { run -> Markup in
            let cells = models.map { model -> Markup in
                let utility = run.facts.utility.first { $0.model == model && $0.measure == measure }
                return "<td class=\"n\">\(utility.map(cell) ?? "–")</td>"
            }
            return """
                <tr><td class="name">\(run.name)</td><td>\(run.facts.compressionRatio.map(Figure.percent) ?? "–")</td>\(cells)</tr>
                """
        }
        return """
            <h4>\(measure) (\(better))</h4>
            <div class="scroll"><table>
            <tr><th>run</th><th>shipped</th>\(models.map { "<th class=\"n\">\($0)</th>" as Markup })</tr>
            \(rows)
            </table></div>
            """
    }

    private func cell(_ utility: RunFacts.Utility) -> Markup {
        let interval = utility.interval.map {
            "<br><small>\(Figure.measure($0.lower)) to \(Figure.measure($0.upper))</small>" as Markup
        }
        let change = utility.change.map {
            """
            <br><small>\(Figure.signedPercent($0.ratio - 1)) (\(Figure.signedPercent($0.interval.lower - 1)) to \
            \(Figure.signedPercent($0.interval.upper - 1)))</small>
            """ as Markup
        }
        return "\(Figure.measure(utility.value))\(interval ?? "")\(change ?? "")"
    }

    private static func distinct(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
