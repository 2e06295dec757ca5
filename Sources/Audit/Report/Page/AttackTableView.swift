import ReportPages

/// All attacks of one vantage point with both controls, in one table.
struct AttackTableView {
    let report: AuditReport
    let run: AuditReport.RunReport
    let vantage: AuditReport.VantageReport

    var markup: Markup {
        let levels = report.suite.falsePositiveRates.map { level -> Markup in
            "<th class=\"n\">caught at \(Figure.percent(level))</th>"
        }
        let strongest = vantage.strongest?.attack
        return """
            <div class="scroll"><table>
            <tr><th>attack</th><th>AUC, \(forest.scale)</th><th class="n">AUC</th>\(levels)\
            <th class="n">adjusted p</th><th class="n">minus no model</th>\(workHeading)</tr>
            \(vantage.attacks.enumerated().map { row($1, color: $0, isStrongest: $1.attack == strongest) })
            \(controlRow(run.blind, name: "control: no model"))
            \(vantage.nullControl.map { controlRow($0, name: "control: \($0.attack), untuned") })
            </table></div>
            <p class="quiet">Intervals are 95 %. “Caught” is the share of members found while that share of held-out records is \
            wrongly accused\(unresolved). The p-values are adjusted for all attacks of the table by dealing the coins anew \
            \(Figure.count(report.suite.permutations)) times. \(nullNote)\(workNote)</p>
            """
    }

    private var showsWork: Bool { vantage.attacks.contains { $0.operations != nil } }

    private var workHeading: Markup { showsWork ? "<th class=\"n\">attacker’s work</th>" : "" }

    // A ternary of literals inside an interpolation would be a String, and escaped.
    private var workBlank: Markup { showsWork ? "<td></td>" : "" }

    private var workNote: Markup {
        guard showsWork else { return "" }
        let unit = run.facts.trainingOperations.map { " The run’s own training took \(WorkText.operations($0))." } ?? ""
        return """
             An attacker’s work is what passes and training take in floating-point operations, all that the attack is given \
            counted.\(unit)
            """
    }

    private func work(_ result: AuditReport.AttackResult) -> Markup {
        guard showsWork else { return "" }
        let share = run.facts.trainingOperations.flatMap { training in
            result.operations.map { "<br><small>\(WorkText.times($0 / training)) the training</small>" as Markup }
        }
        return "<td class=\"n\">\(result.operations.map(WorkText.operations) ?? "–")\(share ?? "")</td>"
    }

    private var unresolved: Markup {
        let isAny = vantage.attacks.contains { $0.truePositiveRates.contains { !$0.isResolvable } }
        return isAny ? "; figures marked * lie below what this number of held-out records can resolve" : ""
    }

    private var nullNote: Markup {
        let absent = vantage.attacks.map(\.attack).filter { name in !vantage.nullControl.contains { $0.attack == name }
        }
        if absent.isEmpty { return "" }
        return """
            \(absent.joined(separator: ", ")) cannot be run on the untuned model alone (they compare with it, or were not scored \
            there), so only the dealt coins control them.
            """
    }

    private var forest: ForestPlot {
        let lowest = (vantage.attacks + vantage.nullControl + [run.blind]).map(\.aucInterval.lower).min() ?? 0.5
        return ForestPlot(lowest: lowest, policyLimit: report.suite.policy.maximumAUCLowerBound)
    }

    private func row(_ result: AuditReport.AttackResult, color: Int, isStrongest: Bool) -> Markup {
        let style: Markup = isStrongest ? " class=\"strongest\"" : ""
        let adjusted = Figure.pValue(result.adjustedPValue)
        let difference = result.minusBlind.map { Figure.signed($0.value, 3) } ?? "–"
        let interval = result.minusBlind.map { Figure.interval($0.interval, 3) } ?? ""
        return """
            <tr\(style)><td>\(result.attack)</td>\(figures(result, color: color))<td class="n">\(adjusted)</td>\
            <td class="n">\(difference)<br><small>\(interval)</small></td>\(work(result))</tr>
            """
    }

    private func controlRow(_ result: AuditReport.AttackResult, name: String) -> Markup {
        """
        <tr class="control"><td>\(name)</td>\(figures(result, color: 7))\
        <td class="n">\(Figure.pValue(result.adjustedPValue))</td><td></td>\(workBlank)</tr>
        """
    }

    private func figures(_ result: AuditReport.AttackResult, color: Int) -> Markup {
        let rates = result.truePositiveRates.map { "<td class=\"n\">\(RateCell.markup($0))</td>" as Markup }
        return """
            <td class="forest">\(forest.mark(result, color: color))</td>\
            <td class="n">\(Figure.decimal(result.auc, 3))<br><small>\(Figure.interval(result.aucInterval, 3))</small></td>\(rates)
            """
    }
}
