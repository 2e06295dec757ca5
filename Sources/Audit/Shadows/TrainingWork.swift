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
        let records = Double(federation.rounds * federation.localSteps * site.batch * site.accumulation)
        let share =
            Double(min(federation.participantsPerRound ?? examples.count, examples.count))
            / Double(max(1, examples.count))
        return examples.reduce(0) { $0 + perRecord($1, of: model) * records } * share
    }

    /// Of one forward pass over sequences of these lengths.
    public static func forward(_ sequences: [ScoredSequence], of model: LanguageModel) -> Double {
        sequences.reduce(0) { $0 + model.operations(lengths: [max(1, $1.ids.count)]).forward }
    }
}
