/// Why no privacy guarantee can be stated.
public enum DifferentialPrivacyError: Error, Equatable, CustomStringConvertible {
    /// A parameter is not a number or out of its range.
    case outOfRange(parameter: String, value: Double, range: String)
    /// The accountant has no theorem for this sampler and neighbouring relation.
    case samplerMismatch(accountant: Accountant, sampler: String, neighbouring: NeighbouringRelation)
    /// No supported noise reaches the ε.
    case unreachable(epsilon: Double, delta: Double, largestNoise: Double)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .outOfRange(let parameter, let value, let range):
            return "The \(parameter) is \(value), but it must be \(range)."
        case .samplerMismatch(let accountant, let sampler, let neighbouring):
            let remedy =
                switch (sampler, neighbouring) {
                case ("fixed", .replaceOne): "use rdp"
                case ("fixed", .addOrRemoveOne): "use replace-one and rdp"
                default: "use add-or-remove-one"
                }
            return "No \(accountant.rawValue) bound is known for \(sampler) sampling under \(neighbouring.rawValue), "
                + "so no ε is stated; \(remedy)."
        case .unreachable(let epsilon, let delta, let largestNoise):
            return "No noise multiplier up to \(largestNoise) gives ε \(epsilon) at δ \(delta); "
                + "allow a larger ε, or fewer rounds."
        }
    }
}
