import DifferentialPrivacy
import Foundation
import Testing

/// The privacy loss distribution where its answer is known in another way, and at the ends of its ranges.
struct PrivacyLossTests {
    private static let settings: [(rate: Double, noise: Double)] = [
        (0.01, 1), (0.25, 2), (0.5, 0.5), (0.001, 0.6), (0.1, 5), (0.9, 1), (0.01, 0.05),
    ]

    /// δ(ε) of one round in closed form: where the loss exceeds ε is a half-line.
    private func exactDelta(rate: Double, noise: Double, epsilon: Double) -> Double {
        func above(_ x: Double) -> Double { 0.5 * erfc(x / noise / 2.0.squareRoot()) }
        let loss = SampledGaussianLoss(rate: rate, noise: noise)
        let high = loss.output(logRatio: epsilon)
        let remove = (1 - rate) * above(high) + rate * above(high - 1) - exp(epsilon) * above(high)
        let low = loss.output(logRatio: -epsilon)
        let add = above(-low) - exp(epsilon) * ((1 - rate) * above(-low) + rate * above(1 - low))
        return max(remove, add)
    }

    @Test(arguments: settings) func oneRoundIsNeverBelowTheTruthAndClose(rate: Double, noise: Double) throws {
        let mechanism = try SampledGaussianMechanism(
            sampler: .poisson(rate: rate),
            noiseMultiplier: noise,
            rounds: 1
        )
        for delta in [1e-3, 1e-5, 1e-8] {
            let epsilon = try Accountant.privacyLossDistribution.epsilon(of: mechanism, delta: delta)
            let truth = exactDelta(rate: rate, noise: noise, epsilon: epsilon)
            #expect(truth <= delta, "ε \(epsilon) promises δ \(delta) but has \(truth)")
            if epsilon > 0, epsilon < 100 { #expect(truth > delta * (1 - 1e-3)) }
            let back = try Accountant.privacyLossDistribution.delta(of: mechanism, epsilon: epsilon)
            #expect(back >= truth)
            #expect(back < truth * (1 + 2e-3))
        }
    }

    @Test func directionsDiffer() {
        let loss = SampledGaussianLoss(rate: 0.2, noise: 0.7)
        let remove = PrivacyLossDistribution(loss, .remove, interval: 0.01, tail: 1e-14)
        let add = PrivacyLossDistribution(loss, .add, interval: 0.01, tail: 1e-14)
        #expect(abs(remove.masses.reduce(0, +) - 1) < 1e-12)
        #expect(abs(add.masses.reduce(0, +) - 1) < 1e-12)
        // E[e^−loss] = 1 under the first data set is the total mass under the second.
        #expect(abs(remove.cumulant(-1)) < 1e-12)
        // The outputs that were cut are likelier under the second data set here.
        #expect(abs(add.cumulant(-1)) < 1e-10)
        #expect(add.loss(at: add.masses.count - 1) < remove.loss(at: remove.masses.count - 1))
    }

    @Test func nearlyFullSamplingIsTheGaussianMechanism() throws {
        let almost = try SampledGaussianMechanism(sampler: .poisson(rate: 0.9999999), noiseMultiplier: 2, rounds: 20)
        let full = try SampledGaussianMechanism(sampler: .fullParticipation, noiseMultiplier: 2, rounds: 20)
        let first = try Accountant.privacyLossDistribution.epsilon(of: almost, delta: 1e-6)
        let second = try Accountant.privacyLossDistribution.epsilon(of: full, delta: 1e-6)
        #expect(abs(first - second) < 1e-3)
        let poisson = try SampledGaussianMechanism(sampler: .poisson(rate: 1), noiseMultiplier: 2, rounds: 20)
        #expect(try Accountant.privacyLossDistribution.epsilon(of: poisson, delta: 1e-6) == second)
    }

    /// Neither a tiny ε nor a huge number of rounds makes it slow or large, and the bounds stay in order.
    @Test(arguments: [
        (1e-9, 1.0, 1, 1e-12), (0.5, 1e6, 10, 1e-30), (0.001, 5.0, 100, 1e-9), (0.1, 1.0, 1_000_000_000, 1e-5),
        (0.9, 0.02, 1_000_000, 1e-5), (0.01, 0.01, 1, 1e-5), (0.1, 3.0, 512, 1e-200),
    ]) func theEndsOfTheRanges(rate: Double, noise: Double, rounds: Int, delta: Double) throws {
        let mechanism = try SampledGaussianMechanism(
            sampler: .poisson(rate: rate),
            noiseMultiplier: noise,
            rounds: rounds
        )
        let tight = try Accountant.privacyLossDistribution.epsilon(of: mechanism, delta: delta)
        let renyi = try Accountant.renyi.epsilon(of: mechanism, delta: delta)
        #expect(tight > 0 && tight.isFinite)
        #expect(tight < renyi)
    }

    @Test func moreRoundsAndLessNoiseCostMore() throws {
        func epsilon(rate: Double = 0.05, noise: Double = 1, rounds: Int = 50, _ accountant: Accountant) throws
            -> Double
        {
            try accountant.epsilon(
                of: SampledGaussianMechanism(sampler: .poisson(rate: rate), noiseMultiplier: noise, rounds: rounds),
                delta: 1e-5
            )
        }
        for accountant in Accountant.allCases {
            let usual = try epsilon(accountant)
            #expect(try epsilon(rounds: 51, accountant) > usual)
            #expect(try epsilon(noise: 1.01, accountant) < usual)
            #expect(try epsilon(rate: 0.051, accountant) > usual)
        }
    }

    /// A participation rate of 1e-9 rounds to nothing beside 1, but a billion rounds add up.
    @Test func tinyRatesAreNotRoundedAway() throws {
        let once = try SampledGaussianMechanism(sampler: .poisson(rate: 1e-9), noiseMultiplier: 1, rounds: 1)
        let often = try SampledGaussianMechanism(
            sampler: .poisson(rate: 1e-9),
            noiseMultiplier: 1,
            rounds: 1_000_000_000
        )
        let orders = [1.5, 2.0, 3.0]
        let small = try RenyiAccountant(orders: orders).divergences(of: once)
        let large = try RenyiAccountant(orders: orders).divergences(of: often)
        for (index, order) in orders.enumerated() {
            // To second order in q: α/2 · q² (e^(1/σ²) − 1).
            let expected = order / 2 * 1e-18 * expm1(1)
            #expect(abs(small[index] / expected - 1) < 1e-6)
            #expect(abs(large[index] / (1e9 * expected) - 1) < 1e-6)
        }
    }

    @Test func transformIsTheDefinition() {
        let count = 16
        let x = (0..<count).map { sin(Double($0 * $0)) }
        let y = (0..<count).map { cos(3 * Double($0)) }
        var real = x
        var imaginary = y
        let transform = FourierTransform(count: count)
        transform.forward(&real, &imaginary)
        for k in 0..<count {
            var sum = (0.0, 0.0)
            for j in 0..<count {
                let angle = -2 * Double.pi * Double(j * k) / Double(count)
                sum.0 += x[j] * cos(angle) - y[j] * sin(angle)
                sum.1 += x[j] * sin(angle) + y[j] * cos(angle)
            }
            #expect(abs(real[k] - sum.0) < 1e-12 && abs(imaginary[k] - sum.1) < 1e-12)
        }
        transform.inverse(&real, &imaginary)
        for j in 0..<count { #expect(abs(real[j] - x[j]) < 1e-14 && abs(imaginary[j] - y[j]) < 1e-14) }
    }

    @Test func normalTailsMeet() {
        for x in [24.999, 25.0, 25.001] {
            #expect(abs(NormalTail.log(above: x) - log(0.5 * erfc(x / 2.0.squareRoot()))) < 1e-12 * x * x)
        }
        #expect(abs(NormalTail.log(above: 100) + 5005.5242086942) < 1e-9)
        #expect(NormalTail.log(above: -40) == 0)
    }
}
