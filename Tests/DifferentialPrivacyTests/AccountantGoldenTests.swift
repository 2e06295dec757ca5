import DifferentialPrivacy
import Testing

/// The accountants against dp-accounting, Opacus and an independent quadrature.
struct AccountantGoldenTests {
    private let golden: GoldenPrivacy

    /// The orders of the golden column `rdp_eps_quadrature`.
    private static let opacusOrders = (11...109).map { Double($0) / 10 } + (12...63).map(Double.init)

    init() throws { golden = try GoldenPrivacy.load() }

    private func mechanism(_ row: GoldenPrivacy.Subsampled) throws -> SampledGaussianMechanism {
        try SampledGaussianMechanism(
            sampler: row.q == 1 ? .fullParticipation : .poisson(rate: row.q),
            noiseMultiplier: row.noise_multiplier,
            rounds: row.steps
        )
    }

    @Test func renyiEpsilon() throws {
        #expect(golden.subsampled_gaussian.count == 18)
        for row in golden.subsampled_gaussian {
            let truth = row.rdp_eps_quadrature ?? row.rdp_eps
            let mechanism = try mechanism(row)
            let same = try RenyiAccountant(orders: Self.opacusOrders).epsilon(of: mechanism, delta: row.delta)
            #expect(abs(same.epsilon - truth) < 1e-6, "\(row.name)")
            let standard = try Accountant.renyi.epsilon(of: mechanism, delta: row.delta)
            #expect(abs(standard - truth) < 1e-6, "\(row.name) with the standard orders")
            let whole = try RenyiAccountant(orders: (2...256).map(Double.init))
                .epsilon(of: mechanism, delta: row.delta)
            #expect(abs(whole.epsilon - row.rdp_eps_integer_orders_2_256) < 1e-9, "\(row.name)")
        }
    }

    @Test func renyiDivergences() throws {
        for row in golden.raw_rdp {
            let mechanism = try SampledGaussianMechanism(
                sampler: .poisson(rate: row.q),
                noiseMultiplier: row.noise_multiplier,
                rounds: 1
            )
            let found = try RenyiAccountant(orders: row.orders).divergences(of: mechanism)
            for (value, truth) in zip(found, row.quadrature ?? row.opacus) {
                #expect(abs(value - truth) < 1e-10 * max(1, truth), "rate \(row.q)")
            }
            for (value, truth) in zip(found, row.opacus) { #expect(abs(value - truth) < 1e-8 * max(1, truth)) }
        }
    }

    @Test func conversion() {
        for row in golden.rdp_to_dp {
            let found = RenyiAccountant.epsilon(orders: row.orders, divergences: row.rdp, delta: row.delta)
            #expect(abs(found.epsilon - row.epsilon) < 1e-12)
            #expect(found.order == row.order)
        }
    }

    @Test func privacyLossEpsilon() throws {
        for row in golden.subsampled_gaussian {
            let found = try Accountant.privacyLossDistribution.epsilon(of: mechanism(row), delta: row.delta)
            #expect(abs(found - row.pld_eps) < 5e-3, "\(row.name)")
            if let lower = row.opacus_prv_eps_lower {
                #expect(found >= lower, "\(row.name) is below Opacus' lower bound")
            }
            let renyi = try Accountant.renyi.epsilon(of: mechanism(row), delta: row.delta)
            #expect(found < renyi, "\(row.name)")
        }
    }

    /// jax_privacy documents 3.77 for this mechanism, and 9.66 as its noise for ε = 1.
    @Test func documentedValues() throws {
        let mechanism = try SampledGaussianMechanism(sampler: .poisson(rate: 0.1), noiseMultiplier: 3, rounds: 512)
        let epsilon = try Accountant.privacyLossDistribution.epsilon(of: mechanism, delta: 1e-6)
        #expect((epsilon * 100).rounded() == 377)
        let noise = try Accountant.privacyLossDistribution.noiseMultiplier(
            epsilon: 1,
            delta: 1e-6,
            sampler: .poisson(rate: 0.1),
            rounds: 512
        )
        #expect((noise * 100).rounded() == 966)
    }

    @Test func analyticGaussian() {
        for row in golden.analytic_gaussian {
            let tolerance = 1e-9
            #expect(abs(GaussianTradeoff(mu: 1 / row.sigma).epsilon(delta: row.delta) - row.eps) < tolerance * row.eps)
            let sigma = 1 / GaussianTradeoff(epsilon: row.eps, delta: row.delta).mu
            #expect(abs(sigma - row.sigma) < tolerance * row.sigma)
        }
    }

    @Test func calibration() throws {
        for row in golden.calibration {
            func noise(_ accountant: Accountant) throws -> Double {
                try accountant.noiseMultiplier(
                    epsilon: row.target_eps,
                    delta: row.delta,
                    sampler: row.q == 1 ? .fullParticipation : .poisson(rate: row.q),
                    rounds: row.steps
                )
            }
            // dp-accounting's discretisation and fractional orders are looser, so its noise is larger.
            let tight = try noise(.privacyLossDistribution)
            #expect(tight > row.sigma_pld * (1 - 1e-3) && tight < row.sigma_pld * (1 + 1e-5), "rate \(row.q)")
            let renyi = try noise(.renyi)
            #expect(renyi > row.sigma_rdp * (1 - 4e-3) && renyi < row.sigma_rdp * (1 + 2e-6), "rate \(row.q)")
        }
    }

    @Test func treeAggregation() throws {
        for row in golden.dpftrl_tree_single_epoch {
            let mechanism = try TreeAggregation(stepCounts: row.step_counts)
                .mechanism(noiseMultiplier: row.noise_multiplier)
            let found = try Accountant.renyi.epsilon(of: mechanism, delta: row.delta)
            #expect(abs(found - row.rdp_eps) < 1e-6)
            #expect(try Accountant.privacyLossDistribution.epsilon(of: mechanism, delta: row.delta) < found)
        }
    }

    @Test func fixedSize() throws {
        for row in golden.fixed_size_wor {
            let mechanism = try SampledGaussianMechanism(
                sampler: .fixedSize(cohort: row.k, population: row.n),
                noiseMultiplier: row.noise_multiplier,
                rounds: row.steps
            )
            #expect(abs(try Accountant.renyi.epsilon(of: mechanism, delta: row.delta) - row.rdp_eps) < 1e-6)
        }
    }
}
