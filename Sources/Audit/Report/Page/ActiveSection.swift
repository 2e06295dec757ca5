import ReportPages

/// What a coordinator that lies about the adapter learned, on a fork of the run.
struct ActiveSection {
    private let run: AuditReport.RunReport
    private let active: ActiveReport

    /// Nil when nobody asked for it.
    init?(_ run: AuditReport.RunReport) {
        guard let active = run.active else { return nil }
        self.run = run
        self.active = active
    }

    var markup: Markup {
        let levels = (active.views.first?.attacks.first?.truePositiveRates ?? []).map { rate -> Markup in
            "<th class=\"n\">caught at \(Figure.percent(rate.falsePositiveRate))</th>"
        }
        return """
            <h3>Active adversary, on a fork of the run</h3>
            <p><b>This changed the protocol and is not what the run gave away; the verdict leaves it out.</b> The run was begun \
            once more, with the same data holders, records and settings, under a coordinator that lies: in \(rounds) it sent an \
            adapter that it had moved up the gradient of its targets’ loss, by \(Figure.tick(active.settings.ascent)) nats a token to \
            first order. Who trains on a target pulls it back. Targets: \(Figure.count(active.members)) members and \
            \(Figure.count(active.heldOut)) held-out records, as many of each at every data holder. \(refusal)</p>
            <div class="scroll"><table>
            <tr><th>seen by</th><th>attack</th><th class="n">AUC</th>\(levels)<th class="n">adjusted p</th>\
            <th class="n">minus no model</th><th class="n">the coordinator’s work</th></tr>
            \(active.views.flatMap(rows))
            </table></div>
            <div class="scroll"><table>
            <tr><th>mean perplexity of</th><th class="n">honest adapter</th><th class="n">the lie</th>\
            \(active.views.map { "<th class=\"n\">after training, \(name($0.vantage))</th>" as Markup })</tr>
            \(course("members") { $0.memberCourse })
            \(course("held-out targets") { $0.heldOutCourse })
            </table></div>
            <p class="quiet">The work is the coordinator’s own: gradients of the targets and passes over them. What trains them \
            back is paid for by the data holders, here \(WorkText.operations(active.trainingOperations)). \
            The baseline without a model is that of the whole run, on these targets. On single updates a target is compared with \
            held-out records of the same data holder; the sum may pull back what resembles any holder’s records.</p>
            """
    }

    private var rounds: String {
        active.settings.rounds == 1 ? "the first round" : "the first \(Figure.count(active.settings.rounds)) rounds"
    }

    private var refusal: String {
        active.isAlwaysRefused
            ? "Data holders of a federation with these settings would not have trained on it: they compute themselves what a round "
                + "begins with."
            : active.settings.rounds == 1
                ? "Data holders of a federation would have refused this one: how the first round begins is known beforehand. With these "
                    + "settings they cannot check later ones."
                : "Data holders of a federation with these settings know only the adapter of the first round beforehand; they cannot "
                    + "check the later ones."
    }

    private func name(_ vantage: VantagePoint) -> String {
        vantage.rawValue + (active.isMasked && vantage == .individual ? " (nobody)" : "")
    }

    private func rows(_ view: ActiveReport.View) -> [Markup] {
        view.attacks.map { result in
            let share = run.facts.trainingOperations.flatMap { training in
                result.operations.map { "<br><small>\(WorkText.times($0 / training)) the training</small>" as Markup }
            }
            return """
                <tr><td>\(name(view.vantage))</td><td>\(result.attack)</td>\
                <td class="n">\(Figure.decimal(result.auc, 3))<br><small>\(Figure.interval(result.aucInterval, 3))</small></td>\
                \(result.truePositiveRates.map { "<td class=\"n\">\(RateCell.markup($0))</td>" as Markup })\
                <td class="n">\(Figure.pValue(result.adjustedPValue))</td>\
                <td class="n">\(result.minusBlind.map { Figure.signed($0.value, 3) } ?? "–")</td>\
                <td class="n">\(result.operations.map(WorkText.operations) ?? "–")\(share ?? "")</td></tr>
                """
        }
    }

    private func course(_ name: String, _ of: (ActiveReport.View) -> ActiveReport.Course) -> Markup {
        guard let first = active.views.first.map(of) else { return "" }
        return """
            <tr><td>\(name)</td><td class="n">\(Figure.measure(first.honest))</td><td class="n">\(Figure.measure(first.sent))</td>\
            \(active.views.map { "<td class=\"n\">\(Figure.measure(of($0).trained))</td>" as Markup })</tr>
            """
    }
}
