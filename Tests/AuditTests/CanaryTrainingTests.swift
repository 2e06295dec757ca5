import Audit
import Emulators
import Federation
import LanguageModels
import Logging
import PEFT
import TensorEngine
import TestSupport
import Testing
import Training

/// Two data holders overfit a tiny emulator on records and canaries: what is repeated must be remembered, and what is not must
/// not look so.
struct CanaryTrainingTests {
    private static func emulator(_ split: OffsiteSplit) throws -> LanguageModel {
        try Golden.committedModel("llama").subset(blocks: split.sourceLayers)
    }

    @Test func repeatedCanariesAreExposed() async throws {
        let files = try ["a", "b"].map { name in
            let lines = (0..<20).map { #"{"text":"letter \#($0 * 7919 % 1000) of \#(name)"}"# }
            return try RecordFile.parse(Array((lines.joined(separator: "\n") + "\n").utf8), path: "\(name).jsonl")
        }
        let drawn = try DrawnPlan.draw(files: files, seed: 3, holdout: 0.5)
            .planting(CanaryRequest(count: 48, repetitions: [1, 16]))
        let examples = drawn.records.enumerated().map { index, record in
            let ids = record.fullText.utf8.prefix(28).map { 3 + Int32($0) }
            return EncodedExample(ids: ids, labels: ids, recordIndex: index)
        }
        // The lines of the parts that tune --plan trains on.
        let copies = drawn.plan.records.enumerated().flatMap { index, entry in
            Array(repeating: index, count: entry.copies)
        }
        let holders = drawn.auditedRecords.map(\.holder)
        let split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 1, selection: .uniform)
        let metadata = EmulatorMetadata(split: split, releaseID: "test")
        let training = ShadowTraining(
            metadata: metadata,
            site: SiteConfiguration(batch: 4, optimizer: .adamW(weightDecay: 0), seed: 1),
            federation: try FederationConfiguration(rounds: 2, localSteps: 25, learningRate: 3e-3),
            examples: copies.map { examples[$0] },
            holders: copies.map { holders[$0] },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let tuned = try TunedModel(emulator: Self.emulator(split), metadata: metadata, method: .blocks, seed: 1)
        func observe() throws -> [[TokenObservation]] {
            try tuned.model.score(examples.map(\.ids)).map { $0.map { TokenObservation($0) } }
        }
        let reference = try observe()
        tuned.state = try await training.train(
            loading: { try Self.emulator(split) },
            isIncluded: copies.map { drawn.plan.records[$0].isIncluded },
            from: tuned.state,
            seed: 1
        ).adapter
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO"]
        suite.permutations = 500
        suite.blind.buckets = 64
        let view = VantageObservations(vantage: .peer, tuned: try observe(), reference: reference)
        let report = try Audit.run(
            inputs: [AuditInput(name: "toy", facts: RunFacts(), records: drawn.auditedRecords, vantages: [view])],
            suite: suite
        ).report
        #expect(report.runs[0].counts.members + report.runs[0].counts.heldOut == 40)
        let tiers = try #require(report.runs[0].canaries).tiers
        let once = try #require(tiers[0].vantages.first)
        let often = try #require(tiers[1].vantages.first)
        #expect((often.strongest?.auc ?? 0) >= 0.95, "\(tiers)")
        #expect((often.strongest?.adjustedPValue ?? 1) < 0.01)
        let bits = try #require(often.exposure)
        #expect(bits.median > 3 && bits.median >= (once.exposure?.median ?? 99), "\(tiers)")
        #expect((once.strongest?.auc ?? 1) < (often.strongest?.auc ?? 0))
    }
}
