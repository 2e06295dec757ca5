import Emulators
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing
import Training

/// Attacks on emulators of a tiny llama of four blocks.
@Suite struct RecoveryTests {
    private let full: LanguageModel
    private let text = RandomText.sequences(30, seed: 4)
    private let heldOut = RandomText.sequences(6, seed: 5)

    init() throws { full = try Golden.committedModel("llama") }

    private func released(keep: Double, bottom: Int = 1, top: Int = 1) throws -> ReleasedEmulator {
        let split = try OffsiteSplit(fullLayerCount: 4, bottom: bottom, top: top, keep: keep, selection: .uniform)
        return ReleasedEmulator(
            try full.subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle)),
            split: split
        )
    }

    /// What the owner of a release that holds these middle layers noted.
    private func release(sourceLayers: [Int]) throws -> OwnerReport {
        let request = CompressionRequest(bottom: 1, top: 1, keep: 0.5)
        var report = try EmulatorCompression.run(full: full, path: "m.gguf", request: request, text: nil).report
        report.sourceLayers = sourceLayers
        return report
    }

    private func recovery(_ shares: [Double] = [], cache: ReportCache = ReportCache()) throws -> Recovery {
        try Recovery(
            full: full,
            text: text,
            heldOut: heldOut,
            configuration: RecoveryConfiguration(referenceTokens: 2_000, shares: shares),
            cache: cache
        )
    }

    private func values(_ model: LanguageModel) -> [[Float]] { model.parameters.map { $0.value.values } }

    private func deepened(_ count: Int) throws -> LanguageModel {
        try full.assembled(from: (0..<count).map { BlockSource(full, block: $0 % 4) })
    }

    @Test func assembledModelsOwnAllTheirValues() throws {
        let copy = try full.assembled(from: [2, 0, 0].map { BlockSource(full, block: $0) })
        #expect(copy.blocks.count == 3 && copy.parameters.map(\.name).contains("model.layers.2.mlp.up_proj.weight"))
        for (index, source) in [2, 0, 0].enumerated() {
            let (made, original) = (copy.blocks[index].parameters, full.blocks[source].parameters)
            #expect(made.map { $0.value.values } == original.map { $0.value.values })
        }
        let before = values(full)
        for parameter in copy.parameters { Elementwise.scale(parameter.value, by: 2) }
        #expect(values(full) == before, "an assembled model shares its values")
        #expect(throws: LanguageModelError.self) { try full.assembled(from: [BlockSource(full, block: 4)]) }
        #expect(throws: LanguageModelError.self) { try full.assembled(from: []) }
    }

    @Test func nothingMissingIsNothingToRefill() throws {
        for rule in RefillAttack.Rule.allCases {
            #expect(try RefillAttack.replica(of: released(keep: 1), by: rule) == nil)
        }
        let report = try recovery().run(released(keep: 1))
        #expect(report.attempts.map(\.name) == ["A0 as is"])
        #expect(report.notes.contains { $0.contains("nothing to refill") })
        #expect(report.attempts[0].recovery.value == 1 && report.attempts[0].agreement == 1)
        #expect(report.attempts[0].divergence < 1e-9 && report.attempts[0].loss == report.fullLoss)
    }

    /// Pruned channels and factored attention travel into replicas as they are; only layers can be refilled.
    @Test func thinnedBlocksKeepTheirShapes() throws {
        let request = CompressionRequest(
            bottom: 1,
            top: 1,
            keep: 0.5,
            thinning: Thinning(feedForward: 0.5, attention: 0.5)
        )
        let made = try EmulatorCompression.run(full: full, path: "m", request: request, text: text)
        let shipped = made.emulator.blocks[1].parameters.map(\.value.shape)
        #expect(try values(AsIsAttack.replica(of: made.released)) == values(made.emulator))
        for rule in RefillAttack.Rule.allCases {
            let replica = try #require(try RefillAttack.replica(of: made.released, by: rule))
            #expect(replica.blocks.count == 4)
            for block in [1, 2] { #expect(replica.blocks[block].parameters.map(\.value.shape) == shipped) }
        }
        let report = try recovery([0.1]).run(made.released)
        #expect(report.attempts.allSatisfy { $0.loss.isFinite })
    }

    @Test(arguments: [(3, [1, 5], 5), (2, [1, 5], 1), (0, [4], 4), (9, [1, 5], 5)])
    func nearestLayerTiesGoRight(layer: Int, kept: [Int], expected: Int) {
        #expect(RefillAttack.nearest(to: layer, among: kept) == expected)
    }

    /// A model of seven blocks of which the middle blocks 1 and 5 (of 1...5) were kept.
    @Test func refillsByTheNearestAndByInterpolation() throws {
        let deep = try deepened(7)
        for (index, block) in deep.blocks.enumerated() {
            for parameter in block.parameters { Elementwise.scale(parameter.value, by: Float(index + 1)) }
        }
        let split = try OffsiteSplit(fullLayerCount: 7, bottom: 1, top: 1, keep: 0.4, selection: .uniform)
        try #require(split.keptLayers == [1, 5])
        let emulator = try deep.subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle))
        let released = ReleasedEmulator(emulator, split: split)
        let nearest = try #require(try RefillAttack.replica(of: released, by: .nearest))
        func block(_ model: LanguageModel, _ index: Int) -> [[Float]] {
            model.blocks[index].parameters.map { $0.value.values }
        }
        for (layer, source) in [0, 1, 1, 5, 5, 5, 6].enumerated() {
            #expect(block(nearest, layer) == block(deep, source), "layer \(layer)")
        }
        let mixed = try #require(try RefillAttack.replica(of: released, by: .interpolation))
        for (a, (b, c)) in zip(block(mixed, 2), zip(block(deep, 1), block(deep, 5))) {
            #expect(largestDifference(a, zip(b, c).map { 0.75 * $0 + 0.25 * $1 }) < 1e-5)
        }
        for layer in [0, 1, 5, 6] { #expect(block(mixed, layer) == block(deep, layer)) }
    }

    /// Two releases that together hold the whole middle give the full model back.
    @Test func collusionOfTwoHalvesIsTheFullModel() throws {
        let half = try released(keep: 0.5)
        let other = try #require([1, 2].first { !half.keptLayers.contains($0) })
        let model = try full.subset(blocks: [0, other, 3], copying: [1])
        let notes = try release(sourceLayers: [other])
        let second = try ReleasedEmulator(model, release: notes, fullLayerCount: 4, path: "x")
        let union = try #require(try CollusionAttack.replica(of: half, with: [second]))
        #expect(values(union) == values(full))
        #expect(try CollusionAttack.replica(of: half, with: []) == nil)
        let report = try recovery().run(half, colluding: [second])
        let attempt = try #require(report.attempts.first { $0.name == "A4 collusion of 2" })
        #expect(attempt.recovery.value == 1)
        #expect(throws: EmulatorError.self) {
            try ReleasedEmulator(
                model,
                release: release(sourceLayers: [3]),
                fullLayerCount: 4,
                path: "x"
            )
        }
    }

    @Test func healingWithoutTokensChangesNothing() throws {
        let replica = try AsIsAttack.replica(of: released(keep: 0.5))
        let before = values(replica)
        let none = HealAttack.Plan(tokens: 0, learningRate: 1, seed: 0)
        #expect(try HealAttack.heal(replica, on: text, plan: none) == 0)
        #expect(values(replica) == before)
    }

    @Test func healingStaysNearItsBudget() throws {
        let replica = try AsIsAttack.replica(of: released(keep: 0.5))
        for budget in [1, 100, 500, 3_000] {
            let plan = HealAttack.Plan(tokens: budget, learningRate: 1e-4, seed: 0)
            let seen = try HealAttack.heal(replica, on: text, plan: plan)
            #expect(seen >= budget && seen < budget + 4 * 24, "\(seen) tokens for \(budget)")
        }
        #expect(replica.parameters.allSatisfy { !$0.isTrainable })
    }

    /// Attacks train copies: the emulator that is about to be written, and the full model, stay as they are.
    @Test func leavesBothModelsAsTheyWere() throws {
        let half = try released(keep: 0.5)
        let before = (values(full), values(half.model))
        let report = try recovery([0.05, 0.5]).run(half)
        #expect(values(full) == before.0 && values(half.model) == before.1)
        #expect(report.controls.count == 4 && report.advantages.count == 2)
        let names = Set(report.controls.map(\.name))
        #expect(names == ["control: random middle", "control: random model"])
        for advantage in report.advantages {
            let scratch = try #require(
                report.controls.first { $0.name == "control: random middle" && $0.share == advantage.share }
            )
            let expected = max(0, advantage.recovery) - max(0, scratch.recovery.value)
            #expect(advantage.overRandomMiddle == expected)
            let affordable = report.attempts.filter { ($0.share ?? 0) <= advantage.share }
            #expect(advantage.recovery == affordable.map(\.recovery.value).max())
        }
    }

    @Test func aStoppedAttackGoesOn() throws {
        let folder = try TemporaryFolder()
        let half = try released(keep: 0.5)
        let whole = try recovery([0.2]).run(half)
        var polls = 0
        #expect(throws: CancellationError.self) {
            try recovery([0.2], cache: ReportCache(directory: folder.path)).run(
                half,
                isCancelled: {
                    polls += 1
                    return polls > 20
                }
            )
        }
        let pieces = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
        #expect(!pieces.isEmpty)
        var resumed = try recovery([0.2], cache: ReportCache(directory: folder.path)).run(half)
        resumed.seconds = whole.seconds
        #expect(resumed == whole)
    }

    /// Σ −log p of two tokens that were each seen twice in four, against the formula by hand.
    @Test func wordFrequenciesAreAModel() {
        let floor = UnigramFloor(text: [[1, 1, 2, 2]], vocabulary: 4)
        let losses = floor.losses(of: [[0, 1, 2, 3]])
        let unseen = 1.0 / 5
        let seen = (1 - unseen) * 0.5 + unseen / 4
        #expect(losses.tokens == [3])
        #expect(abs(losses.sums[0] + 2 * log(seen) + log(unseen / 4)) < 1e-12)
    }

    @Test func emptyTextIsRefused() {
        for pair in [(text, PublicText(sequences: [], source: "x")), (PublicText(sequences: [], source: "y"), heldOut)]
        {
            #expect(throws: EmulatorError.self) {
                try Recovery(
                    full: full,
                    text: pair.0,
                    heldOut: pair.1,
                    configuration: RecoveryConfiguration(referenceTokens: 100),
                    cache: ReportCache()
                )
            }
        }
    }
}
