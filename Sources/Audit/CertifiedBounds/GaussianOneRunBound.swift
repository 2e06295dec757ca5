import DifferentialPrivacy
import Foundation

/// A lower bound on ε from one training run, assuming a Gaussian trade-off curve: Mahloujifar, Melis & Chaudhuri 2025
/// ("Auditing f-Differential Privacy in One Run"), in the recursion that jax_privacy uses.
///
/// It tests "the mechanism is μ-GDP", which lets it refute more than `OneRunBound`; for a mechanism whose curve is not
/// Gaussian it proves nothing, so it never stands alone.
public struct GaussianOneRunBound: Sendable {
    private let audit: OneRunAudit

    /// The bound of an audit.
    public init(_ audit: OneRunAudit) { self.audit = audit }

    /// The largest μ that the guesses refute at the significance; 0 when none.
    public var mu: Double {
        guard isRefuted(Self.least) else { return 0 }
        return MonotoneSearch.boundary(startingAt: 1, tolerance: 1e-13, in: Self.least...Self.most) { !isRefuted($0) }
            .below
    }

    /// The ε of the largest refuted curve at the audit's δ, which must be above 0; 0 when none is refuted.
    public var epsilon: Double {
        let mu = mu
        return mu > 0 && audit.delta > 0 ? GaussianTradeoff(mu: mu).epsilon(delta: audit.delta) : 0
    }

    private static let least = 1e-6
    /// Beyond it, errors of the two kinds are no numbers any more.
    private static let most = 64.0

    /// Whether a μ-GDP mechanism gives so many correct guesses with less than the significance.
    ///
    /// r and h bound, going down from v, the chance to be right and to be wrong in one guess; the curve limits each by the
    /// other, and a mechanism that could reach v would exceed the share of guesses.
    private func isRefuted(_ mu: Double) -> Bool {
        let canaries = Double(audit.canaries)
        var right = audit.significance * Double(audit.correct) / canaries
        var wrong = audit.significance * Double(audit.guesses - audit.correct) / canaries
        for i in stride(from: audit.correct - 1, through: 0, by: -1) {
            let next = max(wrong, Normal.cumulative(Normal.quantile(right) - mu))
            if next == wrong { break }
            right = min(1, right + Double(i) / Double(audit.guesses - i) * (next - wrong))
            wrong = next
        }
        return right + wrong > Double(audit.guesses) / canaries
    }
}
