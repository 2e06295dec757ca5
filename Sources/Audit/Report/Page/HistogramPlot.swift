import ReportPages

/// Scores of members and of held-out records over each other: where the two shapes part, an attack works.
struct HistogramPlot {
    private let result: AuditReport.AttackResult

    init(_ result: AuditReport.AttackResult) { self.result = result }

    var svg: Markup {
        let histogram = result.histogram
        let members = shares(histogram.members)
        let heldOut = shares(histogram.heldOut)
        let highest = max(members.max() ?? 0, heldOut.max() ?? 0, 1e-9)
        var x = PlotFrame.Axis.around("", [histogram.lower, histogram.upper], padding: 0.02, intervals: 5)
        x.title = "score (higher = more likely a member)"
        let frame = PlotFrame(
            width: 300,
            height: 176,
            left: 12,
            right: 10,
            top: 8,
            bottom: 42,
            x: x,
            y: PlotFrame.Axis(title: "", lower: 0, upper: highest * 1.05, ticks: [])
        )
        return frame.svg(
            label: "Scores of \(result.attack)",
            [
                area(heldOut, frame, style: "held"), area(members, frame, style: "member"),
            ]
        )
    }

    private func shares(_ counts: [Int]) -> [Double] {
        let total = max(1, counts.reduce(0) { $0 + Double($1) })
        return counts.map { Double($0) / total }
    }

    private func area(_ shares: [Double], _ frame: PlotFrame, style: Markup) -> Markup {
        let histogram = result.histogram
        let width = (histogram.upper - histogram.lower) / Double(max(1, shares.count))
        var path: [Markup] = ["M\(frame.x(histogram.lower)) \(frame.y(0))"]
        for (bin, share) in shares.enumerated() {
            path.append("V\(frame.y(share))H\(frame.x(histogram.lower + width * Double(bin + 1)))")
        }
        path.append("V\(frame.y(0))Z")
        return "<path class=\"area \(style)\" d=\"\(path)\"/>"
    }
}
