import ReportPages

/// One line a run and vantage point: the strongest attack, and the two controls beside it.
struct SummaryTable {
    let report: AuditReport

    var markup: Markup {
        let policy = report.suite.policy
        let level = policy.truePositiveRateLevel
        return """
            <h2>At a glance</h2>
            <p>For each run and each point of view, the strongest of \(report.suite.attacks.count) attacks. An AUC of 0.5 is \
            guessing and 1 is certainty; the bar is the 95 % interval, the dashed line is guessing, the dotted line the policy's \
            limit for the interval's lower end.</p>
            <div class="scroll"><table>
            <tr><th>run</th><th>seen from</th><th>shipped</th><th>attack</th><th>AUC, \(forest.scale)</th><th class="n">AUC</th>\
            <th class="n">members caught at \(Figure.percent(level)) false alarms</th><th class="n">adjusted p</th>\
            <th class="n">no model</th><th class="n">untuned model</th></tr>
            \(report.runs.flatMap { run in run.vantages.map { row(run, $0, level) } })
            </table></div>
            <p class="quiet">“No model” is the AUC of a classifier that reads only the records, “untuned model” the largest AUC \
            of any attack on the model before tuning. Both must be near 0.5, or the split is not fair.\(unresolved)</p>
            """
    }

    private var unresolved: Markup {
        let level = report.suite.policy.truePositiveRateLevel
        let rates = report.runs.flatMap { $0.vantages.compactMap(\.strongest).flatMap(\.truePositiveRates) }
        let isAny = rates.contains { $0.falsePositiveRate == level && !$0.isResolvable }
        return isAny ? " Figures marked * lie below what this number of held-out records can resolve." : ""
    }

    private var forest: ForestPlot {
        ForestPlot(lowest: lowest, policyLimit: report.suite.policy.maximumAUCLowerBound)
    }

    private var lowest: Double {
        report.runs.flatMap { $0.vantages.compactMap(\.strongest) }.map(\.aucInterval.lower).min() ?? 0.5
    }

    private func twin(_ run: AuditReport.RunReport, _ vantage: AuditReport.VantageReport) -> Markup {
        run.facts.twins?.contains(vantage.vantage) == true ? "<br><small>nobody saw this</small>" : ""
    }

    private func middle(_ run: AuditReport.RunReport) -> Markup {
        run.facts.middleKept.map { "<br><small>\(Figure.percent($0)) of the middle’s blocks</small>" } ?? ""
    }

    private func row(
        _ run: AuditReport.RunReport,
        _ vantage: AuditReport.VantageReport,
        _ level: Double
    ) -> Markup {
        guard let strongest = vantage.strongest else { return "" }
        let rate = strongest.truePositiveRates.first { $0.falsePositiveRate == level }
        let null = vantage.nullControl.map(\.auc).max()
        return """
            <tr><td class="name">\(run.name)</td><td>\(vantage.vantage.rawValue)\(twin(run, vantage))</td>\
            <td>\(run.facts.compressionRatio.map(Figure.percent) ?? "–")\(middle(run))</td>\
            <td>\(strongest.attack)</td>\
            <td class="forest">\(forest.mark(strongest, color: vantage.vantage == .peer ? 0 : 1))</td>\
            <td class="n">\(Figure.decimal(strongest.auc, 3))<br><small>\(Figure.interval(strongest.aucInterval, 3))</small></td>\
            <td class="n">\(rate.map(RateCell.markup) ?? "–")</td>\
            <td class="n">\(Figure.pValue(strongest.adjustedPValue))</td>\
            <td class="n">\(Figure.decimal(run.blind.auc, 3))</td>\
            <td class="n">\(null.map { Figure.decimal($0, 3) } ?? "–")</td></tr>
            """
    }
}

/// A true-positive rate with its interval, faint where the held-out records cannot resolve the level.
enum RateCell {
    static func markup(_ rate: AuditReport.TruePositiveRate) -> Markup {
        let style: Markup = rate.isResolvable ? "" : " class=\"faint\""
        let mark: Markup = rate.isResolvable ? "" : "*"
        return """
            <span\(style)>\(Figure.percent(rate.value))\(mark)<br>\
            <small>\(Figure.percent(rate.interval.lower)) to \(Figure.percent(rate.interval.upper))</small></span>
            """
    }
}
