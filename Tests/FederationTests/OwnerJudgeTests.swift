import Emulators
import Federation
import LanguageModels
import PEFT
import TestSupport
import Testing
import Training

/// The owner's check of aggregates on a tiny full model and its emulator.
@Suite struct OwnerJudgeTests {
    private let full: LanguageModel
    private let split: OffsiteSplit
    private let metadata: EmulatorMetadata
    private static let probe = (0..<4).map { record in
        let ids = (0..<12).map { Int32(3 + (record * 31 + $0 * 7) % 240) }
        return EncodedExample(ids: ids, labels: ids, recordIndex: record)
    }

    init() throws {
        full = try Golden.committedModel("llama")
        split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 0.5, selection: .uniform)
        metadata = EmulatorMetadata(split: split, releaseID: "test")
    }

    private func site(_ method: TuningMethod) throws -> TrainingSite {
        let sources = split.sourceLayers
        return try TrainingSite(
            loading: { try Golden.committedModel("llama").subset(blocks: sources) },
            metadata: metadata,
            configuration: SiteConfiguration(method: method, seed: 1),
            examples: [:]
        )
    }

    private func judge(_ site: TrainingSite, _ method: TuningMethod, margin: Double = 0.5) throws -> OwnerJudge {
        try OwnerJudge(
            loading: { try Golden.committedModel("llama") },
            metadata: metadata,
            method: method,
            seed: 1,
            site: site,
            probe: Self.probe,
            margin: margin
        )
    }

    private static let methods: [TuningMethod] = [.blocks, .lora(rank: 2, alpha: 4, targets: [])]

    /// Untuned, emulator and plug-in are the models that they came from.
    @Test(arguments: methods) func untunedFiguresAreTheModelsOwn(_ method: TuningMethod) async throws {
        let site = try site(method)
        let judgement = try await judge(site, method).judge(site.initialState, round: 0)
        let emulator = try full.subset(blocks: split.sourceLayers)
        let expected = [
            "plugin.loss": try RecordPerplexity.measure(full, on: Self.probe).loss,
            "emulator.loss": try RecordPerplexity.measure(emulator, on: Self.probe).loss,
        ]
        for (name, value) in expected { #expect(abs(try #require(judgement.figures[name]) - value) < 1e-6) }
        #expect(judgement.validationLoss == judgement.figures["plugin.loss"])
        #expect(judgement.rejection == nil)
    }

    /// A judge of a resumed run never sees round 0, and rejects all the same.
    @Test(arguments: methods) func worseThanTheMarginIsRejectedInEveryRound(_ method: TuningMethod) async throws {
        let site = try site(method)
        let bad = AdapterState(values: site.initialState.values.enumerated().map { $1 + Float($0 % 5) - 2 })
        let untuned = try await judge(site, method).judge(site.initialState, round: 0).validationLoss
        let gap = try await judge(site, method, margin: 1e6).judge(bad, round: 3).validationLoss - untuned
        try #require(abs(gap) > 1e-3)
        let resumed = try await judge(site, method, margin: gap - 1e-4).judge(bad, round: 3)
        #expect(resumed.rejection?.contains("above the untuned") == true)
        let fresh = try judge(site, method, margin: gap - 1e-4)
        _ = try await fresh.judge(site.initialState, round: 0)
        #expect(try await fresh.judge(bad, round: 3) == resumed)
        #expect(try await judge(site, method, margin: gap + 1e-4).judge(bad, round: 3).rejection == nil)
        let nan = AdapterState(values: bad.values.map { _ in .nan })
        #expect(try await fresh.judge(nan, round: 4).rejection?.contains("not finite") == true)
    }

    @Test func anotherModelIsRefused() throws {
        #expect(throws: FederationError.self) {
            try OwnerJudge(
                loading: { try Golden.committedModel("llama").subset(blocks: [0, 1, 2]) },
                metadata: metadata,
                method: .blocks,
                seed: 1,
                site: site(.blocks),
                probe: Self.probe
            )
        }
        #expect(throws: FederationError.self) {
            try OwnerJudge(
                loading: { try Golden.committedModel("opt") },
                metadata: metadata,
                method: .blocks,
                seed: 1,
                site: site(.blocks),
                probe: Self.probe
            )
        }
    }
}
