import Foundation
import LanguageModels
import PEFT
import Progress
import TensorEngine
import Training

/// Measures an emulator by what it is for: tunes the adapter on it, plugs it in, and compares with the same blocks tuned inside
/// the full model (Xiao, Lin, Han 2023, section 4), from the same beginning in the same data order.
///
/// Neither model is changed: both have their own weights back, to the bit, after each run.
public struct Probe {
    /// The records.
    public let task: ProbeTask
    /// How to tune.
    public let configuration: ProbeConfiguration
    private let full: LanguageModel
    private let cache: ReportCache

    /// A probe of emulators of one full model.
    ///
    /// - Parameters:
    ///   - full: the owner's model, computing in the precision to measure in.
    ///   - cache: keeps finished pieces.
    public init(full: LanguageModel, task: ProbeTask, configuration: ProbeConfiguration, cache: ReportCache) {
        self.full = full
        self.task = task
        self.configuration = configuration
        self.cache = cache
    }

    /// A tuning on the emulator: the adapter is not kept, so both figures are one piece.
    private struct EmulatorTuning: Codable {
        var tuned: RecordLosses
        var pluggedIn: RecordLosses
    }

    private static let zeroShot = "zero-shot"
    private static func tuned(_ seed: UInt64) -> String { "tuned-seed-\(seed)" }
    private var seeds: Range<UInt64> { 0..<UInt64(configuration.seeds) }

    /// Measures an emulator.
    ///
    /// - Parameters:
    ///   - emulator: cut from the full model, in the same precision.
    ///   - map: where its adapter blocks go.
    ///   - progress: told operations done of all that are left to do.
    ///   - isCancelled: asked between steps and batches; finished pieces stay in the cache.
    /// - Throws: `TrainingError`, `PEFTError`, `LanguageModelError`, `EmulatorError`; `CancellationError`.
    public func run(
        emulator: LanguageModel,
        map: LayerMap,
        progress: ProgressHandler? = nil,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> ProbeReport {
        let start = ContinuousClock.now
        let place = try place(emulator, map)
        let meter = WorkMeter(phase: "probing the task", total: place.remaining, handler: progress)
        let onFull = ProbedModel(full, layers: place.fullLayers, probe: self, meter: meter, isCancelled: isCancelled)
        let onEmulator = ProbedModel(
            emulator,
            layers: place.emulatorLayers,
            probe: self,
            meter: meter,
            isCancelled: isCancelled
        )
        let fullZeroShot = try cache.piece(Self.zeroShot, of: place.ofFull) {
            try onFull.losses("full model, zero-shot")
        }
        let emulatorZeroShot = try cache.piece(Self.zeroShot, of: place.ofEmulator) {
            try onEmulator.losses("emulator, zero-shot")
        }
        let runs = try seeds.map { seed in
            let name = "seed \(seed + 1) of \(configuration.seeds)"
            let beginning = try onFull.beginning(seed: seed)
            let onSite = try cache.piece(Self.tuned(seed), of: place.ofEmulator) {
                let adapter = try onEmulator.tune(from: beginning, seed: seed, stage: "\(name), tuning on the emulator")
                defer { adapter.detach() }
                let tuned = try onEmulator.losses("\(name), emulator tuned")
                let plugged = try onFull.plug(adapter.weights, seed: seed)
                defer { plugged.detach() }
                return EmulatorTuning(tuned: tuned, pluggedIn: try onFull.losses("\(name), plugged in"))
            }
            let fullTuned = try cache.piece(Self.tuned(seed), of: place.ofFull) {
                let adapter = try onFull.tune(from: beginning, seed: seed, stage: "\(name), tuning in the full model")
                defer { adapter.detach() }
                return try onFull.losses("\(name), full model tuned")
            }
            return ProbeReport.Tuning(
                seed: seed,
                emulatorTuned: onSite.tuned,
                pluggedIn: onSite.pluggedIn,
                fullTuned: fullTuned
            )
        }
        return ProbeReport(
            configuration: configuration,
            task: task,
            fullZeroShot: fullZeroShot,
            emulatorZeroShot: emulatorZeroShot,
            tunings: runs,
            seconds: (ContinuousClock.now - start) / .seconds(1)
        )
    }

    /// Floating-point operations that are still to do for an emulator: none where all pieces are known.
    ///
    /// - Throws: `EmulatorError` when the chosen end has no block.
    public func remainingOperations(emulator: LanguageModel, map: LayerMap) throws -> Double {
        try place(emulator, map).remaining
    }

    private struct Place {
        var emulatorLayers: [Int]
        var fullLayers: [Int]
        /// The full model's figures follow from nothing of the emulator but where its adapter lies.
        var ofFull: ReportCache.Subject
        var ofEmulator: ReportCache.Subject
        var remaining: Double
    }

    private func place(_ emulator: LanguageModel, _ map: LayerMap) throws -> Place {
        let layers = try configuration.trainedLayers(of: map)
        let fullLayers = layers.compactMap { map.fullLayer(forEmulatorLayer: $0) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var settings = configuration
        // How many seeds there are changes none of them.
        settings.seeds = 0
        let parts = task.digests.merging([
            "full": try full.weightsDigest(),
            "settings": String(decoding: try encoder.encode(settings), as: UTF8.self),
            "adapter": "\(map.bottom) + \(map.top)",
        ]) { $1 }
        let ofFull = ReportCache.Subject(kind: "probe-full", parts: parts)
        let ofEmulator = ReportCache.Subject(
            kind: "probe-emulator",
            parts: parts.merging(["emulator": try emulator.weightsDigest()]) { $1 }
        )
        return Place(
            emulatorLayers: layers,
            fullLayers: fullLayers,
            ofFull: ofFull,
            ofEmulator: ofEmulator,
            remaining: remaining(emulator, layers, ofEmulator, fullLayers, ofFull)
        )
    }

    private func remaining(
        _ emulator: LanguageModel,
        _ layers: [Int],
        _ ofEmulator: ReportCache.Subject,
        _ fullLayers: [Int],
        _ ofFull: ReportCache.Subject
    ) -> Double {
        let evaluation = (emulator: task.evaluationOperations(of: emulator), full: task.evaluationOperations(of: full))
        let tuning = (
            emulator: task.tuningOperations(of: emulator, layers: layers, configuration: configuration),
            full: task.tuningOperations(of: full, layers: fullLayers, configuration: configuration)
        )
        var sum = 0.0
        if cache.known(Self.zeroShot, of: ofFull, as: RecordLosses.self) == nil { sum += evaluation.full }
        if cache.known(Self.zeroShot, of: ofEmulator, as: RecordLosses.self) == nil { sum += evaluation.emulator }
        for seed in seeds {
            if cache.known(Self.tuned(seed), of: ofEmulator, as: EmulatorTuning.self) == nil {
                sum += tuning.emulator + evaluation.emulator + evaluation.full
            }
            if cache.known(Self.tuned(seed), of: ofFull, as: RecordLosses.self) == nil {
                sum += tuning.full + evaluation.full
            }
        }
        return sum
    }
}
