import Foundation

/// Accounting by the distribution of the privacy loss of a Poisson-sampled Gaussian mechanism (Koskela, Jälkö & Honkela
/// 2020; Gopi, Lee & Wutschitz 2021): an upper bound, close to the truth.
///
/// The grid adapts: it starts coarse and is halved until the answer, which only falls towards the truth, stops moving. A
/// tiny ε gets a fine grid and many rounds a coarse one, within a bounded memory; where the bound is reached, the last
/// answer stands, looser but still valid.
struct PrivacyLossAccountant {
    private let mechanism: SampledGaussianMechanism
    private let loss: SampledGaussianLoss
    private let rounds: Int

    /// Stop when halving the grid moves the answer by less than this part of it; a third of that is then left.
    private static let tolerance = 2e-5
    private static let coarsestCount = 2048.0
    private static let finestCount = Double(1 << 20)

    /// An accountant of a mechanism that samples by Poisson at a rate below 1.
    init(_ mechanism: SampledGaussianMechanism) {
        self.mechanism = mechanism
        loss = SampledGaussianLoss(rate: mechanism.sampler.rate, noise: mechanism.noiseMultiplier)
        rounds = mechanism.rounds
    }

    /// The smallest ε for a δ in (0, 1): the larger of both directions.
    func epsilon(delta: Double) -> Double {
        largest(tail: delta * 1e-8 / Double(rounds)) { single in
            Self.saddle(single, rounds: rounds) { theta, cumulant in (cumulant - log(delta)) / theta }
        } of: {
            $0.epsilon(delta: delta)
        }
    }

    /// The smallest δ for an ε of at least 0: the larger of both directions.
    ///
    /// How small the cut tails must be follows from δ itself: from the Rényi accountant's at first, then from each answer
    /// until it moves no more.
    ///
    /// - Throws: what the Rényi accountant does.
    func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
        var known = try RenyiAccountant().delta(of: mechanism, epsilon: epsilon)
        while true {
            let answer = largest(tail: known * 1e-10 / Double(rounds)) { single in
                Self.saddle(single, rounds: rounds) { theta, cumulant in cumulant - theta * epsilon }
            } of: {
                $0.delta(epsilon: epsilon)
            }
            if answer >= known / 100 { return min(answer, known) }
            known = answer
        }
    }

    /// The larger answer of both directions. The second is refined only while it may still be the larger one.
    private func largest(
        tail: Double,
        tilt: (PrivacyLossDistribution) -> Double,
        of answer: (ComposedPrivacyLoss) -> Double
    ) -> Double {
        SampledGaussianLoss.Direction.allCases.reduce(0) { known, direction in
            max(known, refined(direction, tail: max(tail, 1e-280), above: known, tilt: tilt, answer))
        }
    }

    private func refined(
        _ direction: SampledGaussianLoss.Direction,
        tail: Double,
        above known: Double,
        tilt: (PrivacyLossDistribution) -> Double,
        _ answer: (ComposedPrivacyLoss) -> Double
    ) -> Double {
        let range = PrivacyLossDistribution.range(of: loss, direction, tail: tail)
        // Next to no noise makes the loss all but constant; its grid must still have an interval.
        let width = max(range.upperBound - range.lowerBound, 1e-3 * max(abs(range.lowerBound), abs(range.upperBound)))
        var count = Self.coarsestCount
        var best = Double.infinity
        // Any tilt is valid: that of the coarsest grid serves the finer ones.
        var theta: Double?
        while count <= Self.finestCount {
            let single = PrivacyLossDistribution(loss, direction, interval: width / count, tail: tail)
            let chosen = theta ?? tilt(single)
            theta = chosen
            guard let composed = ComposedPrivacyLoss(single, rounds: rounds, theta: chosen) else {
                // So many rounds that the coarsest grid is still too fine: coarser, until one fits.
                if best < .infinity || count <= 2 { break }
                count /= 2
                continue
            }
            let previous = best
            best = min(best, answer(composed))
            if best <= known || previous - best <= Self.tolerance * best { break }
            count *= 2
        }
        return best
    }

    /// The tilt θ > 0 that minimises a quasi-convex function of θ and of the cumulant of all rounds at θ: golden section on
    /// ln θ, from tilts that do nothing to tilts that leave only the largest loss.
    private static func saddle(
        _ single: PrivacyLossDistribution,
        rounds: Int,
        _ objective: (_ theta: Double, _ cumulant: Double) -> Double
    ) -> Double {
        let width = Double(single.masses.count) * single.interval
        func value(_ logTheta: Double) -> Double {
            let theta = exp(logTheta)
            return objective(theta, Double(rounds) * single.cumulant(theta))
        }
        let ratio = (5.0.squareRoot() - 1) / 2
        var low = log(1e-4 / width)
        var high = log(1e6 / width)
        var left = high - ratio * (high - low)
        var right = low + ratio * (high - low)
        var (atLeft, atRight) = (value(left), value(right))
        while high - low > 1e-3 {
            if atLeft < atRight {
                (high, right, atRight) = (right, left, atLeft)
                left = high - ratio * (high - low)
                atLeft = value(left)
            } else {
                (low, left, atLeft) = (left, right, atRight)
                right = low + ratio * (high - low)
                atRight = value(right)
            }
        }
        return exp((low + high) / 2)
    }
}
