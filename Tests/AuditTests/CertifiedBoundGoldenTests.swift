import Audit
import DifferentialPrivacy
import Foundation
import Testing

/// The certified bounds against golden values, published figures and closed forms.
struct CertifiedBoundGoldenTests {
    private let golden: GoldenBounds

    init() throws { golden = try GoldenBounds.load() }

    @Test func oneRun() throws {
        #expect(golden.metrics.one_run_steinke.count == 16)
        for row in golden.metrics.one_run_steinke {
            let bound = OneRunBound(
                try OneRunAudit(
                    canaries: row.m,
                    guesses: row.r,
                    correct: row.v,
                    delta: row.delta,
                    significance: row.significance
                )
            )
            #expect(abs(bound.epsilon - row.eps_lower) < 1e-6, "\(row)")
            for (epsilon, truth) in [
                (0.0, row.p_value_at_eps0), (1, row.p_value_at_eps1), (2, row.p_value_at_eps2),
            ] {
                #expect(abs(bound.pValue(epsilon: epsilon) - truth) < 1e-9 + 1e-7 * truth, "\(row)")
            }
            if let closed = row.closed_form { #expect(abs(bound.epsilon - closed) < 1e-9) }
        }
    }

    /// Section 7 and appendix D of the paper.
    @Test(arguments: [(1000, 100, 75, 1e-4, 0.673), (100_000, 1510, 1439, 1e-5, 2.675)])
    func publishedOneRun(canaries: Int, guesses: Int, correct: Int, delta: Double, printed: Double) throws {
        let audit = try OneRunAudit(canaries: canaries, guesses: guesses, correct: correct, delta: delta)
        #expect(abs(OneRunBound(audit).epsilon - printed) < 1e-3)
    }

    @Test func gaussianOneRun() throws {
        for row in golden.metrics.one_run_fdp_gaussian_mahloujifar {
            let audit = try OneRunAudit(
                canaries: row.m,
                guesses: row.n_guess,
                correct: row.n_correct,
                delta: row.delta,
                significance: row.significance
            )
            #expect(abs(GaussianOneRunBound(audit).epsilon - row.eps_lower) < 1e-5, "\(row)")
            #expect(GaussianOneRunBound(audit).epsilon > OneRunBound(audit).epsilon)
        }
    }

    @Test func clopperPearson() throws {
        for row in golden.metrics.clopper_pearson_eps {
            let bound = try ClopperPearsonBound(
                truePositives: row.tp,
                members: row.n_members,
                falsePositives: row.fp,
                nonMembers: row.n_nonmembers,
                delta: row.delta,
                significance: row.significance
            )
            #expect(abs(bound.truePositiveRate - row.tpr_lower) < 1e-9)
            #expect(abs(bound.falsePositiveRate - row.fpr_upper) < 1e-9)
            #expect(abs(bound.epsilon - row.eps_lower) < 1e-8, "\(row)")
            #expect(abs(bound.mu - row.gdp_mu_lower) < 1e-8, "\(row)")
        }
    }

    @Test func gaussianTradeoff() {
        for row in golden.metrics.gdp {
            #expect(abs(GaussianTradeoff(mu: row.mu).delta(epsilon: row.eps) - row.delta) < 1e-12)
        }
    }

    @Test func oneShotClients() throws {
        for row in golden.privacy.one_shot_two_gaussians {
            let estimate = try OneShotClientEstimate(
                dimension: row.dim,
                mean: row.mu_observed,
                deviation: row.std_observed
            )
            #expect(abs(try estimate.epsilon(delta: row.delta) - row.eps) < 1e-6, "\(row)")
        }
    }

    /// What the authors' own tests expect; in 200 dimensions the null distribution is not normal.
    @Test(arguments: [(2000, 2.317789), (200, 2.375326)])
    func publishedOneShot(dimension: Int, printed: Double) throws {
        let deviation = 1 / Double(dimension).squareRoot()
        let estimate = try OneShotClientEstimate(dimension: dimension, mean: deviation, deviation: deviation)
        #expect(abs(try estimate.epsilon(delta: 0.01) - printed) < 1e-6)
    }

    @Test func oneShotFitsItsCosines() throws {
        let estimate = try OneShotClientEstimate(dimension: 5000, cosines: [0.01, 0.03, 0.02, 0.04])
        #expect(abs(estimate.mean - 0.025) < 1e-15)
        #expect(abs(estimate.deviation - (5e-4 / 3).squareRoot()) < 1e-15)
    }

    @Test func exposure() throws {
        for row in golden.metrics.exposure {
            #expect(abs(try Exposure.bits(rank: row.rank, candidates: row.space) - row.exposure) < 1e-12)
        }
        let row = golden.metrics.exposure_interpolation_tfprivacy
        let found = try Exposure.bits(secrets: row.secret_perplexities, among: row.reference_perplexities)
        for (value, truth) in zip(found, row.exposures) { #expect(abs(value - truth) < 1e-12) }
    }
}
