import Foundation

/// The privacy loss of many rounds: the distribution of one round convolved with itself by FFT.
///
/// The masses are tilted by e^(θ·loss) first and tilted back at the end (exponential change of measure; Esscher 1932), with
/// the θ that puts the mean of all rounds where the answer lies. The rounding error of the FFT is then small beside the
/// answer, not beside 1, so that a δ of 1e-12 costs no more digits than one of 0.1; and the window need only hold the
/// neighbourhood of the answer. What falls outside the window is bounded by Chernoff and counts as infinite loss.
struct ComposedPrivacyLoss {
    /// The longest transform: 2²² complex numbers, 64 MiB.
    static let largestCount = 1 << 22

    private let interval: Double
    /// The first grid point of the window, in intervals.
    private let lowestIndex: Int
    /// Tilted probability at each grid point of the window.
    private let masses: [Double]
    private let theta: Double
    /// The loss around which the tilt is scaled.
    private let centre: Double
    /// ln of what a tilted mass at `centre` must be multiplied by.
    private let logScale: Double
    /// δ that no finite ε removes.
    private let infinityMass: Double
    /// More than all rounding can change δ by, relative to it: errors of one round's sums grow with the rounds.
    private let rounding: Double

    /// Composes; nil when the window would need more than `largestCount` grid points.
    ///
    /// - Parameters:
    ///   - single: of one round.
    ///   - rounds: at least 1.
    ///   - theta: the tilt, at least 0; any gives a valid bound, `saddle…` the best.
    init?(_ single: PrivacyLossDistribution, rounds: Int, theta: Double) {
        let count = Double(rounds)
        let cumulant = single.cumulant(theta)
        let tilted = single.masses.indices.map { position -> Double in
            let mass = single.masses[position]
            return mass > 0 ? exp(log(mass) + theta * single.loss(at: position) - cumulant) : 0
        }
        let mean = tilted.indices.reduce(0) { $0 + tilted[$1] * single.loss(at: $1) }
        let variance = tilted.indices.reduce(0) { sum, position in
            let deviation = single.loss(at: position) - mean
            return sum + tilted[position] * deviation * deviation
        }
        let window = Self.window(single, rounds: count, theta: theta, cumulant: cumulant, variance: count * variance)
        let interval = single.interval
        let size = (window.upperBound - window.lowerBound) / interval + 4
        guard size <= Double(Self.largestCount) else { return nil }
        let length = 1 << (Int.bitWidth - (Int(size) - 1).leadingZeroBitCount)
        // One round sits around zero, so that all together stay near zero too.
        let shift = Int((mean / interval).rounded())
        var real = [Double](repeating: 0, count: length)
        var imaginary = real
        for position in tilted.indices {
            real[(single.lowestIndex + position - shift) & (length - 1)] += tilted[position]
        }
        let transform = FourierTransform(count: length)
        transform.forward(&real, &imaginary)
        Self.raise(&real, &imaginary, to: rounds)
        transform.inverse(&real, &imaginary)
        let lowest = Int((window.lowerBound / interval).rounded(.down))
        masses = (0..<length).map { max(0, real[(lowest + $0 - rounds * shift) & (length - 1)]) }
        lowestIndex = lowest
        self.interval = interval
        self.theta = theta
        rounding = 1e-6 + 1e-12 * count
        centre = count * mean
        logScale = count * cumulant - theta * centre
        infinityMass =
            count * single.infinityMass + exp(count * cumulant - theta * window.upperBound + Self.logOutside)
    }

    /// The smallest ε ≥ 0 with δ(ε) ≤ `delta`.
    func epsilon(delta: Double) -> Double {
        let rest = delta * (1 - rounding) - infinityMass
        if rest <= 0 { return .infinity }
        let target = exp(log(rest) - logScale)
        var sums = SuffixSums()
        for position in masses.indices.reversed() {
            let loss = Double(lowestIndex + position) * interval
            if sums.all - sums.discounted > target {
                // Between this grid point and the next δ(ε) = all − discounted · e^(ε−loss).
                return max(0, loss + log((sums.all - target) / sums.discounted))
            }
            let mass = masses[position] * exp(-theta * (loss - centre))
            sums.all += mass
            sums.discounted = (sums.discounted + mass) * exp(-interval)
        }
        return max(0, Double(lowestIndex) * interval)
    }

    /// δ(ε) = Σ (1 − e^(ε−loss)) p over losses above ε, for ε ≥ 0.
    func delta(epsilon: Double) -> Double {
        var sum = 0.0
        for position in masses.indices.reversed() {
            let excess = Double(lowestIndex + position) * interval - epsilon
            if excess <= 0 { break }
            sum += masses[position] * exp(-theta * excess) * -expm1(-excess)
        }
        let logarithm = log(sum) + logScale - theta * (epsilon - centre)
        return min(1, exp(logarithm) * (1 + rounding) + infinityMass)
    }

    /// Σ of the masses above a grid point, and Σ of them times e^(grid point − loss).
    private struct SuffixSums {
        var all = 0.0
        var discounted = 0.0
    }

    /// ln of the tilted mass allowed on each side of the window.
    private static let logOutside = log(1e-13)

    /// Where all rounds' tilted loss lies but for `logOutside` on each side, by Chernoff's bound, whose free parameter is
    /// tried around what a normal distribution would want.
    private static func window(
        _ single: PrivacyLossDistribution,
        rounds: Double,
        theta: Double,
        cumulant: Double,
        variance: Double
    ) -> ClosedRange<Double> {
        let normal = (-2 * logOutside / max(variance, 1e-200)).squareRoot()
        func end(_ sign: Double) -> Double {
            [0.25, 0.5, 1, 2].map { factor in
                let shift = factor * normal
                let change = rounds * (single.cumulant(theta + sign * shift) - cumulant)
                return (change - logOutside) / shift
            }.min() ?? .infinity
        }
        let upper = end(1)
        return min(-end(-1), upper)...upper
    }

    /// Every complex number to a whole power, by squaring.
    private static func raise(_ real: inout [Double], _ imaginary: inout [Double], to power: Int) {
        for index in real.indices {
            var a = real[index]
            var b = imaginary[index]
            var x = 1.0
            var y = 0.0
            var rest = power
            while true {
                if rest & 1 == 1 { (x, y) = (x * a - y * b, x * b + y * a) }
                rest >>= 1
                if rest == 0 { break }
                (a, b) = (a * a - b * b, 2 * a * b)
            }
            real[index] = x
            imaginary[index] = y
        }
    }
}
