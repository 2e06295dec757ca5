import Audit
import TensorEngine
import Testing

@Suite("Statistics against scipy and scikit-learn")
struct StatisticsGoldenTests {
    let golden: GoldenMetrics

    init() throws { golden = try GoldenMetrics.load() }

    private func forEachCase(_ body: (String, LabelledScores, GoldenMetrics.Metrics) throws -> Void) throws {
        #expect(golden.score_cases.count == 10)
        for (name, example) in golden.score_cases.sorted(by: { $0.key < $1.key }) {
            let sample = try LabelledScores(members: example.member_scores, heldOut: example.nonmember_scores)
            try body(name, sample, example.metrics)
        }
    }

    @Test("AUC, U and its one-sided p-value")
    func auc() throws {
        try forEachCase { name, sample, metrics in
            try expectClose(AUC.value(of: sample), metrics.numbers["auc"], 1e-12, name)
            try expectClose(AUC.mannWhitneyU(of: sample), metrics.numbers["mannwhitney_u"], 1e-9, name)
            let pValue = try #require(metrics.numbers["mannwhitney_p_greater_asymptotic"])
            try expectClose(AUC.mannWhitneyPValue(of: sample), pValue, 1e-10 * max(pValue, 1e-30), name)
            let standardError = AUC.hanleyMcNeilStandardError(
                auc: AUC.value(of: sample),
                members: sample.memberCount,
                heldOut: sample.heldOutCount
            )
            try expectClose(standardError, metrics.numbers["hanley_mcneil_se"], 1e-12, name)
        }
    }

    @Test("True-positive rate at five false-positive rates in all three conventions")
    func truePositiveRates() throws {
        try forEachCase { name, sample, metrics in
            let curve = ROCCurve(sample)
            let conventions: [(ROCCurve.Convention, String)] = [
                (.step, "step"), (.interpolated, "interp"), (.hull, "hull"),
            ]
            for level in ["0.0", "0.001", "0.01", "0.05", "0.1"] {
                for (convention, suffix) in conventions {
                    let rate = curve.truePositiveRate(
                        atFalsePositiveRate: try #require(Double(level)),
                        convention: convention
                    )
                    let key = "tpr_at_fpr_\(level)_\(suffix)"
                    try expectClose(rate, metrics.numbers[key], convention == .step ? 0 : 1e-12, "\(name) \(key)")
                }
            }
        }
    }

    @Test("Balanced accuracy with its threshold, advantage, Kolmogorov–Smirnov distance")
    func thresholds() throws {
        try forEachCase { name, sample, metrics in
            let curve = ROCCurve(sample)
            let best = curve.bestBalancedAccuracy
            try expectClose(best.value, metrics.numbers["balanced_accuracy_max"], 1e-12, name)
            if metrics.thresholdIsInfinite {
                #expect(best.threshold == .infinity, "\(name)")
            } else {
                #expect(best.threshold == metrics.numbers["balanced_accuracy_threshold"], "\(name)")
            }
            try expectClose(curve.bestAdvantage, metrics.numbers["advantage_max"], 1e-12, name)
            try expectClose(curve.kolmogorovSmirnov, metrics.numbers["ks_stat"], 1e-12, name)
        }
    }

    @Test("DeLong variance and the interval on the logit scale")
    func deLong() throws {
        try forEachCase { name, sample, metrics in
            let deLong = DeLong(sample)
            try expectClose(deLong.auc, metrics.numbers["auc"], 1e-12, name)
            try expectClose(deLong.variance, metrics.numbers["delong_var"], 1e-12, name)
            let half = Normal.quantile(0.975) * deLong.standardError
            let plain = try #require(metrics.intervals["delong_ci95"])
            try expectClose(deLong.auc - half, plain[0], 1e-12, name)
            try expectClose(deLong.auc + half, plain[1], 1e-12, name)
            if let expected = metrics.intervals["delong_logit_ci95"] {
                try expectClose(deLong.interval().lower, expected[0], 1e-12, name)
                try expectClose(deLong.interval().upper, expected[1], 1e-12, name)
            }
        }
    }

    @Test("Bootstrap interval of the AUC near numpy's, whose random numbers differ")
    func bootstrap() throws {
        try forEachCase { name, sample, metrics in
            var generator = SeededGenerator(seed: 0)
            let interval = Bootstrap.aucInterval(of: sample, replicates: 2000, using: &generator)
            let expected = try #require(metrics.intervals["bootstrap_percentile_ci95_B2000_seed0_approx"])
            // Six members: the distribution has few atoms, so an end may move by one of them.
            let tolerance = sample.count < 20 ? 0.06 : 0.012
            try expectClose(interval.lower, expected[0], tolerance, name)
            try expectClose(interval.upper, expected[1], tolerance, name)
        }
    }

    @Test("Clopper–Pearson bounds")
    func clopperPearson() throws {
        for row in golden.clopper_pearson {
            let lower = ClopperPearson.lower(successes: row.k, trials: row.n, alpha: row.alpha)
            let upper = ClopperPearson.upper(successes: row.k, trials: row.n, alpha: row.alpha)
            try expectClose(lower, row.lower, 1e-9, "\(row)")
            try expectClose(upper, row.upper, 1e-9, "\(row)")
        }
        try forEachCase { name, sample, metrics in
            let rate = ROCCurve(sample).truePositiveRate(atFalsePositiveRate: 0.01)
            let trials = sample.memberCount
            let interval = ClopperPearson.interval(
                successes: Int((rate * Double(trials)).rounded()),
                trials: trials
            )
            let expected = try #require(metrics.intervals["tpr_at_fpr_0.01_clopper_pearson95"])
            try expectClose(interval.lower, expected[0], 1e-9, name)
            try expectClose(interval.upper, expected[1], 1e-9, name)
        }
    }

    @Test("Paired DeLong")
    func pairedDeLong() throws {
        let example = golden.paired_delong_example
        let samples = try example.cases.map { name in
            let scores = try #require(golden.score_cases[name])
            return try LabelledScores(members: scores.member_scores, heldOut: scores.nonmember_scores)
        }
        let paired = try PairedDeLong(samples[0], samples[1])
        try expectClose(paired.difference, example.auc[0] - example.auc[1], 1e-12, "difference")
        for row in 0..<2 {
            for column in 0..<2 {
                try expectClose(paired.covariance[row][column], example.cov[row][column], 1e-12, "covariance")
            }
        }
        try expectClose(paired.z, example.z, 1e-9, "z")
        try expectClose(paired.pValue, example.p_two_sided, 1e-12, "p")
    }

    @Test("Holm")
    func holm() throws {
        let adjusted = HolmAdjustment.adjust(golden.multiplicity.p)
        for (value, expected) in zip(adjusted, golden.multiplicity.holm) {
            try expectClose(value, expected, 1e-12, "holm")
        }
        let shuffled = [4, 0, 5, 2, 1, 3]
        let other = HolmAdjustment.adjust(shuffled.map { golden.multiplicity.p[$0] })
        #expect(other == shuffled.map { adjusted[$0] })
    }

    @Test("The best of twelve attacks on noise is as high as simulated, and max-T knows it")
    func bestOfMany() throws {
        let trials = 300
        var generator = SeededGenerator(seed: 12)
        for (size, expected) in zip(
            golden.best_of_K_null_max_auc.n_per_side,
            golden.best_of_K_null_max_auc.mean_max_of_12
        ) {
            if size > 500 { continue }
            var sum = 0.0
            for _ in 0..<trials {
                var best = 0.0
                for _ in 0..<12 {
                    let sample = try LabelledScores(
                        members: (0..<size).map { _ in generator.uniform() },
                        heldOut: (0..<size).map { _ in generator.uniform() }
                    )
                    best = max(best, AUC.value(of: sample))
                }
                sum += best
            }
            try expectClose(sum / Double(trials), expected, 0.004, "\(size) a side")
        }
    }
}

/// Expects two numbers within `tolerance`, saying which.
func expectClose(
    _ value: Double,
    _ expected: Double?,
    _ tolerance: Double,
    _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let expected = try #require(expected, "\(what) is missing in the golden file", sourceLocation: sourceLocation)
    #expect(
        abs(value - expected) <= tolerance,
        "\(what): \(value) instead of \(expected)",
        sourceLocation: sourceLocation
    )
}
