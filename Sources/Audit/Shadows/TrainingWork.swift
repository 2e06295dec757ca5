import Federation
import LanguageModels
import Training

/// What training and scoring cost in floating-point operations: those of ``LanguageModels/LanguageModel/operations(lengths:labelled:)``.
public enum TrainingWork {
    /// Of a training step's share of one record, mean over records.
    ///
    /// - Parameter model: its trainable parameters marked.
    public static func perRecord(_ examples: [EncodedExample], of model: LanguageModel) -> Double {
        let sum = examples.reduce(0) {
            $0 + model.operations(lengths: [$1.ids.count], labelled: $1.labelledTokenCount).total
        }
        return sum / Double(max(1, examples.count))
    }

    /// Of all rounds of a run.
    ///
    /// - Parameters:
    ///   - examples: each data holder's records.
    ///   - model: its trainable parameters marked.
    public static func run(
        _ examples: [[EncodedExample]],
        of model: LanguageModel,
        site: SiteConfiguration,
        federation: FederationConfiguration
    ) -> Double {
        let batches = Double(federation.rounds * federation.localSteps * site.accumulation)
        let share =
            Double(min(federation.participantsPerRound ?? examples.count, examples.count))
            / Double(max(1, examples.count))
        return examples.reduce(0) { sum, own in
            // The last batch of an epoch holds what is left.
            let perEpoch = max(1, (own.count + site.batch - 1) / site.batch)
            let perBatch = site.privacy == nil ? Double(own.count) / Double(perEpoch) : Double(site.batch)
            return sum + perRecord(own, of: model) * batches * perBatch
        } * share
    }

    /// Of one forward pass over sequences of these lengths.
    public static func forward(_ sequences: [ScoredSequence], of model: LanguageModel) -> Double {
        sequences.reduce(0) { $0 + model.operations(lengths: [max(1, $1.ids.count)]).forward }
    }
}
