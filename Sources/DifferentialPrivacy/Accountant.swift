/// What turns a mechanism into (ε, δ). An ε is stated only where a theorem covers how participants were really chosen.
public enum Accountant: String, Sendable, Equatable, CaseIterable {
    /// The distribution of the privacy loss, composed by FFT: tight.
    case privacyLossDistribution = "pld"
    /// Rényi differential privacy of many orders: looser, and the only one for cohorts of fixed size.
    case renyi = "rdp"

    /// The tightest accountant for a sampler.
    public static func tightest(for sampler: Sampler) -> Accountant {
        if case .fixedSize = sampler { .renyi } else { .privacyLossDistribution }
    }

    /// The smallest ε ≥ 0 with which the mechanism is (ε, δ)-differentially private, as far as this accountant can tell.
    ///
    /// - Parameters:
    ///   - mechanism: what runs.
    ///   - delta: in (0, 1); below one over the number of participants.
    /// - Throws: `DifferentialPrivacyError`: `samplerMismatch`, or `outOfRange` for δ.
    public func epsilon(
        of mechanism: SampledGaussianMechanism,
        delta: Double
    ) throws(DifferentialPrivacyError) -> Double {
        try check(mechanism.sampler, mechanism.neighbouring)
        try Self.check(delta: delta)
        switch self {
        case .renyi: return try RenyiAccountant().epsilon(of: mechanism, delta: delta).epsilon
        case .privacyLossDistribution:
            if mechanism.isFull { return mechanism.composedGaussian.epsilon(delta: delta) }
            return PrivacyLossAccountant(mechanism).epsilon(delta: delta)
        }
    }

    /// The smallest δ with which the mechanism is (ε, δ)-differentially private, as far as this accountant can tell.
    ///
    /// - Parameters:
    ///   - mechanism: what runs.
    ///   - epsilon: at least 0.
    /// - Throws: `DifferentialPrivacyError`: `samplerMismatch`, or `outOfRange` for ε.
    public func delta(
        of mechanism: SampledGaussianMechanism,
        epsilon: Double
    ) throws(DifferentialPrivacyError) -> Double {
        try check(mechanism.sampler, mechanism.neighbouring)
        try Self.check(epsilon: epsilon)
        switch self {
        case .renyi: return try RenyiAccountant().delta(of: mechanism, epsilon: epsilon)
        case .privacyLossDistribution:
            if mechanism.isFull { return mechanism.composedGaussian.delta(epsilon: epsilon) }
            return try PrivacyLossAccountant(mechanism).delta(epsilon: epsilon)
        }
    }

    /// Refuses what this accountant has no theorem for.
    ///
    /// - Throws: `DifferentialPrivacyError.samplerMismatch`.
    public func check(
        _ sampler: Sampler,
        _ neighbouring: NeighbouringRelation
    ) throws(DifferentialPrivacyError) {
        let isCovered =
            switch sampler {
            case .poisson: neighbouring == .addOrRemoveOne
            case .fixedSize: self == .renyi && neighbouring == .replaceOne
            case .fullParticipation: true
            }
        if !isCovered {
            throw .samplerMismatch(accountant: self, sampler: sampler.name, neighbouring: neighbouring)
        }
    }

    /// The smallest δ that the arithmetic carries.
    private static let smallestDelta = 1e-200

    /// Refuses a δ outside (0, 1), or too small for the arithmetic.
    ///
    /// - Throws: `DifferentialPrivacyError.outOfRange`.
    public static func check(delta: Double) throws(DifferentialPrivacyError) {
        guard delta >= smallestDelta, delta < 1 else {
            throw .outOfRange(parameter: "δ", value: delta, range: "above 0 (at least \(smallestDelta)) and below 1")
        }
    }

    static func check(epsilon: Double) throws(DifferentialPrivacyError) {
        guard epsilon >= 0, epsilon < .infinity else {
            throw .outOfRange(parameter: "ε", value: epsilon, range: "finite and not negative")
        }
    }
}
