import TestSupport

/// The golden values of the certified bounds, from both golden files.
struct GoldenBounds {
    struct OneRun: Decodable {
        var m: Int
        var r: Int
        var v: Int
        var delta: Double
        var significance: Double
        var eps_lower: Double
        var p_value_at_eps0: Double
        var p_value_at_eps1: Double
        var p_value_at_eps2: Double
        var closed_form: Double?
    }

    struct GaussianOneRun: Decodable {
        var m: Int
        var n_guess: Int
        var n_correct: Int
        var delta: Double
        var significance: Double
        var eps_lower: Double
    }

    struct Binomial: Decodable {
        var tp: Int
        var n_members: Int
        var fp: Int
        var n_nonmembers: Int
        var delta: Double
        var significance: Double
        var tpr_lower: Double
        var fpr_upper: Double
        var eps_lower: Double
        var gdp_mu_lower: Double
    }

    struct Curve: Decodable {
        var mu: Double
        var eps: Double
        var delta: Double
    }

    struct Rank: Decodable {
        var rank: Int
        var space: Int
        var exposure: Double
    }

    struct Interpolation: Decodable {
        var reference_perplexities: [Double]
        var secret_perplexities: [Double]
        var exposures: [Double]
    }

    struct TwoGaussians: Decodable {
        var dim: Int
        var mu_observed: Double
        var std_observed: Double
        var delta: Double
        var eps: Double
    }

    struct Metrics: Decodable {
        var one_run_steinke: [OneRun]
        var one_run_fdp_gaussian_mahloujifar: [GaussianOneRun]
        var clopper_pearson_eps: [Binomial]
        var gdp: [Curve]
        var exposure: [Rank]
        var exposure_interpolation_tfprivacy: Interpolation
    }

    struct Privacy: Decodable {
        var one_shot_two_gaussians: [TwoGaussians]
    }

    var metrics: Metrics
    var privacy: Privacy

    static func load() throws -> GoldenBounds {
        GoldenBounds(
            metrics: try GoldenAudit.decode("golden_mia_metrics.json"),
            privacy: try GoldenAudit.decode("golden_dp.json")
        )
    }
}
