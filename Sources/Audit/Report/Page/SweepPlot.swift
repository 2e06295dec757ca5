import ReportPages

/// Leakage and utility against the compression ratio, when several runs are given.
struct SweepPlot {
    private let runs: [(ratio: Double, run: AuditReport.RunReport)]
    private let policyLimit: Double
    /// The attack that is shown at each vantage point: the same for all runs, the one with the largest AUC in any.
    let attacks: [VantagePoint: String]

    /// Nil with fewer than two different compression ratios.
    init?(_ report: AuditReport) {
        runs = report.runs.compactMap { run in run.facts.compressionRatio.map { ($0, run) } }.sorted { $0.0 < $1.0 }
        var strongest: [VantagePoint: AuditReport.AttackResult] = [:]
        for view in runs.flatMap(\.run.vantages) {
            for result in view.attacks where result.auc > strongest[view.vantage]?.auc ?? -1 {
                strongest[view.vantage] = result
            }
        }
        guard Set(runs.map(\.ratio)).count > 1, !strongest.isEmpty else { return nil }
        attacks = strongest.mapValues(\.attack)
        policyLimit = report.suite.policy.maximumAUCLowerBound
    }

    private var ratioAxis: PlotFrame.Axis {
        var axis = PlotFrame.Axis.around("shipped parameters / full parameters", runs.map(\.ratio), padding: 0.2)
        axis.label = { Figure.percent($0) }
        return axis
    }

    /// Which vantage points appear, in their order.
    var vantages: [VantagePoint] {
        VantagePoint.allCases.filter { vantage in
            runs.contains { $0.run.vantages.contains { $0.vantage == vantage } }
        }
    }

    private typealias Point = (color: Int, ratio: Double, adapter: String, result: AuditReport.AttackResult)

    /// What is tuned in a run of a sweep, and from which seed; runs of other audits are one series.
    private static func adapter(of run: AuditReport.RunReport) -> String {
        run.facts.sweep.map { "\($0.method) \($0.placement.rawValue) \($0.seed)" } ?? ""
    }

    private var adapters: [String] { Set(runs.map { Self.adapter(of: $0.run) }).sorted() }

    var leakage: Markup {
        let points = vantages.enumerated().flatMap { index, vantage in
            runs.compactMap { entry -> Point? in
                let report = entry.run.vantages.first { $0.vantage == vantage }
                return report?.attacks.first { $0.attack == attacks[vantage] }.map {
                    (index, entry.ratio, Self.adapter(of: entry.run), $0)
                }
            }
        }
        let ends = points.flatMap { [$0.result.aucInterval.lower, $0.result.aucInterval.upper] }
        let frame = PlotFrame(
            width: 460,
            height: 330,
            x: ratioAxis,
            y: .around("AUC of the strongest attack", ends + [0.5, policyLimit], padding: 0.06)
        )
        var content: [Markup] = [
            "<path class=\"chance\" d=\"M\(frame.left) \(frame.y(0.5))H\(frame.width - frame.right)\"/>",
            "<path class=\"limit\" d=\"M\(frame.left) \(frame.y(policyLimit))H\(frame.width - frame.right)\"/>",
        ]
        for color in vantages.indices {
            // Runs that differ in more than the ratio are no points of one curve.
            for adapter in adapters {
                let series = points.filter { $0.color == color && $0.adapter == adapter }
                content.append(frame.line(series.map { (x: $0.ratio, y: $0.result.auc) }, color: color))
                if vantages == [.recipient], let first = series.first {
                    // Several ways of compressing are told apart where they differ most, at the smallest share.
                    content.append(
                        "<text x=\"\(frame.x(first.ratio) - 12)\" y=\"\(frame.y(first.result.auc) - 8)\">\(String(first.adapter.prefix { $0 != " " }))</text>"
                    )
                }
            }
        }
        for point in points {
            // Marks of one ratio would hide each other.
            let shift = (Double(point.color) - Double(vantages.count - 1) / 2) * 9
            content.append(
                frame.whisker(
                    x: point.ratio,
                    y: point.result.auc,
                    interval: point.result.aucInterval,
                    color: point.color,
                    shift: shift
                )
            )
        }
        return frame.svg(label: "Leakage against compression ratio", content)
    }

    /// The first measure that every run reports.
    var utilityMeasure: String? {
        let measures = runs.first?.run.facts.utility.map(\.measure) ?? []
        return measures.first { measure in runs.allSatisfy { $0.run.facts.utility.contains { $0.measure == measure } } }
    }

    /// The models that appear in the utility chart, in order of first appearance.
    var utilityModels: [String] {
        var seen: Set<String> = []
        return runs.flatMap(\.run.facts.utility)
            .filter { $0.measure == utilityMeasure && seen.insert($0.model).inserted }
            .map(\.model)
    }

    var utility: Markup? {
        guard let measure = utilityMeasure else { return nil }
        let values = runs.flatMap(\.run.facts.utility).filter { $0.measure == measure }
        let better = values.first?.isLowerBetter == true ? "lower is better" : "higher is better"
        let ends = values.flatMap { [$0.value] + ($0.interval.map { [$0.lower, $0.upper] } ?? []) }
        let title = "\(measure) (\(better))"
        let smallest = ends.min() ?? 0
        // Perplexities of a tuned and an untuned model may lie orders of magnitude apart.
        let isWide = smallest > 0 && (ends.max() ?? 0) / smallest > 8
        let frame = PlotFrame(
            width: 460,
            height: 330,
            x: ratioAxis,
            y: isWide ? .logarithmic(title, around: ends) : .around(title, ends)
        )
        var content: [Markup] = []
        for (color, model) in utilityModels.enumerated() {
            let series = runs.compactMap { entry in
                entry.run.facts.utility.first { $0.model == model && $0.measure == measure }
                    .map { (x: entry.ratio, adapter: Self.adapter(of: entry.run), utility: $0) }
            }
            for adapter in adapters {
                let line = series.filter { $0.adapter == adapter }.map { (x: $0.x, y: $0.utility.value) }
                content.append(frame.line(line, color: color + 2))
            }
            for point in series {
                let value = point.utility.value
                content.append(
                    frame.whisker(
                        x: point.x,
                        y: value,
                        interval: point.utility.interval ?? ConfidenceInterval(lower: value, upper: value),
                        color: color + 2
                    )
                )
            }
        }
        return frame.svg(label: "Utility against compression ratio", content)
    }
}
