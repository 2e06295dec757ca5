import ArgumentParser
import AtomicFiles
import Audit
import Checkpoints
import Emulators
import Federation
import Foundation
import LanguageModels
import Logging
import PEFT
import Progress
import TensorEngine
import Training

/// `fsot audit shadows`: the models of an attacker's own, for LIRA and RMIA.
struct AuditShadowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadows",
        abstract:
            "Train shadow adapters for LIRA and RMIA: as the run was tuned, on fresh halves of its plan's records.",
        discussion: """
            An attacker who has the emulator can tune it himself, as the run was tuned, once with a record and once without, \
            and compare. The higher the compression, the cheaper that is. Each record of the plan, trained on or held out, is \
            in exactly half of the shadows, by coins that follow from --seed and never from the plan's.

            With --model, each shadow is plugged into the full model too and scored there, which gives LIRA and RMIA the owner's \
            vantage point; that costs one forward pass of the full model over the records a shadow, and no more training.

            Written are coins and likelihoods, no text and no weights. Shadows that are there are taken over with --resume, so \
            Ctrl-C costs one shadow at most. With --population, RMIA compares with records that nobody trained on; give the \
            same file to fsot audit run. Of a run under differential privacy the noise is repeated too, from --seed.

            Example:
              fsot audit shadows run --count 8 -o shadows
              fsot audit run run --shadows shadows --suite Attacks/deep.yaml -o report
            """
    )

    @Argument(help: "A run directory of fsot tune --plan.")
    var run: String

    @Option(help: "Shadow adapters to train: even, at least \(ShadowCoins.fewest).")
    var count = 8

    @Option(help: "Decides the shadows' coins, data order and noise.")
    var seed: UInt64 = 0

    @Option(help: "Rounds of each shadow. (default: the run's)")
    var rounds: Int?

    @Option(help: "Optimizer steps of each data holder in a round. (default: the run's)")
    var localSteps: Int?

    @Option(help: "Records of the same kind that nobody trained on, for RMIA.")
    var population: String?

    @Option(help: "The full model: also score the shadows plugged into it, for the owner's vantage point.")
    var model: String?

    @OptionGroup var opening: OpeningOptions

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Flag(help: "Go on with the shadows in --output.")
    var resume = false

    @Option(name: .shortAndLong, help: "A new directory, or the shadows to go on with.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if count < ShadowCoins.fewest || !count.isMultiple(of: 2) {
            throw ValidationError("--count \(count) is not even and at least \(ShadowCoins.fewest)")
        }
        for (name, value) in [("--rounds", rounds), ("--local-steps", localSteps)] {
            if let value, value < 1 { throw ValidationError("\(name) \(value) is not positive") }
        }
    }

    private struct Result: Encodable {
        var shadows: Int
        var trainingOperations: Double
        var scoringOperations: Double
        var pluggedScoringOperations: Double?
        var targetOperations: Double
        var directory: String
    }

    func run() async throws {
        let console = options.console
        if !resume, FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        let target = try FinishedRun(run, opening: opening, console: console)
        try target.requireRepeatable()
        var federation = target.description.federation
        if let rounds { federation.rounds = rounds }
        if let localSteps { federation.localSteps = localSteps }
        let full = try model.map { try ModelFiles(path: $0) }
        let settings = ShadowSettings(
            emulatorDigest: target.source.hexadecimalDigest,
            planDigest: try target.planDigest(),
            populationDigest: try population.map { try FileDigest.hexadecimal(of: $0) },
            modelIdentity: try full.map { try BaseModelFiles.identity(BaseModelFiles.digests(of: $0.checkpoint)) },
            template: target.description.template,
            maximumLength: target.description.maximumLength,
            site: target.description.site,
            federation: federation,
            shadows: count,
            seed: seed
        )
        let holders = target.drawn.auditedRecords.map(\.holder)
        let coins = try ShadowCoins(
            ties: target.drawn.plan.records.map(\.coin),
            holders: holders,
            shadows: count,
            seed: seed
        )
        let examples = try target.examples(of: target.drawn.records)
        let outsiders = try population.map { try target.examples(of: RecordFile.read($0)) } ?? []
        let directory =
            try resume ? ShadowDirectory.resume(settings, at: output) : ShadowDirectory.create(settings, at: output)

        let scorer = try TunedModel(
            emulator: target.emulator(),
            metadata: target.description.metadata,
            method: settings.site.method,
            seed: settings.site.seed
        )
        let initial = scorer.state
        let plugged = try full.map { files in
            let tuned = try TunedModel(
                full: LanguageModel.load(
                    files.checkpoint.tensors,
                    configuration: files.configuration,
                    path: model ?? ""
                ),
                metadata: target.description.metadata,
                method: settings.site.method,
                seed: settings.site.seed
            )
            try tuned.requireSchema(scorer.schema)
            for parameter in tuned.adapter.parameters { parameter.isTrainable = false }
            tuned.model.compute(in: try compute.precision())
            return tuned
        }
        let price = try Self.price(of: scorer.model, plugged?.model, target, federation, examples, outsiders)
        for parameter in scorer.adapter.parameters { parameter.isTrainable = false }
        scorer.model.compute(in: try compute.precision())
        let missing = try (0..<count).filter { try directory.scores(of: $0) == nil }
        console.note(
            "\(count) shadows for about \(WorkText.operations(price.each * Double(count))): "
                + "\(WorkText.times(price.each * Double(count) / price.target)) the run's own training "
                + "(\(WorkText.operations(price.target)))"
                + (price.plugged == 0
                    ? "" : ", \(WorkText.operations(price.plugged * Double(count))) of it in the full model")
                + (missing.count == count ? "" : "; \(missing.count) are still to train")
        )

        let source = target.source
        let isQuiet = console.isQuiet
        let training = ShadowTraining(
            metadata: target.description.metadata,
            site: settings.site,
            federation: federation,
            examples: examples,
            holders: holders,
            logger: Logger(label: "fsot.shadows") { _ in StandardErrorLog(isQuiet: isQuiet) }
        )
        let display = console.progress()
        let total = Int(price.each * Double(missing.count) / 1e9)
        for (position, shadow) in missing.enumerated() {
            let done = price.each * Double(position)
            let tell = { @Sendable (operations: Double) in
                display.handler(
                    ProgressEvent(
                        phase: "training shadows",
                        stage: "\(shadow + 1) of \(settings.shadows)",
                        completed: min(total, Int((done + operations) / 1e9)),
                        total: total,
                        unit: "GFLOP"
                    )
                )
            }
            tell(0)
            let (adapter, tokens) = try await training.train(
                loading: { try LanguageModel.load(emulator: source) },
                isIncluded: coins.isIncluded[shadow],
                from: initial,
                seed: SeededGenerator(seed: seed).derive("shadow \(shadow)").nextSeed,
                progress: { tell(Double($0) * price.token) },
                isCancelled: { Interruption.isRequested }
            )
            func score(_ examples: [EncodedExample], with model: TunedModel) throws -> [Double?] {
                try model.meanLogLikelihoods(
                    of: examples.map { ScoredSequence($0) },
                    under: adapter,
                    isCancelled: { Interruption.isRequested }
                )
            }
            try directory.save(
                ShadowScores(
                    shadow: shadow,
                    isIncluded: coins.isIncluded[shadow],
                    logLikelihoods: try score(examples, with: scorer),
                    population: try score(outsiders, with: scorer),
                    plugged: try plugged.map {
                        ShadowScores.Plugged(
                            logLikelihoods: try score(examples, with: $0),
                            population: try score(outsiders, with: $0),
                            scoringOperations: price.plugged
                        )
                    },
                    trainingOperations: Double(tokens) * price.token,
                    scoringOperations: price.scoring
                )
            )
            tell(price.each)
        }
        display.finish()
        let all = try directory.all(records: examples.count)
        let result = Result(
            shadows: all.count,
            trainingOperations: all.reduce(0) { $0 + $1.trainingOperations },
            scoringOperations: all.reduce(0) { $0 + $1.scoringOperations },
            pluggedScoringOperations: model == nil
                ? nil : all.reduce(0) { $0 + ($1.plugged?.scoringOperations ?? 0) },
            targetOperations: price.target,
            directory: output
        )
        let pluggedText = result.pluggedScoringOperations.map { ", plugged in \(WorkText.operations($0))" } ?? ""
        let spent =
            result.trainingOperations + result.scoringOperations + (result.pluggedScoringOperations ?? 0)
        try console.result(
            """
            shadows           \(result.shadows), each record in \(result.shadows / 2) of them
            attacker's cost   \(WorkText.operations(spent)): training \(WorkText.operations(result.trainingOperations)), \
            scoring \(WorkText.operations(result.scoringOperations))\(pluggedText)
            the run's own     \(WorkText.operations(result.targetOperations)); the attack costs \
            \(WorkText.times(spent / result.targetOperations)) that
            written           \(output); attack with fsot audit run \(run)\(model.map { " --model \($0)" } ?? "") --shadows \(output)
            """,
            json: result
        )
    }

    /// Floating-point operations: of one shadow, of one token of its training, of its scoring on the emulator and in the full model, and of the run's training.
    private struct Price {
        var each: Double
        var token: Double
        var scoring: Double
        var plugged: Double
        var target: Double
    }

    private static func price(
        of model: LanguageModel,
        _ full: LanguageModel?,
        _ target: FinishedRun,
        _ federation: FederationConfiguration,
        _ examples: [EncodedExample],
        _ outsiders: [EncodedExample]
    ) throws -> Price {
        let tokens = examples.reduce(0) { $0 + $1.ids.count }
        let record = TrainingWork.perRecord(examples, of: model)
        let sequences = (examples + outsiders).map { ScoredSequence($0) }
        let scoring = TrainingWork.forward(sequences, of: model)
        let plugged = full.map { TrainingWork.forward(sequences, of: $0) } ?? 0
        let training = TrainingWork.run(
            target.byHolder(examples) { _ in 1 },
            of: model,
            site: target.description.site,
            federation: federation
        )
        return Price(
            each: training + scoring + plugged,
            token: record * Double(examples.count) / Double(max(1, tokens)),
            scoring: scoring,
            plugged: plugged,
            target: try target.trainingOperations(of: model)
        )
    }
}

extension SeededGenerator {
    /// A number that follows from the generator's state, for seeding something else.
    fileprivate var nextSeed: UInt64 {
        var copy = self
        return copy.next()
    }
}
