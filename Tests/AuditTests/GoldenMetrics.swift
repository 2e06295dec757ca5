import Foundation

/// The golden file of membership-inference metrics, made with numpy, scipy and scikit-learn.
struct GoldenMetrics: Decodable {
    struct ScoreCase: Decodable {
        var member_scores: [Double]
        var nonmember_scores: [Double]
        var metrics: Metrics
    }

    struct Metrics: Decodable {
        var numbers: [String: Double] = [:]
        var intervals: [String: [Double]] = [:]
        var thresholdIsInfinite = false

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            for key in container.allKeys {
                if let number = try? container.decode(Double.self, forKey: key) {
                    numbers[key.stringValue] = number
                } else if let interval = try? container.decode([Double].self, forKey: key) {
                    intervals[key.stringValue] = interval
                } else if try container.decode(String.self, forKey: key) == "inf" {
                    thresholdIsInfinite = true
                }
            }
        }
    }

    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    struct Paired: Decodable {
        var cases: [String]
        var auc: [Double]
        var cov: [[Double]]
        var z: Double
        var p_two_sided: Double
    }

    struct Binomial: Decodable {
        var k: Int
        var n: Int
        var alpha: Double
        var lower: Double
        var upper: Double
    }

    struct Multiplicity: Decodable {
        var p: [Double]
        var holm: [Double]
    }

    struct BestOfMany: Decodable {
        var n_per_side: [Int]
        var mean_max_of_12: [Double]
    }

    struct TokenAttacks: Decodable {
        var logits: [[Double]]
        var targets: [Int]
        var token_logprobs: [Double]
        var loss_score_mean_ll: Double
        var mu: [Double]
        var sigma: [Double]
        var fractions: [String: Double] = [:]

        enum CodingKeys: CodingKey {
            case logits, targets, token_logprobs, loss_score_mean_ll, mu, sigma
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            logits = try container.decode([[Double]].self, forKey: .logits)
            targets = try container.decode([Int].self, forKey: .targets)
            token_logprobs = try container.decode([Double].self, forKey: .token_logprobs)
            loss_score_mean_ll = try container.decode(Double.self, forKey: .loss_score_mean_ll)
            mu = try container.decode([Double].self, forKey: .mu)
            sigma = try container.decode([Double].self, forKey: .sigma)
            let all = try decoder.container(keyedBy: Key.self)
            for key in all.allKeys where key.stringValue.hasPrefix("mink") {
                fractions[key.stringValue] = try all.decode(Double.self, forKey: key)
            }
        }
    }

    struct ZlibLength: Decodable {
        var text: String
        var utf8_len: Int
        var zlib_len: Int
    }

    struct ErrorZone: Decodable {
        var target_logprob: [Double]
        var ref_logprob: [Double]
        var isError: [Int]
        var smoothed: Double

        enum CodingKeys: String, CodingKey {
            case target_logprob, ref_logprob
            case isError = "is_error_position(top1!=label)"
            case smoothed = "ez_log_smoothed_a=0.01"
        }
    }

    struct LikelihoodRatio: Decodable {
        var inside: [Double]
        var outside: [Double]
        var target: Double
        var online_score_logratio: Double
        var offline_z: Double
        var phi_from_mean_nll: [Logit]

        struct Logit: Decodable {
            var nll: Double
            var phi: Double
        }

        enum CodingKeys: String, CodingKey {
            case inside = "in"
            case outside = "out"
            case target, online_score_logratio, offline_z, phi_from_mean_nll
        }
    }

    struct Population: Decodable {
        var target_x: [Double]
        var out_ref_x: [[Double]]
        var target_z: [Double]
        var out_ref_z: [[Double]]
        var offline_a: Double
        var gamma: Double
        var scores: [Double]
    }

    var score_cases: [String: ScoreCase]
    var lira: LikelihoodRatio
    var rmia: [Population]
    var paired_delong_example: Paired
    var clopper_pearson: [Binomial]
    var multiplicity: Multiplicity
    var best_of_K_null_max_auc: BestOfMany
    var token_attacks: TokenAttacks
    var zlib_len_default_level6: [ZlibLength]
    var ez_mia: ErrorZone

    static func load() throws -> GoldenMetrics {
        let url = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/golden/golden_mia_metrics.json")
        return try JSONDecoder().decode(GoldenMetrics.self, from: Data(contentsOf: url))
    }
}
