import Foundation

/// How the privacy loss of one round is distributed, on a grid, so that it never looks more private than it is.
///
/// A loss between two grid points is divided between them so that both the mass under the first data set and that under the
/// second (the mass times e^−loss) stay what they are. The trade-off curve of the result joins points of the true one by
/// chords, which lie above it, with an error that falls with the square of the interval (Doroshenko, Ghazi, Kamath, Kumar &
/// Manurangsi 2022, "Connect the Dots"). Mass in the cut tails counts as infinite loss.
package struct PrivacyLossDistribution {
    /// Distance of two grid points.
    let interval: Double
    /// The first grid point, in intervals.
    let lowestIndex: Int
    /// Probability at each grid point from `lowestIndex` on.
    package let masses: [Double]
    /// Probability of an infinite loss.
    let infinityMass: Double

    /// Points and weights of Gauss and Legendre on [−1, 1], exact to degree 7.
    private static let nodes = [
        (-0.8611363115940526, 0.3478548451374538), (-0.3399810435848563, 0.6521451548625461),
        (0.3399810435848563, 0.6521451548625461), (0.8611363115940526, 0.3478548451374538),
    ]

    /// The range of finite losses outside the cut tails.
    static func range(
        of loss: SampledGaussianLoss,
        _ direction: SampledGaussianLoss.Direction,
        tail: Double
    ) -> ClosedRange<Double> {
        let support = loss.support(tail: tail, direction)
        let low = loss.logRatio(support[0].lowerBound)
        let high = loss.logRatio(support[support.count - 1].upperBound)
        return direction == .remove ? low...high : -high ... -low
    }

    /// Puts a loss on a grid.
    ///
    /// - Parameters:
    ///   - loss: of one round.
    ///   - direction: whether a participant is added or removed.
    ///   - interval: distance of two grid points, above 0.
    ///   - tail: mass of each tail that is cut, in (0, 1).
    package init(
        _ loss: SampledGaussianLoss,
        _ direction: SampledGaussianLoss.Direction,
        interval: Double,
        tail: Double
    ) {
        let range = Self.range(of: loss, direction, tail: tail)
        let lowest = Int((range.lowerBound / interval).rounded(.down)) - 1
        let highest = Int((range.upperBound / interval).rounded(.up)) + 1
        var masses = [Double](repeating: 0, count: highest - lowest + 1)
        let step = min(loss.noise / 8, loss.noise * loss.noise / 4)
        let denominator = -expm1(-interval)
        func integrate(_ left: Double, _ right: Double) {
            let pieces = ((right - left) / step).rounded(.up)
            let half = (right - left) / pieces / 2
            for piece in stride(from: 0, to: pieces, by: 1) {
                let middle = left + (2 * piece + 1) * half
                for (node, weight) in Self.nodes {
                    let x = middle + half * node
                    let logRatio = loss.logRatio(x)
                    let mass = weight * half * loss.density(x, logRatio: logRatio, direction)
                    let value = direction == .remove ? logRatio : -logRatio
                    let index = min(max(Int((value / interval).rounded(.down)) - lowest, 0), masses.count - 2)
                    let above = -expm1(Double(index + lowest) * interval - value) / denominator
                    let share = min(max(above, 0), 1)
                    masses[index] += (1 - share) * mass
                    masses[index + 1] += share * mass
                }
            }
        }
        // Pieces end where the loss crosses a grid point: there the division has a kink.
        for window in loss.support(tail: tail, direction) {
            var left = window.lowerBound
            var index = (loss.logRatio(left) / interval).rounded(.down) + 1
            while left < window.upperBound {
                let crossing = loss.output(logRatio: index * interval)
                let right = min(crossing, window.upperBound)
                if right > left {
                    integrate(left, right)
                    left = right
                }
                index += 1
            }
        }
        self.interval = interval
        self.masses = masses
        lowestIndex = lowest
        infinityMass = 2 * tail
    }

    /// The loss of a grid point.
    package func loss(at position: Int) -> Double { Double(lowestIndex + position) * interval }

    /// The cumulant ln Σ p e^(θ·loss) over finite losses.
    package func cumulant(_ theta: Double) -> Double {
        let edge = loss(at: theta > 0 ? masses.count - 1 : 0)
        var sum = 0.0
        for (position, mass) in masses.enumerated() where mass > 0 {
            sum += mass * exp(theta * (loss(at: position) - edge))
        }
        // Far from the edge everything may have vanished; then start from the largest term.
        if sum > 1e-250 { return log(sum) + theta * edge }
        var careful = LogSum()
        for (position, mass) in masses.enumerated() where mass > 0 {
            careful.add(log(mass) + theta * loss(at: position))
        }
        return careful.value
    }
}
