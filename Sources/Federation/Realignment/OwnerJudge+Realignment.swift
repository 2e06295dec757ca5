import Cryptography
import Emulators
import Foundation
import LanguageModels
import PEFT
import Progress
import TensorEngine

/// The owner's own copy of the emulator that a run tunes, beside the full model.
final class RealignedEmulator {
    let configuration: Realignment
    let metadata: EmulatorMetadata
    let tuned: TunedModel
    let middle: ThinnedMiddle

    /// - Parameter load: gives the emulator; called once.
    /// - Throws: `FederationError.invalidConfiguration` when emulator and adapter do not belong together.
    init(
        _ configuration: Realignment,
        loading load: () throws -> LanguageModel,
        metadata: EmulatorMetadata,
        method: TuningMethod,
        seed: UInt64
    ) throws {
        let emulator = try load()
        let adapter = try method.attach(to: emulator, layers: metadata.adapterLayers, seed: seed)
        // The middle alone learns here.
        for parameter in adapter.parameters { parameter.isTrainable = false }
        guard configuration.split.thinnedMiddle == metadata.bottom..<(metadata.bottom + metadata.kept),
            configuration.split.fullLayerCount == metadata.fullLayers
        else {
            throw FederationError.invalidConfiguration(
                reason: "The owner's record of this emulator has another split than emulator.json",
                remedy: "give the emulator that compress wrote beside its .owner directory"
            )
        }
        self.configuration = configuration
        self.metadata = metadata
        tuned = TunedModel(model: emulator, adapter: adapter) { $0 }
        middle = ThinnedMiddle(of: emulator, metadata)
    }
}

extension OwnerJudge: EmulatorRealigner {
    /// Distils the middle again towards the full model, both with the adapter `state` (FedBiOT's lower level).
    ///
    /// - Returns: nil when held-out text says that it came no nearer.
    /// - Throws: `EmulatorError.diverged`, what recording the release throws, `CancellationError`.
    public func realign(to state: AdapterState, after round: Int) async throws -> RealignedMiddle? {
        let realigned = try realigning()
        tuned.state = state
        realigned.tuned.state = state
        let setup = realigned.configuration
        var configuration = setup.distillation
        configuration.seed &+= UInt64(round)
        let (text, heldOut) = setup.text.holdingOut(every: 10)
        let trainable = tuned.adapter.parameters
        for parameter in trainable { parameter.isTrainable = false }
        defer { for parameter in trainable { parameter.isTrainable = true } }
        let report = try Distillation(
            emulator: realigned.tuned.model,
            full: tuned.model,
            split: setup.split,
            configuration: configuration
        ).run(on: text, heldOut: heldOut, progress: progress, isCancelled: isCancelled)
        if report.keptNothing { return nil }
        let values = realigned.middle.values
        let hash = TaggedHash("fsot/release/realigned")
        hash.append(Array(realigned.metadata.releaseID.utf8))
        hash.append(UInt32(truncatingIfNeeded: round))
        hash.append([UInt8](AdapterState(values: values).encoded))
        let middle = RealignedMiddle(
            round: round,
            releaseID: Array(hash.digest().prefix(16)).hexadecimal,
            values: values
        )
        try setup.record(
            Realignment.Release(
                round: round,
                releaseID: middle.releaseID,
                verbatim: VerbatimPart.find(
                    in: realigned.tuned.model,
                    of: tuned.model,
                    sourceLayers: setup.split.sourceLayers
                ).filter { TensorName.layer(of: $0.tensor).map(setup.split.middle.contains) ?? true },
                distillation: report
            )
        )
        return middle
    }

    /// Puts the middle of an earlier process in place.
    public func resume(from middle: RealignedMiddle) async throws {
        try realigning().middle.set(middle.values, from: "the run's directory")
    }

    private func realigning() throws -> RealignedEmulator {
        guard let realigned else {
            throw FederationError.invalidConfiguration(
                reason: "The owner holds no emulator to re-align",
                remedy: "give --realign-data"
            )
        }
        return realigned
    }
}
