import Cryptography
import Foundation
import LanguageModels
import Progress
import TensorEngine

/// What to make of a full model.
public struct CompressionRequest: Sendable {
    /// Trainable blocks at the input end.
    public var bottom: Int
    /// Trainable blocks at the output end.
    public var top: Int
    /// Share of the middle to keep.
    public var keep: Double
    /// Which blocks of the middle.
    public var selection: LayerSelection
    /// How to train them.
    public var distillation: DistillationConfiguration
    /// Seed of the release.
    public var seed: UInt64

    /// Makes a request.
    public init(
        bottom: Int = 2,
        top: Int = 2,
        keep: Double = 0.5,
        selection: LayerSelection = .uniform,
        distillation: DistillationConfiguration = DistillationConfiguration(),
        seed: UInt64 = 0
    ) {
        self.bottom = bottom
        self.top = top
        self.keep = keep
        self.selection = selection
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
    ///   - progress: told what goes on.
    ///   - isCancelled: asked between steps.
    /// - Throws: `EmulatorError`, `TrainingError`, `CancellationError`.
    public static func run(
        full: LanguageModel,
        path: String,
        request: CompressionRequest,
        text: PublicText?,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> CompressedModel {
        let split = try OffsiteSplit(
            fullLayerCount: full.blocks.count,
            bottom: request.bottom,
            top: request.top,
            keep: request.keep,
            selection: request.selection
        )
        let emulator = try full.subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle))
        let (training, probe) = text?.holdingOut(every: 10) ?? (nil, nil)
        var distilled = DistillationReport(source: "none", tokens: 0, losses: [])
        if let training {
            guard !training.sequences.isEmpty else {
                throw EmulatorError.notEnoughText(source: training.source, tokens: 0, needed: 2)
            }
            distilled = try Distillation.run(
                emulator: emulator,
                full: full,
                split: split,
                text: training,
                configuration: request.distillation,
                progress: progress,
                isCancelled: isCancelled
            )
        }
        let sequences = Array((probe?.sequences ?? []).prefix(32))
        let losses = try meanLosses([full, emulator], on: sequences, progress: progress, isCancelled: isCancelled)
        let releaseID = SecureRandom.bytes(16).map { String(format: "%02x", $0) }.joined()
        let adapter = split.adapterLayers.flatMap { emulator.blocks[$0].parameters }.reduce(0) { $0 + $1.value.count }
        let verbatim = OwnerReport.verbatimCount(emulator: emulator, full: full, split: split)
        let report = OwnerReport(
            releaseID: releaseID,
            date: Date().formatted(.iso8601),
            model: path,
            sourceLayers: split.keptLayers,
            bottom: split.bottom,
            top: split.top,
            keep: request.keep,
            selection: request.selection,
            seed: request.seed,
            distillation: request.distillation,
            distillationReport: distilled,
            fullParameters: full.parameterCount,
            shippedParameters: emulator.parameterCount,
            adapterParameters: adapter,
            middleKept: Double(split.keptLayers.count) / Double(split.middleCount),
            verbatimShare: Double(verbatim) / Double(full.parameterCount),
            fullLoss: losses?[0],
            emulatorLoss: losses?[1]
        )
        return CompressedModel(
            emulator: emulator,
            metadata: EmulatorMetadata(split: split, releaseID: releaseID),
            report: report,
            released: ReleasedEmulator(emulator, split: split)
        )
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
