import ReportPages

/// One AUC with its interval as a mark on a common scale, for a table cell.
struct ForestPlot {
    private static let width = 190.0
    private static let height = 26.0
    private let lower: Double
    private let policyLimit: Double

    /// - Parameter lowest: the smallest value that any mark of the table shows.
    init(lowest: Double, policyLimit: Double) {
        lower = max(0, min(0.4, (lowest * 10).rounded(.down) / 10))
        self.policyLimit = policyLimit
    }

    /// The scale in words, for the column's heading.
    var scale: String { "\(Figure.tick(lower)) to 1" }

    func mark(_ result: AuditReport.AttackResult, color: Int) -> Markup {
        let middle = Self.height / 2
        return """
            <svg class="forest" viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="AUC \(
                Figure.decimal(result.auc, 3))">
            <line class="axis" x1="\(x(lower))" x2="\(x(1))" y1="\(middle)" y2="\(middle)"/>
            <line class="chance" x1="\(x(0.5))" x2="\(x(0.5))" y1="2" y2="\(Self.height - 2)"/>
            <line class="limit" x1="\(x(policyLimit))" x2="\(x(policyLimit))" y1="2" y2="\(Self.height - 2)"/>
            <path class="whisker c\(color)" d="M\(x(result.aucInterval.lower)) \(middle)H\(x(result.aucInterval.upper))"/>
            <circle class="dot c\(color)" cx="\(x(result.auc))" cy="\(middle)" r="4.5"/>
            </svg>
            """
    }

    private func x(_ value: Double) -> Double { 6 + (max(lower, value) - lower) / (1 - lower) * (Self.width - 12) }
}
