import Foundation
import ReportPages

/// All attacks of one vantage point as ROC curves, on linear axes and on logarithmic ones where the low false-alarm rates show.
struct ROCPlot {
    private let results: [AuditReport.AttackResult]
    private let heldOut: Int

    init(_ results: [AuditReport.AttackResult], heldOut: Int) {
        self.results = results.filter { !$0.isConstant }
        self.heldOut = heldOut
    }

    private static let horizontal = "held-out records wrongly called members"
    private static let vertical = "members found"

    var linear: Markup {
        let ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
        func axis(_ title: String) -> PlotFrame.Axis {
            PlotFrame.Axis(title: title, lower: 0, upper: 1, ticks: ticks, label: { Figure.percent($0) })
        }
        let frame = PlotFrame(width: 460, height: 380, x: axis(Self.horizontal), y: axis(Self.vertical))
        let diagonal: Markup =
            "<path class=\"chance\" d=\"M\(frame.x(0)) \(frame.y(0))L\(frame.x(1)) \(frame.y(1))\"/>"
        return frame.svg(
            label: "ROC curves, linear axes",
            [diagonal] + lines(in: frame, isStepped: false) + [
                "<text class=\"note\" text-anchor=\"end\" x=\"\(frame.x(0.985))\" y=\"\(frame.y(0.93) + 44)\">guessing</text>"
            ]
        )
    }

    var logarithmic: Markup {
        let finest = 1 / Double(max(1, heldOut))
        let lower = pow(10, floor(log10(finest) + 1e-9))
        let start = max(1e-5, min(0.01, lower))
        let frame = PlotFrame(
            width: 460,
            height: 380,
            x: .decades(Self.horizontal, from: start),
            y: .decades(Self.vertical, from: start)
        )
        let steps = (0...60).map { pow(10, log10(start) * (1 - Double($0) / 60)) }
        let diagonal = steps.map { (x: $0, y: $0) }
        var path: [Markup] = []
        for (index, point) in diagonal.enumerated() {
            path.append("\(index == 0 ? "M" : "L")\(frame.x(point.x)) \(frame.y(point.y))")
        }
        let limit = frame.x(finest)
        let shade: [Markup] =
            limit - frame.left < 1
            ? []
            : [
                """
                <rect class="shade" x="\(frame.left)" y="\(frame.top)" width="\(limit - frame.left)" height="\(frame.height
                    - frame.top - frame.bottom)"/>
                """,
                "<text class=\"note\" x=\"\(frame.left + 5)\" y=\"\(frame.top + 13)\">below 1 of \(heldOut)</text>",
            ]
        return frame.svg(
            label: "ROC curves, logarithmic axes",
            shade + ["<path class=\"chance\" d=\"\(path)\"/>"] + lines(in: frame, isStepped: true)
        )
    }

    var legend: Markup {
        let entries = results.enumerated().map { index, result -> Markup in
            """
            <li><svg class="key" viewBox="0 0 22 8"><path class="line c\(index)" d="M1 4H21"/></svg>\(result.attack) \
            <span>\(Figure.decimal(result.auc, 3))</span></li>
            """
        }
        return "<ul class=\"legend\">\(entries)</ul>"
    }

    private func lines(in frame: PlotFrame, isStepped: Bool) -> [Markup] {
        // The first attack of the suite is drawn last, on top.
        results.enumerated().reversed().map { index, result in
            frame.line(
                result.curve.map { (x: $0.falsePositiveRate, y: $0.truePositiveRate) },
                color: index,
                isStepped: isStepped
            )
        }
    }
}
