import ArgumentParser
import AtomicFiles
import Checkpoints
import Emulators
import Foundation
import LanguageModels
import Progress
import Sealing
import TensorEngine
import Tokenizers
import Training

extension LayerSelection: ExpressibleByArgument {}
extension DistillationLoss: ExpressibleByArgument {}
extension DistilledWeights: ExpressibleByArgument {}

/// `fsot compress`: from a full model to an emulator.
struct Compress: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an emulator: thin the model's middle, distil it, keep both ends as the adapter.",
        discussion: """
            The emulator is a Hugging Face directory; where its blocks were made thinner, transformers opens it only with --portable. What it gives away and how it was made \
            goes to OUTPUT.owner/, which stays with the owner, and to the owner's ledger (fsot ledger). With --to and \
            --sign it is sealed to named data holders.

            Examples:
              fsot compress model.gguf --keep 0.5 --public-data public.txt --distill-tokens 65536 -o emulator
              fsot compress model.gguf --to alice.card bob.card --sign owner.identity -o emulator.fsot
            """
    )

    @Argument(help: "A Hugging Face directory or a .gguf file.")
    var model: String

    @Option(help: "An emulator recipe, such as Emulators/distilled-half.yaml; flags override it.")
    var recipe: String?

    @Option(help: "Trainable blocks at the input end. (default: 2)")
    var bottom: Int?

    @Option(help: "Trainable blocks at the output end. (default: 2)")
    var top: Int?

    @Option(help: "Share of the middle blocks that is kept. (default: 0.5, or 1 with --feed-forward or --attention)")
    var keep: Double?

    @Option(help: "Share of each kept block's feed-forward channels that stays. (default: 1)")
    var feedForward: Double?

    @Option(help: "Share of each attention projection's parameters that stays, as two factors. (default: 1)")
    var attention: Double?

    @Flag(
        inversion: .prefixedNo,
        help: "Fit the feed-forward's output layer again to the channels that stay. (default: --refit)"
    )
    var refit: Bool?

    @Option(help: "Tokens of public text that thinning measures on. (default: 16384)")
    var calibrationTokens: Int?

    @Option(
        help:
            "Which middle blocks are kept: \(LayerSelection.allCases.map(\.rawValue).joined(separator: ", ")). (default: uniform)"
    )
    var selection: LayerSelection?

    @Option(help: "Public text to distil on: .txt, JSONL or CSV; or 'generated': the model writes it itself.")
    var publicData: String?

    @Option(
        help:
            "How public records become text: alpaca, chatml or plain, as data holders will tune. (default: fields, joined)"
    )
    var publicTemplate: PromptTemplate?

    @Option(help: "Tokens to distil on; 0 keeps the blocks as they are. (default: 65536 with --public-data)")
    var distillTokens: Int?

    @Option(help: "per-layer, per-token, or the paper's offsite-tuning. (default: per-layer)")
    var loss: DistillationLoss?

    @Option(help: "Weight of the divergence from the full model's predictions, beside --loss. (default: 0)")
    var divergenceWeight: Double?

    @Option(help: "What distillation trains: all or feed-forward. (default: all)")
    var distillWeights: DistilledWeights?

    @Option(help: "Peak learning rate of the distillation. (default: 5e-4)")
    var distillLr: Double?

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Option(help: "Decides the distillation's data order and generated text.")
    var seed: UInt64 = 0

    @Option(
        help: "Where the full model's states on the public text are kept between runs. (default: while the run lasts)"
    )
    var teacherCache: String?

    @Flag(help: "Go on with a distillation that was stopped: the same command again, from OUTPUT.partial/.")
    var resume = false

    @Option(help: "How the emulator's weights are written: f32 or bf16.")
    var dtype: String = "f32"

    @Flag(
        help:
            "Write whole matrices, zeros where channels were dropped: stock transformers opens a thinned emulator then."
    )
    var portable = false

    @Option(name: .customLong("to"), parsing: .upToNextOption, help: "Cards of the data holders who may open it.")
    var recipients: [String] = []

    @Option(help: "The owner's identity, which signs the sealed emulator.")
    var sign: String?

    @OptionGroup var passphrase: PassphraseOptions

    @OptionGroup var location: LedgerOptions

    @Option(help: "The licence's name, for the sealed manifest.")
    var licence = "proprietary"

    @Option(name: .shortAndLong, help: "A new directory, or a new .fsot file when sealing.")
    var output: String

    @Option(help: "What the owner's report measures: quick, full or none.")
    var report: ReportDepth = .quick

    @OptionGroup(title: "The owner's report") var measuring: ReportOptions

    @OptionGroup var options: ConsoleOptions

    private var seals: Bool { !recipients.isEmpty || sign != nil }

    func validate() throws {
        guard ["f32", "bf16"].contains(dtype) else { throw ValidationError("--dtype \(dtype) is not f32 or bf16") }
        if seals {
            if recipients.isEmpty { throw ValidationError("--sign needs --to: name at least one data holder's card") }
            if sign == nil {
                throw ValidationError("--to needs --sign OWNER.identity: an unsigned seal proves nothing")
            }
            if !output.hasSuffix(".fsot") { throw ValidationError("a sealed emulator is a file: use -o NAME.fsot") }
        }
        try measuring.check(at: report)
        if let tokens = distillTokens, tokens < 0 { throw ValidationError("--distill-tokens \(tokens) is negative") }
        if publicTemplate != nil, publicData == nil || publicData == "generated" {
            throw ValidationError("--public-template needs --public-data FILE with records")
        }
        if let tokens = distillTokens, tokens > 0, publicData == nil {
            throw ValidationError("--distill-tokens needs --public-data FILE or --public-data generated")
        }
    }

    func run() throws {
        let work = CompressionWork(output: output, teacherCache: teacherCache)
        do {
            try compress(work)
        } catch is CancellationError where work.isKept {
            throw CommandFailure(
                "Stopped; go on with the same command and --resume (\(output).partial holds the work)."
            )
        }
    }

    private func compress(_ work: CompressionWork) throws {
        let console = options.console
        for path in [output, output + ".owner"] where FileManager.default.fileExists(atPath: path) {
            throw AtomicFileError.alreadyExists(path: path)
        }
        try measuring.checkPolicy(at: report, hasText: publicData != nil)
        try work.begin(resuming: resume)
        let cards = try recipients.map { try IdentityCard(path: $0) }
        let owner = try sign.map { try IdentityFile.load($0, passphrase: passphrase) }
        let files = try ModelFiles(path: model)
        let request = try resolvedRequest(maximumLength: files.configuration.maximumPositions)
        console.note("reading \(model)")
        let full = try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: model)
        full.compute(in: try compute.precision())
        // A probe file that cannot be used is better known before an hour of work.
        if report == .full { _ = try measuring.probeTask(files) }
        let display = console.progress()
        let text = try publicText(files, full, request, display)
        let baseModel = try BaseModelFiles.digests(of: files.checkpoint)
        let identity = BaseModelFiles.identity(baseModel)
        let result = try work.endingWhenDiverged {
            try EmulatorCompression.run(
                full: full,
                path: model,
                request: request,
                text: text,
                cache: work.cache(model: identity, precision: full.precision),
                checkpoint: work.checkpoint,
                modelIdentity: identity,
                type: dtype == "bf16" ? .bf16 : .f32,
                progress: display.handler,
                notice: { notice in
                    display.finish()
                    notice.isWarning ? console.warn(notice.text) : console.note(notice.text)
                },
                isCancelled: { Interruption.isRequested }
            )
        }
        display.finish()
        try Interruption.check()
        let assessment = ReleaseAssessment(
            options: measuring,
            depth: report,
            full: full,
            files: files,
            text: text,
            cache: measuring.probeCache ?? work.reportCache,
            console: console
        )
        var entry = LedgerEntry(
            result,
            full: full,
            output: output,
            baseModel: baseModel
        )
        let written = try (portable ? result.emulator.padded() : result.emulator).parameterCount
        let assessed = try assessment.report(
            on: result.released,
            release: result.report,
            wireBytes: written * (dtype == "bf16" ? 2 : 4),
            exposure: LedgerExposure.of(try location.file.entries(), adding: entry).map(UnionExposure.init)
        )
        try Interruption.check()
        try measuring.enforcePolicy(
            on: assessed,
            remedy: work.isKept ? "add --accept-risk --resume" : "add --accept-risk"
        )
        entry.figures = assessed.figures
        entry.riskAccepted = assessed.riskAccepted
        try write(
            result,
            assessed: assessed,
            files: files,
            cards: cards,
            owner: owner,
            entry: &entry,
            display: display
        )
        try location.record(entry, written: [output, output + ".owner"])
        work.end()
        try print(assessed, console: console)
    }

    private func resolvedRequest(maximumLength: Int) throws -> CompressionRequest {
        var request = CompressionRequest(seed: seed)
        let recipe = try recipe.map { try RecipeFile.read($0) }
        try recipe?.apply(to: &request)
        if let bottom { request.bottom = bottom }
        if let top { request.top = top }
        if let feedForward { request.thinning.feedForward = feedForward }
        if let attention { request.thinning.attention = attention }
        if recipe?.names("keep") != true, !request.thinning.isWhole { request.keep = 1 }
        if let keep { request.keep = keep }
        if let refit { request.thinning.refits = refit }
        if let calibrationTokens { request.thinning.calibrationTokens = calibrationTokens }
        if let selection { request.selection = selection }
        if let distillTokens { request.distillation.tokens = distillTokens }
        if let loss { request.distillation.loss = loss }
        if let divergenceWeight { request.distillation.divergenceWeight = divergenceWeight }
        if let distillWeights { request.distillation.weights = distillWeights }
        if let distillLr { request.distillation.learningRate = distillLr }
        try request.distillation.validate()
        request.distillation.seed = seed
        request.publicTemplate = publicTemplate
        request.distillation.length = min(request.distillation.length, maximumLength)
        if publicData == nil {
            if request.selection.needsText { throw EmulatorError.selectionNeedsText(request.selection) }
            request.distillation.tokens = 0
        }
        return request
    }

    private func publicText(
        _ files: ModelFiles,
        _ full: LanguageModel,
        _ request: CompressionRequest,
        _ display: ProgressDisplay
    ) throws -> PublicText? {
        guard let publicData else {
            options.console.note("no --public-data: the kept blocks are not distilled and nothing is probed")
            return nil
        }
        guard publicData == "generated" else {
            return try PublicText.read(
                publicData,
                tokenizer: files.tokenizer,
                length: request.distillation.length,
                encoder: try publicTemplate.map {
                    try RecordEncoder(
                        files.tokenizer,
                        template: $0,
                        maximumLength: request.distillation.length,
                        configuration: files.configuration
                    )
                }
            )
        }
        guard let start = files.tokenizer.endID ?? files.tokenizer.beginID else {
            throw CommandFailure("\(model) has no end-of-text token to start generating from; give --public-data FILE.")
        }
        let tokens = max(request.distillation.tokens * 10 / 9, 2_048)
        let handler = display.handler
        defer { display.finish() }
        return try PublicText.generated(
            by: full,
            start: start,
            tokens: tokens,
            length: request.distillation.length,
            seed: seed
        ) { done in
            handler(.init(phase: "generating public text", completed: min(done, tokens), total: tokens, unit: "tokens"))
            return !Interruption.isRequested
        }
    }

    private func write(
        _ result: CompressedModel,
        assessed: ReleaseReport,
        files: ModelFiles,
        cards: [IdentityCard],
        owner: Identity?,
        entry: inout LedgerEntry,
        display: ProgressDisplay
    ) throws {
        let type: ElementType = dtype == "bf16" ? .bf16 : .f32
        let staged = try StagedDirectory(destination: output + ".owner", permissions: 0o700)
        try result.report.write(directory: staged.path)
        if assessed.depth != .none { try assessed.write(directory: staged.path) }
        let emulator = portable ? try result.emulator.padded() : result.emulator
        var description = result.metadata
        if portable { description.blocks = nil }
        let metadata = try Self.encoded(description)
        let content = [
            EmulatorMetadata.fileName: metadata, "tokenizer.json": try files.tokenizer.tokenizerJSON(),
            "tokenizer_config.json": files.tokenizer.configurationJSON,
        ]
        if let owner {
            let plain = staged.path + "/plain"
            defer { try? FileManager.default.removeItem(atPath: plain) }
            try emulator.save(to: plain, type: type, files: content)
            let sealing = ReleaseSealing(recipients: cards, owner: owner, licence: licence)
            let manifest = try sealing.seal(
                plain,
                to: output,
                releaseID: result.metadata.releaseID,
                architecture: files.configuration.architecture.rawValue,
                baseModel: entry.baseModelDigests,
                ownerDirectory: staged.path,
                display: display
            )
            entry.add(manifest)
            try FileManager.default.removeItem(atPath: plain)
        } else {
            try emulator.save(to: output, type: type, files: content)
            try entry.add(filesIn: output)
        }
        try staged.commit()
    }

    private static func encoded(_ value: some Encodable) throws -> Data {
        Data((try Console.encode(value) + "\n").utf8)
    }

    private func print(_ assessed: ReleaseReport, console: Console) throws {
        let report = assessed.release
        // Those about gradients and the attention sink were said while the emulator was made.
        for warning in assessed.measuredWarnings + assessed.lossWarnings { console.warn(warning) }
        var lines = [
            "emulator          \(output)  (release \(report.releaseID.prefix(8))…)",
            "blocks            \(report.bottom) + \(report.sourceLayers.count) + \(report.top)"
                + String(format: ", %.1f %% of the middle's parameters", report.middleKept * 100),
            "parameters        \(Magnitude.text(report.shippedParameters)) of \(Magnitude.text(report.fullParameters)): "
                + String(format: "compression ratio %.3f", report.compressionRatio),
            "adapter           \(Magnitude.text(report.adapterParameters)) parameters",
            String(
                format:
                    "verbatim          %.1f %% of the full model's parameters travel bit for bit, %.1f %% of the middle's",
                report.verbatimShare * 100,
                report.middleVerbatimShare * 100
            ),
        ]
        if let full = report.fullLoss, let emulator = report.emulatorLoss {
            lines.append(
                String(
                    format: "public text       perplexity %.2f (full) → %.2f (emulator)",
                    exp(full),
                    exp(emulator)
                )
            )
        }
        if let first = report.distillationReport.heldOut.first?.loss,
            let best = report.distillationReport.heldOut.map(\.loss).min()
        {
            lines.append(
                String(format: "distillation      held-out loss %.4f → %.4f", first, best)
                    + ", weights of step \(report.distillationReport.keptStep) of \(report.distillationReport.losses.count)"
            )
        } else if let first = report.distillationReport.losses.first, let last = report.distillationReport.losses.last {
            lines.append(String(format: "distillation      loss %.3f → %.3f", first, last))
        }
        lines += ReportText(assessed).lines
        lines.append(
            "owner's report    \(output).owner/\(assessed.depth == .none ? OwnerReport.fileName : ReleasePage.fileName) (never hand it out)"
        )
        try console.result(lines.joined(separator: "\n"), json: report)
    }
}
