/// Why no bound can be computed from the counts of an experiment.
public enum CertifiedBoundError: Error, Equatable, CustomStringConvertible {
    /// A count or a probability is out of its range.
    case outOfRange(parameter: String, value: String, range: String)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .outOfRange(let parameter, let value, let range):
            return "The \(parameter) is \(value), but it must be \(range)."
        }
    }

    static func check(delta: Double, significance: Double) throws(CertifiedBoundError) {
        guard delta >= 0, delta < 1 else {
            throw .outOfRange(parameter: "δ", value: "\(delta)", range: "at least 0 and below 1")
        }
        guard significance > 0, significance < 1 else {
            throw .outOfRange(parameter: "significance", value: "\(significance)", range: "above 0 and below 1")
        }
    }

    static func check(_ parameter: String, _ count: Int, in range: ClosedRange<Int>) throws(CertifiedBoundError) {
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
