import Audit
import Emulators
import Federation
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing
import Training

/// Text out of one step's update, on a tiny model.
@Suite struct TextReconstructionTests {
    private let metadata: EmulatorMetadata
    private let split: OffsiteSplit

    init() throws {
        split = try OffsiteSplit(fullLayerCount: 4, bottom: 2, top: 1, keep: 1, selection: .uniform)
        metadata = EmulatorMetadata(split: split, releaseID: "test")
    }

    private func sequences(_ count: Int, of length: Int, seed: UInt64) -> [[Int32]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in (0..<length).map { _ in Int32(3 + generator.next() % 240) } }
    }

    private func emulator() throws -> LanguageModel {
        try Golden.committedModel("llama").subset(blocks: split.sourceLayers)
    }

    private func decode(
        _ members: [[Int32]],
        optimizer: OptimizerConfiguration = .sgd(),
        metadata: EmulatorMetadata? = nil
    ) async throws -> TextReconstruction.Outcome? {
        let metadata = metadata ?? self.metadata
        let configuration = SiteConfiguration(
            method: .blocks,
            batch: members.count,
            optimizer: optimizer,
            clippingNorm: nil,
            seed: 1
        )
        let examples = members.enumerated().map { EncodedExample(ids: $1, labels: $1, recordIndex: $0) }
        let site = try TrainingSite(
            loading: { try emulator() },
            metadata: metadata,
            configuration: configuration,
            examples: ["a": (examples, ExampleSource(path: "a"))]
        )
        let task = LocalTask(holder: "a", round: 1, localSteps: 1, learningRate: 0.05)
        let update = try await site.train(task, from: site.initialState).difference(from: site.initialState)
        let tuned = try TunedModel(emulator: try emulator(), metadata: metadata, method: .blocks, seed: 1)
        for parameter in tuned.adapter.parameters { parameter.isTrainable = false }
        return try TextReconstruction(tuned: tuned, maximumLength: 32).decode(update, from: site.initialState.values)
    }

    @Test("One step of gradient descent on three records gives all three away, word for word, and nothing else")
    func exact() async throws {
        let members = sequences(3, of: 9, seed: 4)
        let outcome = try #require(try await decode(members))
        #expect(Set(outcome.tokens) == Set(members.flatMap { $0.dropLast() }))
        #expect(Set(outcome.sequences) == Set(members.map { Array($0.dropLast()) }))
        let strangers = sequences(3, of: 9, seed: 5)
        let result = ReconstructionResult(
            outcome,
            vantage: .individual,
            holder: "a",
            round: 1,
            records: members.map { ($0, true) } + strangers.map { ($0, false) }
        )
        #expect(result.exactMembers == 3 && result.exactHeldOut == 0 && result.isReadable)
        #expect(result.rouge1 == 1 && result.rouge2 == 1)
    }

    @Test("More tokens than the model is wide leave nothing to read")
    func saturated() async throws {
        let outcome = try await decode(sequences(12, of: 12, seed: 6))
        #expect(outcome == nil)
        let result = ReconstructionResult(
            outcome,
            vantage: .aggregate,
            holder: nil,
            round: 1,
            records: [([1, 2], true)]
        )
        #expect(!result.isReadable && result.exactMembers == 0 && result.rouge1 == 0)
    }

    @Test("Without the two lowest blocks there is no dictionary")
    func topOnly() async throws {
        let split = try OffsiteSplit(fullLayerCount: 4, bottom: 0, top: 2, keep: 1, selection: .uniform)
        let outcome = try await decode(
            sequences(2, of: 8, seed: 7),
            metadata: EmulatorMetadata(split: split, releaseID: "test")
        )
        #expect(outcome == nil)
    }
}
