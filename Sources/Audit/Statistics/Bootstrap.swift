/// Percentile bootstrap over both sides: members' coins and held-out coins are drawn anew, independently, with replacement.
public enum Bootstrap {
    /// Intervals of the true-positive rate (step convention) at each false-positive rate.
    ///
    /// The threshold belongs to the held-out records, so these are resampled too; fixing it would pretend that it was known.
    ///
    /// - Parameters:
    ///   - levels: false-positive rates, 0 … 1.
    ///   - replicates: number of resamples.
    ///   - strata: `[n]`, the data holder of each record: coins are then drawn anew within each, which keeps its counts.
    public static func truePositiveRateIntervals(
        of sample: LabelledScores,
        levels: [Double],
        replicates: Int,
        strata: [String]? = nil,
        confidence: Double = 0.95,
        using generator: inout some RandomNumberGenerator
    ) -> [ConfidenceInterval] {
        let resampler = Resampler(sample, strata: strata)
        var rates = levels.map { _ in [Double]() }
        for _ in 0..<replicates {
            let curve = resampler.curve(weights: resampler.draw(using: &generator))
            for (index, level) in levels.enumerated() { rates[index].append(curve.truePositiveRate(at: level)) }
        }
        return rates.map { percentileInterval($0, confidence: confidence) }
    }

    /// Interval of the AUC; the analytic one of ``DeLong`` is what the report prints, this checks it.
    public static func aucInterval(
        of sample: LabelledScores,
        replicates: Int,
        confidence: Double = 0.95,
        using generator: inout some RandomNumberGenerator
    ) -> ConfidenceInterval {
        let resampler = Resampler(sample)
        let values = (0..<replicates).map { _ in
            resampler.curve(weights: resampler.draw(using: &generator)).area
        }
        return percentileInterval(values, confidence: confidence)
    }

    /// The quantile with linear interpolation between order statistics (Hyndman & Fan type 7).
    public static func quantile(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        guard let last = sorted.last else { return .nan }
        let position = share * Double(sorted.count - 1)
        let lower = Int(position)
        guard lower + 1 < sorted.count else { return last }
        return sorted[lower] + (position - Double(lower)) * (sorted[lower + 1] - sorted[lower])
    }

    private static func percentileInterval(_ values: [Double], confidence: Double) -> ConfidenceInterval {
        ConfidenceInterval(
            lower: quantile(values, (1 - confidence) / 2),
            upper: quantile(values, 1 - (1 - confidence) / 2)
        )
    }

    private struct Resampler {
        private let sample: LabelledScores
        private let descending: [Int]
        /// Coins that are drawn from together: one side, of one holder where there are strata.
        private let urns: [[[Int]]]

        init(_ sample: LabelledScores, strata: [String]? = nil) {
            self.sample = sample
            descending = sample.scores.indices.sorted { sample.scores[$0] > sample.scores[$1] }
            let records = Array(0..<sample.count)
            let groups = strata.map { strata in
                Dictionary(grouping: records) { strata[$0] }.sorted { $0.key < $1.key }.map(\.value)
            }
            urns = [true, false].flatMap { side in
                (groups ?? [records]).map { Self.coins(sample, $0.filter { sample.isMember[$0] == side }) }
            }
        }

        private static func coins(_ sample: LabelledScores, _ records: [Int]) -> [[Int]] {
            var position: [Int: Int] = [:]
            var coins: [[Int]] = []
            for record in records {
                if let index = position[sample.clusters[record]] {
                    coins[index].append(record)
                } else {
                    position[sample.clusters[record]] = coins.count
                    coins.append([record])
                }
            }
            return coins
        }

        /// How often each record was drawn.
        func draw(using generator: inout some RandomNumberGenerator) -> [Int] {
            var weights = [Int](repeating: 0, count: sample.count)
            for coins in urns {
                for _ in coins.indices {
                    let coin = Int(generator.next(upperBound: UInt64(coins.count)))
                    for record in coins[coin] { weights[record] += 1 }
                }
            }
            return weights
        }

        func curve(weights: [Int]) -> WeightedCurve {
            var curve = WeightedCurve()
            for (position, index) in descending.enumerated() {
                if sample.isMember[index] {
                    curve.truePositives += weights[index]
                } else {
                    curve.falsePositives += weights[index]
                }
                let isLastOfTie =
                    position + 1 == descending.count
                    || sample.scores[descending[position + 1]] != sample.scores[index]
                if isLastOfTie { curve.vertices.append((curve.falsePositives, curve.truePositives)) }
            }
            return curve
        }
    }

    private struct WeightedCurve {
        var truePositives = 0
        var falsePositives = 0
        var vertices: [(falsePositives: Int, truePositives: Int)] = [(0, 0)]

        func truePositiveRate(at level: Double) -> Double {
            let allowed = (level + 1e-15) * Double(falsePositives)
            let best = vertices.last { Double($0.falsePositives) <= allowed }
            return Double(best?.truePositives ?? 0) / Double(truePositives)
        }

        var area: Double {
            var twice = 0
            for (a, b) in zip(vertices, vertices.dropFirst()) {
                twice += (b.falsePositives - a.falsePositives) * (a.truePositives + b.truePositives)
            }
            return Double(twice) / 2 / (Double(falsePositives) * Double(truePositives))
        }
    }
}
