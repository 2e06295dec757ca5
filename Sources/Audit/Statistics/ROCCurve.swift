import Foundation

/// The receiver operating characteristic: every distinct score as a threshold, highest first.
public struct ROCCurve: Sendable {
    /// One vertex of the curve.
    public struct Point: Codable, Sendable, Equatable {
        /// Share of held-out records at or above the threshold.
        public var falsePositiveRate: Double
        /// Share of members at or above the threshold.
        public var truePositiveRate: Double

        /// Keeps the two rates.
        public init(falsePositiveRate: Double, truePositiveRate: Double) {
            self.falsePositiveRate = falsePositiveRate
            self.truePositiveRate = truePositiveRate
        }
    }

    /// How to read the true-positive rate between the vertices.
    public enum Convention: String, Codable, Sendable {
        /// The best vertex whose false-positive rate does not exceed the level: conservative, and the default.
        case step
        /// Linear interpolation on the upper envelope of the vertices.
        case interpolated
        /// Linear interpolation on the concave hull: what randomised thresholds reach, biased upward on small samples.
        case hull
    }

    /// From (0, 0) to (1, 1).
    public let points: [Point]
    /// The threshold of each point; infinity for the first.
    public let thresholds: [Double]

    /// Sorts the scores and counts.
    public init(_ sample: LabelledScores) {
        let order = sample.scores.indices.sorted { sample.scores[$0] > sample.scores[$1] }
        let members = Double(sample.memberCount)
        let heldOut = Double(sample.heldOutCount)
        var points = [Point(falsePositiveRate: 0, truePositiveRate: 0)]
        var thresholds = [Double.infinity]
        var truePositives = 0
        var falsePositives = 0
        for (position, index) in order.enumerated() {
            if sample.isMember[index] { truePositives += 1 } else { falsePositives += 1 }
            let isLastOfTie =
                position + 1 == order.count || sample.scores[order[position + 1]] != sample.scores[index]
            if isLastOfTie {
                points.append(
                    Point(
                        falsePositiveRate: Double(falsePositives) / heldOut,
                        truePositiveRate: Double(truePositives) / members
                    )
                )
                thresholds.append(sample.scores[index])
            }
        }
        self.points = points
        self.thresholds = thresholds
    }

    /// The true-positive rate at a false-positive rate.
    public func truePositiveRate(atFalsePositiveRate level: Double, convention: Convention = .step) -> Double {
        switch convention {
        case .step:
            // The slack admits a level that equals a vertex up to its last rounding.
            return points.lazy.filter { $0.falsePositiveRate <= level + 1e-15 }.map(\.truePositiveRate).max() ?? 0
        case .interpolated: return Self.interpolate(Self.envelope(points), at: level)
        case .hull: return Self.interpolate(Self.envelope(Self.hull(points)), at: level)
        }
    }

    /// The largest mean of true-positive and true-negative rate, with its threshold.
    ///
    /// Biased upward, since the threshold is chosen on the same records: about 0.56 on pure noise at 50 a side.
    public var bestBalancedAccuracy: (value: Double, threshold: Double) {
        var best = (value: 0.5, threshold: Double.infinity)
        for (point, threshold) in zip(points, thresholds) {
            let value = (point.truePositiveRate + 1 - point.falsePositiveRate) / 2
            if value > best.value { best = (value, threshold) }
        }
        return best
    }

    /// The largest true-positive minus false-positive rate.
    public var bestAdvantage: Double {
        points.map { $0.truePositiveRate - $0.falsePositiveRate }.max() ?? 0
    }

    /// The largest vertical distance between the two score distributions (Kolmogorov–Smirnov, two-sided).
    public var kolmogorovSmirnov: Double {
        points.map { abs($0.truePositiveRate - $0.falsePositiveRate) }.max() ?? 0
    }

    /// At most `limit` points for drawing: half evenly spaced along the curve, half ever denser towards its start, so that the
    /// log-log plot keeps its tail.
    public func thinned(to limit: Int) -> [Point] {
        guard points.count > limit, limit > 3 else { return points }
        var kept: Set<Int> = [0, points.count - 1]
        let linear = limit / 2
        for step in 0..<linear { kept.insert(step * (points.count - 1) / max(1, linear - 1)) }
        var position = 1.0
        let growth = pow(Double(points.count), 1 / Double(max(1, limit - linear)))
        for _ in 0..<(limit - linear) {
            kept.insert(min(points.count - 1, Int(position)))
            position *= growth
        }
        return kept.sorted().map { points[$0] }
    }

    private static func envelope(_ points: [Point]) -> [Point] {
        var envelope: [Point] = []
        for point in points {
            if let last = envelope.last, last.falsePositiveRate == point.falsePositiveRate {
                envelope[envelope.count - 1].truePositiveRate = max(last.truePositiveRate, point.truePositiveRate)
            } else {
                envelope.append(point)
            }
        }
        return envelope
    }

    private static func hull(_ points: [Point]) -> [Point] {
        var hull: [Point] = []
        for point in points {
            while hull.count >= 2 {
                let a = hull[hull.count - 2]
                let b = hull[hull.count - 1]
                let cross =
                    (b.falsePositiveRate - a.falsePositiveRate) * (point.truePositiveRate - a.truePositiveRate)
                    - (b.truePositiveRate - a.truePositiveRate) * (point.falsePositiveRate - a.falsePositiveRate)
                if cross < 0 { break }
                hull.removeLast()
            }
            hull.append(point)
        }
        return hull
    }

    private static func interpolate(_ points: [Point], at x: Double) -> Double {
        guard let upper = points.firstIndex(where: { $0.falsePositiveRate >= x }) else {
            return points.last?.truePositiveRate ?? 0
        }
        if upper == 0 { return points[0].truePositiveRate }
        let a = points[upper - 1]
        let b = points[upper]
        let share = (x - a.falsePositiveRate) / (b.falsePositiveRate - a.falsePositiveRate)
        return a.truePositiveRate + share * (b.truePositiveRate - a.truePositiveRate)
    }
}
