extension AuditError {
    static func check(delta: Double, significance: Double) throws(AuditError) {
        guard delta >= 0, delta < 1 else {
            throw .outOfRange(parameter: "δ", value: "\(delta)", range: "at least 0 and below 1")
        }
        guard significance > 0, significance < 1 else {
            throw .outOfRange(parameter: "significance", value: "\(significance)", range: "above 0 and below 1")
        }
    }

    static func check(_ parameter: String, _ count: Int, in range: ClosedRange<Int>) throws(AuditError) {
        guard range.contains(count) else {
            throw .outOfRange(
                parameter: parameter,
                value: "\(count)",
                range: range.upperBound == .max
                    ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            )
        }
    }
}
