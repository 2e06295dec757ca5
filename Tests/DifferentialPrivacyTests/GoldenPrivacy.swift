import TestSupport

/// The golden file of privacy accounting, made with dp-accounting, Opacus and an independent quadrature.
struct GoldenPrivacy: Decodable {
    struct Subsampled: Decodable {
        var name: String
        var q: Double
        var noise_multiplier: Double
        var steps: Int
        var delta: Double
        var rdp_eps: Double
        var rdp_eps_quadrature: Double?
        var rdp_eps_integer_orders_2_256: Double
        var pld_eps: Double
        var opacus_prv_eps_lower: Double?
    }

    struct Divergences: Decodable {
        var q: Double
        var noise_multiplier: Double
        var orders: [Double]
        var opacus: [Double]
        var quadrature: [Double]?
    }

    struct Conversion: Decodable {
        var orders: [Double]
        var rdp: [Double]
        var delta: Double
        var epsilon: Double
        var order: Double
    }

    struct Gaussian: Decodable {
        var sigma: Double
        var delta: Double
        var eps: Double
    }

    struct Calibration: Decodable {
        var q: Double
        var steps: Int
        var target_eps: Double
        var delta: Double
        var sigma_rdp: Double
        var sigma_pld: Double
    }

    struct Tree: Decodable {
        var noise_multiplier: Double
        var step_counts: [Int]
        var delta: Double
        var rdp_eps: Double
    }

    struct FixedSize: Decodable {
        var n: Int
        var k: Int
        var noise_multiplier: Double
        var steps: Int
        var delta: Double
        var rdp_eps: Double
    }

    var subsampled_gaussian: [Subsampled]
    var raw_rdp: [Divergences]
    var rdp_to_dp: [Conversion]
    var analytic_gaussian: [Gaussian]
    var calibration: [Calibration]
    var dpftrl_tree_single_epoch: [Tree]
    var fixed_size_wor: [FixedSize]

    static func load() throws -> GoldenPrivacy { try GoldenAudit.decode("golden_dp.json") }
}
