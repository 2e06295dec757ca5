import ArgumentParser
import Checkpoints
import Emulators
import Federation
import Foundation
import LanguageModels
import Progress
import Training

/// The owner's look at the sums: what is left of judging updates when nobody sees one.
struct OwnerCheckOptions: ParsableArguments {
    @Option(help: "The owner's full model: plugs aggregates in, keeps the best round and rejects bad ones.")
    var model: String?

    @Option(help: "The owner's own validation records for --model.")
    var probe: String?

    @Option(help: "Rounds between two looks of the owner.")
    var judgeEvery = 1

    @Option(help: "Nats a token by which an aggregate may be worse than the untuned model before it is rejected.")
    var margin = 0.5

    func validate() throws {
        if (model == nil) != (probe == nil) { throw ValidationError("--model and --probe go together") }
        if !(margin >= 0 && margin.isFinite) { throw ValidationError("--margin \(margin) is not a number from 0 on") }
    }

    /// The judge; nil without a model.
    ///
    /// - Parameters:
    ///   - columns: of a CSV --probe.
    ///   - realigning: how the emulator is distilled again, and the run's directory; nil: it stays as it is.
    /// - Throws: what reading model and records throws.
    func judge(
        of source: EmulatorSource,
        _ configuration: SiteConfiguration,
        template: PromptTemplate,
        maximumLength: Int,
        site: TrainingSite,
        columns: String? = nil,
        realigning: (options: RealignmentOptions, settings: RunDescription.RealignmentSettings, run: String)? = nil,
        progress: ProgressHandler?
    ) throws -> OwnerJudge? {
        guard let model, let probe else { return nil }
        let files = try ModelFiles(path: model)
        let encoder = try RecordEncoder(
            files.tokenizer,
            template: template,
            maximumLength: maximumLength,
            configuration: files.configuration
        )
        let records = try RecordFile.read(probe, columns: try columns.map { try ColumnMapping(parsing: $0) })
        return try OwnerJudge(
            loading: {
                try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: model)
            },
            metadata: source.metadata,
            method: configuration.method,
            precision: configuration.precision,
            seed: configuration.seed,
            site: site,
            probe: try encoder.encode(records).examples,
            margin: margin,
            realigning: try realigning.map { realigning in
                let setup = try realigning.options.realignment(
                    of: source,
                    settings: realigning.settings,
                    encoder: encoder,
                    tokenizer: files.tokenizer,
                    run: realigning.run
                )
                return (setup, { try LanguageModel.load(emulator: source) })
            },
            progress: progress,
            isCancelled: { Interruption.isRequested }
        )
    }
}
