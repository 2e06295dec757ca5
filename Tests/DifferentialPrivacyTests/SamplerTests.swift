import DifferentialPrivacy
import Testing

/// An ε is stated for the sampler that was used, or not at all.
struct SamplerTests {
    private func mechanism(
        _ sampler: Sampler,
        _ neighbouring: NeighbouringRelation? = nil,
        noise: Double = 2,
        rounds: Int = 30
    ) throws -> SampledGaussianMechanism {
        try SampledGaussianMechanism(
            sampler: sampler,
            neighbouring: neighbouring,
            noiseMultiplier: noise,
            rounds: rounds
        )
    }

    @Test func disagreementIsRefused() throws {
        let fixed = try mechanism(.fixedSize(cohort: 8, population: 32))
        let error = DifferentialPrivacyError.samplerMismatch(
            accountant: .privacyLossDistribution,
            sampler: "fixed",
            neighbouring: .replaceOne
        )
        #expect(throws: error) { try Accountant.privacyLossDistribution.epsilon(of: fixed, delta: 1e-3) }
        #expect(throws: error) { try Accountant.privacyLossDistribution.delta(of: fixed, epsilon: 1) }
        #expect(throws: error) {
            try Accountant.privacyLossDistribution.noiseMultiplier(
                epsilon: 1,
                delta: 1e-3,
                sampler: fixed.sampler,
                rounds: 30
            )
        }
        #expect(
            "\(error)"
                == "No pld bound is known for fixed sampling under replace-one, so no ε is stated; use rdp."
        )
        let poisson = try mechanism(.poisson(rate: 0.1), .replaceOne)
        for accountant in Accountant.allCases {
            #expect(throws: DifferentialPrivacyError.self) { try accountant.epsilon(of: poisson, delta: 1e-3) }
        }
        let removed = try mechanism(.fixedSize(cohort: 8, population: 32), .addOrRemoveOne)
        #expect(throws: DifferentialPrivacyError.self) { try Accountant.renyi.epsilon(of: removed, delta: 1e-3) }
        #expect(throws: DifferentialPrivacyError.self) { try RenyiAccountant().divergences(of: removed) }
        #expect(Accountant.tightest(for: fixed.sampler) == .renyi)
        #expect(Accountant.tightest(for: poisson.sampler) == .privacyLossDistribution)
    }

    /// The survey's example: 8 of 32 as a fixed cohort costs 5.74, where Poisson would claim less than half.
    @Test func fixedCohortsCostMoreThanPoisson() throws {
        let fixed = try Accountant.renyi.epsilon(of: mechanism(.fixedSize(cohort: 8, population: 32)), delta: 1e-3)
        let poisson = try Accountant.renyi.epsilon(of: mechanism(.poisson(rate: 0.25)), delta: 1e-3)
        #expect(fixed > 2 * poisson)
        let everyone = try Accountant.renyi.epsilon(of: mechanism(.fixedSize(cohort: 32, population: 32)), delta: 1e-3)
        let full = try Accountant.renyi.epsilon(of: mechanism(.fullParticipation), delta: 1e-3)
        #expect(everyone >= full * (1 - 1e-12))
        #expect(fixed < everyone)
    }

    @Test(arguments: [
        (Sampler.poisson(rate: .nan), 1.0, 1), (.poisson(rate: 0), 1, 1), (.poisson(rate: -0.1), 1, 1),
        (.poisson(rate: 1.1), 1, 1), (.fixedSize(cohort: 0, population: 5), 1, 1),
        (.fixedSize(cohort: 6, population: 5), 1, 1), (.fixedSize(cohort: 1, population: 0), 1, 1),
        (.fullParticipation, .nan, 1), (.fullParticipation, 0, 1), (.fullParticipation, -1, 1),
        (.fullParticipation, .infinity, 1), (.fullParticipation, 1, 0), (.fullParticipation, 1, Int.max),
    ]) func parametersOutOfRange(sampler: Sampler, noise: Double, rounds: Int) {
        #expect(throws: DifferentialPrivacyError.self) {
            try SampledGaussianMechanism(sampler: sampler, noiseMultiplier: noise, rounds: rounds)
        }
    }

    @Test(arguments: [.nan, 0, -1, 1, 2, .infinity, 1e-250]) func deltaOutOfRange(_ delta: Double) throws {
        for accountant in Accountant.allCases {
            let mechanism = try mechanism(.poisson(rate: 0.1))
            #expect(throws: DifferentialPrivacyError.self) { try accountant.epsilon(of: mechanism, delta: delta) }
        }
        #expect(throws: DifferentialPrivacyError.self) {
            try RenyiAccountant().epsilon(of: mechanism(.fullParticipation), delta: delta)
        }
    }

    @Test(arguments: [.nan, -1, .infinity]) func epsilonOutOfRange(_ epsilon: Double) throws {
        for accountant in Accountant.allCases {
            let mechanism = try mechanism(.poisson(rate: 0.1))
            #expect(throws: DifferentialPrivacyError.self) { try accountant.delta(of: mechanism, epsilon: epsilon) }
            #expect(throws: DifferentialPrivacyError.self) {
                try accountant.noiseMultiplier(epsilon: epsilon, delta: 1e-5, sampler: .fullParticipation, rounds: 1)
            }
        }
    }

    @Test func calibratedNoiseKeepsItsPromise() throws {
        let samplers: [(Sampler, Accountant)] = [
            (.poisson(rate: 0.2), .privacyLossDistribution), (.poisson(rate: 0.2), .renyi),
            (.fixedSize(cohort: 4, population: 20), .renyi), (.fullParticipation, .privacyLossDistribution),
            (.fullParticipation, .renyi),
        ]
        for (sampler, accountant) in samplers {
            for target in [0.3, 2, 20] {
                let noise = try accountant.noiseMultiplier(epsilon: target, delta: 1e-4, sampler: sampler, rounds: 12)
                let found = try accountant.epsilon(of: mechanism(sampler, noise: noise, rounds: 12), delta: 1e-4)
                #expect(found <= target && found > target * (1 - 1e-3), "\(sampler.name) \(accountant.rawValue)")
            }
        }
        #expect(
            throws: DifferentialPrivacyError.unreachable(epsilon: 1e-9, delta: 1e-12, largestNoise: 1e6)
        ) {
            try Accountant.privacyLossDistribution.noiseMultiplier(
                epsilon: 1e-9,
                delta: 1e-12,
                sampler: .fullParticipation,
                rounds: 1000
            )
        }
    }

    @Test func emptyTreesAreRefused() {
        for counts in [[], [0], [4, -1]] {
            #expect(throws: DifferentialPrivacyError.self) { try TreeAggregation(stepCounts: counts) }
        }
        #expect((try? TreeAggregation(stepCounts: [1, 127]))?.depth == 7)
    }
}
