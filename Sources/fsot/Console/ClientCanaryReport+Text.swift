import Audit
import Foundation

extension ClientCanaryReport {
    /// A line a statistic, for the terminal.
    var text: String {
        var table = Table([
            "canary clients", "seen by", "in", "out", "AUC", "95 % interval", "ε, estimate", "ε, at least",
        ])
        for statistic in statistics {
            let bound = bounds?.lowerBounds.first { $0.vantage == statistic.vantage && $0.method == .oneRun }
            table.add([
                statistic.name, statistic.vantage.rawValue, "\(included)", "\(heldOut)",
                String(format: "%.3f", statistic.auc),
                String(format: "%.3f–%.3f", statistic.aucInterval.lower, statistic.aucInterval.upper),
                statistic.estimate.map { String(format: "%.2f", $0) } ?? "–",
                bound.map { String(format: "%.2f", $0.epsilon) } ?? "",
            ])
        }
        let few = bounds == nil ? "; fewer than 20 coins prove nothing" : ""
        return table.text + "\nof a participant, at δ \(delta): the estimate is no bound\(few)"
    }

    /// Compared with an upper bound; nil without one, or where the measured bound does not exceed it.
    func contradiction(of stated: RunFacts.Protection?) -> String? {
        guard let stated, let proven = bounds?.proven, proven.epsilon > stated.epsilon else { return nil }
        return String(
            format:
                "the canary clients prove ε ≥ %.2f for a data holder, and %.2f is stated: the noise is not what it is said to be",
            proven.epsilon,
            stated.epsilon
        )
    }
}
