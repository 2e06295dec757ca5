import Checkpoints
import Cryptography
import Foundation
import LanguageModels
import Progress
import TensorEngine
import Training

/// What to make of a full model.
public struct CompressionRequest: Sendable {
    /// Trainable blocks at the input end.
    public var bottom: Int
    /// Trainable blocks at the output end.
    public var top: Int
    /// Share of the middle's blocks to keep.
    public var keep: Double
    /// Which blocks of the middle.
    public var selection: LayerSelection
    /// How much of each kept block.
    public var thinning: Thinning
    /// How to train them.
    public var distillation: DistillationConfiguration
    /// How public records became text, for later reports; nil: their fields, joined.
    public var publicTemplate: PromptTemplate?
    /// Seed of the release.
    public var seed: UInt64

    /// Makes a request.
    public init(
        bottom: Int = 2,
        top: Int = 2,
        keep: Double = 0.5,
        selection: LayerSelection = .uniform,
        thinning: Thinning = Thinning(),
        distillation: DistillationConfiguration = DistillationConfiguration(),
        seed: UInt64 = 0
    ) {
        self.bottom = bottom
        self.top = top
        self.keep = keep
        self.selection = selection
        self.thinning = thinning
        self.distillation = distillation
        self.seed = seed
    }
}

/// An emulator in memory with what belongs beside it.
public struct CompressedModel {
    /// Embedding, adapter, thinned middle, norm and head.
    public let emulator: LanguageModel
    /// `emulator.json`.
    public let metadata: EmulatorMetadata
    /// The owner's report.
    public let report: OwnerReport
    /// The emulator with the owner's knowledge of where it came from.
    public let released: ReleasedEmulator
}

/// Cuts and distils: from a full model to an emulator.
public enum EmulatorCompression {
    /// Makes an emulator.
    ///
    /// - Parameters:
    ///   - full: the owner's model; unchanged.
    ///   - path: the full model's path, for the owner's report.
    ///   - request: what to make.
    ///   - text: public text; nil: nothing is distilled or probed.
    ///   - cache: see ``Distillation/run(on:heldOut:cache:checkpoint:progress:isCancelled:)``.
    ///   - checkpoint: a directory where the distillation is saved and gone on from.
    ///   - modelIdentity: identifies the full model's weights; what is gone on with must be of the same.
    ///   - type: what weights will be written as: all figures are of the rounded ones.
    ///   - progress: told what goes on.
    ///   - notice: told what the owner should know at once, before the work that it concerns.
    ///   - isCancelled: asked between steps.
    /// - Throws: `EmulatorError`, `TrainingError`, `LanguageModelError`, `CancellationError`.
    public static func run(
        full: LanguageModel,
        path: String,
        request: CompressionRequest,
        text: PublicText?,
        cache: TeacherCacheLocation? = nil,
        checkpoint: String? = nil,
        modelIdentity: String? = nil,
        type: ElementType = .f32,
        progress: ProgressHandler? = nil,
        notice: (CompressionNotice) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> CompressedModel {
        try request.thinning.validate()
        let (training, probe) = text?.holdingOut(every: 10) ?? (nil, nil)
        // What decides when to stop cannot also say how good the result is.
        let halves = probe?.holdingOut(every: 2)
        let (deciding, judging) =
            halves?.heldOut.sequences.isEmpty == false ? (halves?.rest, halves?.heldOut) : (nil, probe)
        if let training, training.sequences.isEmpty {
            throw EmulatorError.notEnoughText(source: training.source, tokens: 0, needed: 2)
        }
        let (split, choice) = try chooseSplit(full, request, training, progress, isCancelled)
        if let warning = CompressionNotice(choice) { notice(warning) }
        var emulator = try MiddleThinning.apply(
            to: full.subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle)),
            full: full,
            split: split,
            thinning: request.thinning,
            text: training,
            progress: progress,
            isCancelled: isCancelled
        )
        let gradients = try training.flatMap {
            try AdapterGradients(
                full: full,
                bottom: split.bottom,
                top: split.top,
                text: $0,
                progress: progress,
                isCancelled: isCancelled
            )
        }
        let forecast = try gradients?.forecast(emulator, progress: progress, isCancelled: isCancelled)
        if let forecast { notice(.forecast(forecast, isDistilled: false)) }
        var distilled = DistillationReport(source: "none", tokens: 0, losses: [])
        if let training {
            let distillation = Distillation(
                emulator: emulator,
                full: full,
                split: split,
                configuration: request.distillation
            )
            distilled = try distillation.run(
                on: training,
                heldOut: deciding,
                cache: cache,
                checkpoint: checkpoint.map {
                    DistillationCheckpoint(
                        directory: $0,
                        origin:
                            "\(modelIdentity ?? "") \(full.precision) \(split) \(request.thinning) \(text?.tokenCount ?? 0)"
                    )
                },
                progress: progress,
                isCancelled: isCancelled
            )
        }
        if type != .f32 { emulator = try emulator.rounded(to: type) }
        let distilledForecast =
            distilled.tokens == 0
            ? nil : try gradients?.forecast(emulator, progress: progress, isCancelled: isCancelled)
        if let distilledForecast { notice(.forecast(distilledForecast, isDistilled: true)) }
        let sequences = Array((judging?.sequences ?? []).prefix(32))
        let losses = try meanLosses([full, emulator], on: sequences, progress: progress, isCancelled: isCancelled)
        let releaseID = SecureRandom.bytes(16).hexadecimal
        let adapter = split.adapterLayers.flatMap { emulator.blocks[$0].parameters }.reduce(0) { $0 + $1.value.count }
        let parts = VerbatimPart.find(in: emulator, of: full, sourceLayers: split.sourceLayers)
        let verbatim = parts.reduce(0) { $0 + $1.count }
        let verbatimMiddle = parts.reduce(0) { sum, part in
            TensorName.layer(of: part.tensor).map(split.middle.contains) == true ? sum + part.count : sum
        }
        let report = OwnerReport(
            releaseID: releaseID,
            date: Date().formatted(.iso8601),
            model: path,
            sourceLayers: split.keptLayers,
            bottom: split.bottom,
            top: split.top,
            keep: request.keep,
            selection: request.selection,
            thinning: request.thinning,
            seed: request.seed,
            distillation: request.distillation,
            distillationReport: distilled,
            fullParameters: full.parameterCount,
            shippedParameters: emulator.parameterCount,
            adapterParameters: adapter,
            middleKept: Double(emulator.parameterCount(of: split.thinnedMiddle))
                / Double(full.parameterCount(of: split.middle)),
            verbatimShare: Double(verbatim) / Double(full.parameterCount),
            middleVerbatimShare: Double(verbatimMiddle) / Double(full.parameterCount(of: split.middle)),
            modelIdentity: modelIdentity,
            fullLoss: losses?[0],
            emulatorLoss: losses?[1],
            layerChoice: choice,
            forecast: forecast,
            distilledForecast: distilledForecast,
            publicTemplate: request.publicTemplate
        )
        return CompressedModel(
            emulator: emulator,
            metadata: EmulatorMetadata(split: split, shapes: emulator.thinnedShapes(split), releaseID: releaseID),
            report: report,
            released: ReleasedEmulator(emulator, split: split)
        )
    }

    /// Which blocks are kept, measured on the text where the selection needs it.
    private static func chooseSplit(
        _ full: LanguageModel,
        _ request: CompressionRequest,
        _ text: PublicText?,
        _ progress: ProgressHandler?,
        _ isCancelled: () -> Bool
    ) throws -> (OffsiteSplit, LayerChoice) {
        let count = full.blocks.count
        let middle = try OffsiteSplit.middle(fullLayerCount: count, bottom: request.bottom, top: request.top)
        let choice = try request.selection.choose(
            from: full,
            middle: middle,
            keeping: try OffsiteSplit.keptCount(request.keep, of: middle),
            seed: request.seed,
            text: text,
            progress: progress,
            isCancelled: isCancelled
        )
        let split = try OffsiteSplit(
            fullLayerCount: count,
            bottom: request.bottom,
            top: request.top,
            keptMiddle: choice.kept
        )
        return (split, choice)
    }

    /// Nats a token of each model on public text that was not distilled on; nil without any.
    private static func meanLosses(
        _ models: [LanguageModel],
        on sequences: [[Int32]],
        progress: ProgressHandler?,
        isCancelled: () -> Bool
    ) throws -> [Double]? {
        if sequences.isEmpty { return nil }
        let total = models.count * sequences.reduce(0) { $0 + $1.count }
        var done = 0
        func tell() {
            progress?(ProgressEvent(phase: "measuring on public text", completed: done, total: total, unit: "tokens"))
        }
        tell()
        return try models.map { model in
            var (sum, count) = (0.0, 0)
            for sequence in sequences {
                if isCancelled() { throw CancellationError() }
                let loss = try model.perplexity([sequence])
                sum += loss.meanLoss * Double(loss.tokenCount)
                count += loss.tokenCount
                done += sequence.count
                tell()
            }
            return sum / Double(count)
        }
    }
}
