import Foundation

extension Accountant {
    /// Relative distance of the noise multiplier from the least possible.
    private static let tolerance = 1e-6

    /// The least noise with which a mechanism is (ε, δ)-differentially private, to 1e-6 of itself and rounded up.
    ///
    /// - Parameters:
    ///   - epsilon: above 0.
    ///   - delta: in (0, 1).
    ///   - sampler: how participants are chosen.
    ///   - neighbouring: nil takes the relation that the sampler's theorems are about.
    ///   - rounds: at least 1.
    /// - Returns: the noise multiplier: standard deviation / sensitivity.
    /// - Throws: `DifferentialPrivacyError`: `samplerMismatch`, `outOfRange`, or `unreachable`.
    public func noiseMultiplier(
        epsilon: Double,
        delta: Double,
        sampler: Sampler,
        neighbouring: NeighbouringRelation? = nil,
        rounds: Int
    ) throws(DifferentialPrivacyError) -> Double {
        guard epsilon > 0, epsilon < .infinity else {
            throw .outOfRange(parameter: "ε", value: epsilon, range: "finite and above 0")
        }
        /// ln of how far ε is above the target; falls as the noise rises.
        func excess(_ noise: Double) throws(DifferentialPrivacyError) -> Double {
            let mechanism = try SampledGaussianMechanism(
                sampler: sampler,
                neighbouring: neighbouring,
                noiseMultiplier: noise,
                rounds: rounds
            )
            return log(try self.epsilon(of: mechanism, delta: delta) / epsilon)
        }
        let range = SampledGaussianMechanism.noiseRange
        var above = (noise: 1.0, excess: try excess(1))
        var below = above
        while above.excess > 0 {
            guard above.noise < range.upperBound else {
                throw .unreachable(epsilon: epsilon, delta: delta, largestNoise: range.upperBound)
            }
            below = above
            above.noise = min(2 * above.noise, range.upperBound)
            above.excess = try excess(above.noise)
        }
        while below.excess <= 0 {
            guard below.noise > range.lowerBound else { return range.lowerBound }
            above = below
            below.noise = max(below.noise / 2, range.lowerBound)
            below.excess = try excess(below.noise)
        }
        var step = 0
        while above.noise > below.noise * (1 + Self.tolerance) {
            step += 1
            let share = below.excess / (below.excess - above.excess)
            // Interpolation where it may, halving now and then: it always ends, and mostly soon.
            var noise =
                share.isFinite && step % 4 != 0
                ? below.noise * pow(above.noise / below.noise, share) : (below.noise * above.noise).squareRoot()
            noise = max(noise, below.noise * (1 + Self.tolerance / 2))
            noise = min(noise, above.noise * (1 - Self.tolerance / 2))
            let point = (noise: noise, excess: try excess(noise))
            if point.excess > 0 { below = point } else { above = point }
        }
        return above.noise
    }
}
