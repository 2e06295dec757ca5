import Foundation
import Training

extension RunFacts.Utility {
    /// One model's scores of the planned records.
    public struct Scored: Sendable {
        /// The model's name in the report.
        public var model: String
        /// What it says about the records, in the plan's order.
        public var scores: ObservationCollector.ModelScores
        /// The name of the model that it was before tuning; nil for an untuned one.
        public var before: String?

        /// Keeps the values.
        public init(_ model: String, _ scores: ObservationCollector.ModelScores, before: String? = nil) {
            self.model = model
            self.scores = scores
            self.before = before
        }
    }

    /// Perplexity on the records that were not trained on: exp of the mean negative log-probability of their scored tokens.
    ///
    /// Intervals are by coin (records of one subject are not independent) with the ratio estimator's error
    /// (``RecordPerplexity``). A change is paired: both models are measured on the same records, so what makes a record
    /// hard cancels.
    public static func heldOutPerplexities(of models: [Scored], records: [AuditedRecord]) -> [RunFacts.Utility] {
        models.map { model in
            let own = Totals(model.scores, records)
            var utility = RunFacts.Utility(
                model: model.model,
                measure: "perplexity, held-out records",
                value: own.figures.perplexity,
                isLowerBetter: true
            )
            utility.interval = own.figures.interval
            if let before = models.first(where: { $0.model == model.before }) {
                let change = own.minus(Totals(before.scores, records)).figures
                utility.change = RunFacts.Change(
                    from: before.model,
                    ratio: change.perplexity,
                    interval: change.interval
                )
            }
            return utility
        }
    }

    /// Negative log-probability and scored tokens of each held-out coin.
    private struct Totals {
        private var sums: [Int: Double] = [:]
        private var tokens: [Int: Int] = [:]

        init(_ scores: ObservationCollector.ModelScores, _ records: [AuditedRecord]) {
            for (record, scored) in zip(records, scores.plain)
            where record.canary == nil && !record.isMember && !scored.isEmpty {
                sums[record.coin, default: 0] -= scored.reduce(0.0) { $0 + $1.logProbability }
                tokens[record.coin, default: 0] += scored.count
            }
        }

        func minus(_ other: Totals) -> Totals {
            var difference = self
            for coin in sums.keys { difference.sums[coin, default: 0] -= other.sums[coin] ?? 0 }
            return difference
        }

        var figures: RecordPerplexity {
            let coins = sums.keys.sorted()
            return RecordPerplexity(sums: coins.map { sums[$0] ?? 0 }, tokens: coins.map { tokens[$0] ?? 0 })
        }
    }
}

extension RecordPerplexity {
    /// 95 % interval of the perplexity, symmetric on the scale of the loss.
    fileprivate var interval: ConfidenceInterval {
        let reach = Normal.quantile(0.975) * lossError
        return ConfidenceInterval(lower: exp(loss - reach), upper: exp(loss + reach))
    }
}
