import ReportPages

extension Figure {
    /// "0.650 to 0.769".
    static func interval(_ interval: ConfidenceInterval, _ places: Int) -> String {
        Figure.interval(from: interval.lower, to: interval.upper, places)
    }

    /// "0.713 (95 % interval 0.650 to 0.769)".
    static func auc(_ result: AuditReport.AttackResult) -> String {
        "\(decimal(result.auc, 3)) (95 % interval \(interval(result.aucInterval, 3)))"
    }
}

extension PlotFrame {
    /// A dot with its interval as a whisker.
    func whisker(x: Double, y: Double, interval: ConfidenceInterval, color: Int, shift: Double = 0) -> Markup {
        whisker(x: x, y: y, from: interval.lower, to: interval.upper, color: color, shift: shift)
    }
}
