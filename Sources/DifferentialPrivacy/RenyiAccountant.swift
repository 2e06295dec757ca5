import Foundation

/// Accounting by Rényi differential privacy (Mironov 2017): divergences of many orders add up over the rounds, and the best
/// order gives (ε, δ). Works for every sampler here; never tighter than the privacy loss itself.
public struct RenyiAccountant: Sendable, Equatable {
    /// The orders to choose the best from, each above 1.
    public let orders: [Double]

    /// 1.1 … 11 in tenths and 12 … 64 as elsewhere (Opacus, dp-accounting), finer towards 1 for a large ε, and
    /// geometrically up to 2¹⁴ for a small one.
    public static let standardOrders: [Double] =
        [1.02, 1.03, 1.05, 1.07] + (11...110).map { Double($0) / 10 } + (12...64).map(Double.init)
        + (1...16).flatMap { step -> [Double] in
            let power = 64 * exp2(Double(step) / 2)
            return [power.rounded()]
        }

    /// An accountant over some orders.
    public init(orders: [Double] = RenyiAccountant.standardOrders) { self.orders = orders }

    /// The Rényi divergences of all rounds together, one an order.
    ///
    /// - Throws: `DifferentialPrivacyError.samplerMismatch` without a theorem for the sampler and the relation.
    public func divergences(of mechanism: SampledGaussianMechanism) throws(DifferentialPrivacyError) -> [Double] {
        try Accountant.renyi.check(mechanism.sampler, mechanism.neighbouring)
        let noise = mechanism.noiseMultiplier
        let rounds = Double(mechanism.rounds)
        switch mechanism.sampler {
        case .poisson(let rate):
            let divergence = PoissonRenyiDivergence(rate: rate, noise: noise)
            return orders.map { rounds * divergence(order: $0) }
        case .fixedSize:
            let divergence = FixedSizeRenyiDivergence(rate: mechanism.sampler.rate, noise: noise)
            return orders.map { rounds * divergence(order: $0) }
        case .fullParticipation:
            return orders.map { rounds * $0 / (2 * noise * noise) }
        }
    }

    /// The smallest ε for δ over the orders, and the order that gives it.
    ///
    /// - Throws: as `divergences(of:)`; `outOfRange` for a δ outside (0, 1).
    public func epsilon(
        of mechanism: SampledGaussianMechanism,
        delta: Double
    ) throws(DifferentialPrivacyError) -> (epsilon: Double, order: Double) {
        try Accountant.check(delta: delta)
        return Self.epsilon(orders: orders, divergences: try divergences(of: mechanism), delta: delta)
    }

    /// The smallest δ for ε over the orders.
    ///
    /// - Throws: as `divergences(of:)`; `outOfRange` for a negative ε.
    public func delta(
        of mechanism: SampledGaussianMechanism,
        epsilon: Double
    ) throws(DifferentialPrivacyError) -> Double {
        try Accountant.check(epsilon: epsilon)
        let divergences = try divergences(of: mechanism)
        return zip(orders, divergences)
            .map { RenyiConversion.delta(order: $0, divergence: $1, epsilon: epsilon) }.min() ?? 1
    }

    /// The smallest ε for δ that given divergences allow, and its order.
    public static func epsilon(
        orders: [Double],
        divergences: [Double],
        delta: Double
    ) -> (epsilon: Double, order: Double) {
        var best = (epsilon: Double.infinity, order: Double.nan)
        for (order, divergence) in zip(orders, divergences) {
            let epsilon = RenyiConversion.epsilon(order: order, divergence: divergence, delta: delta)
            if epsilon < best.epsilon { best = (epsilon, order) }
        }
        return best
    }
}
