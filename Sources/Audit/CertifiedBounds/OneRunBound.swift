import DifferentialPrivacy
import Foundation

/// A lower bound on ε from one training run, for whatever mechanism: Steinke, Nasr & Jagielski 2023 ("Privacy Auditing with
/// One (1) Training Run"), in the form of their appendix D.
public struct OneRunBound: Sendable {
    private let audit: OneRunAudit
    /// Beyond it e^ε is hardly a number any more; only a significance next to 1 asks.
    private static let most = 512.0

    /// ln C(r, v − i) for i = 0 … v.
    private let logChoices: [Double]

    /// The bound of an audit.
    public init(_ audit: OneRunAudit) {
        self.audit = audit
        logChoices = (0...audit.correct).map { i in
            LogBinomial.coefficient(Double(audit.guesses), Double(audit.correct - i))
        }
    }

    /// The largest chance that an (ε, δ)-differentially private mechanism gives so many correct guesses, or more.
    ///
    /// β + 2mδα, where β = P[Bin(r, q) ≥ v] with q = e^ε/(1 + e^ε), and α = max over i of P[v − i ≤ Bin(r, q) < v] / i.
    ///
    /// - Parameter epsilon: at least 0.
    public func pValue(epsilon: Double) -> Double {
        let hits = Double(audit.correct)
        let misses = Double(audit.guesses - audit.correct)
        let chance = 1 / (1 + exp(-epsilon))
        let logOfRight = -log1p(exp(-epsilon))
        let logOfWrong = -epsilon + logOfRight
        // Bin(r, q) ≥ v when the v-th smallest of r uniform numbers is at most q.
        let tail = hits == 0 ? 1 : IncompleteBeta.regularized(chance, hits, misses + 1)
        if audit.delta == 0 { return tail }
        var sum = 0.0
        var steepest = 0.0
        for i in stride(from: 1, through: audit.correct, by: 1) {
            let steps = Double(i)
            sum += exp(logChoices[i] + (hits - steps) * logOfRight + (misses + steps) * logOfWrong)
            steepest = max(steepest, sum / steps)
        }
        return min(1, tail + 2 * Double(audit.canaries) * audit.delta * steepest)
    }

    /// The largest ε that the guesses refute at the significance: with that chance of error at most, the mechanism is not
    /// (ε, δ)-differentially private for any smaller ε. 0 when nothing is refuted.
    public var epsilon: Double {
        guard pValue(epsilon: 0) < audit.significance else { return 0 }
        return MonotoneSearch.boundary(startingAt: 1, tolerance: 1e-13, in: 1e-12...Self.most) {
            pValue(epsilon: $0) >= audit.significance
        }.below
    }
}
