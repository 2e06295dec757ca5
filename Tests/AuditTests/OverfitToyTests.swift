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

/// Three data holders overfit a tiny emulator, an attacker trains shadows of it, and the attacks have to find the members.
struct OverfitToyTests {
    private static let perHolder = 16
    private static let holders = ["a", "b", "c"].flatMap { name in (0..<perHolder).map { _ in name } }
    private static let examples: [EncodedExample] = holders.indices.map { record in
        var generator = SeededGenerator(seed: UInt64(500 + record))
        let ids = (0..<10).map { _ in Int32(3 + generator.next() % 240) }
        return EncodedExample(ids: ids, labels: ids, recordIndex: record)
    }

    private let split: OffsiteSplit
    private let training: ShadowTraining
    private let tuned: TunedModel

    init() throws {
        let split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 1, selection: .uniform)
        let metadata = EmulatorMetadata(split: split, releaseID: "test")
        let site = SiteConfiguration(batch: 4, optimizer: .adamW(weightDecay: 0), seed: 1)
        self.split = split
        training = ShadowTraining(
            metadata: metadata,
            site: site,
            federation: try FederationConfiguration(rounds: 2, localSteps: 20, learningRate: 3e-3),
            examples: Self.examples,
            holders: Self.holders,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        tuned = try TunedModel(emulator: Self.emulator(split), metadata: metadata, method: .blocks, seed: 1)
    }

    private static func emulator(_ split: OffsiteSplit) throws -> LanguageModel {
        try Golden.committedModel("llama").subset(blocks: split.sourceLayers)
    }

    private func train(_ isIncluded: [Bool], seed: UInt64) async throws -> AdapterState {
        let split = split
        let trained = try await training.train(
            loading: { try Self.emulator(split) },
            isIncluded: isIncluded,
            from: tuned.state,
            seed: seed
        )
        // The last batch of an epoch may be smaller.
        #expect(trained.tokens > 2400 && trained.tokens <= 3 * 2 * 20 * 4 * 10)
        return trained.adapter
    }

    private func observe(_ state: AdapterState) throws -> [[TokenObservation]] {
        tuned.state = state
        return try tuned.model.score(Self.examples.map(\.ids)).map { $0.map { TokenObservation($0) } }
    }

    @Test func attacksFindTheMembers() async throws {
        let initial = tuned.state
        var generator = SeededGenerator(seed: 77)
        let isMember = Self.holders.map { _ in generator.uniform() < 0.5 }
        let coins = try ShadowCoins(ties: Array(Self.holders.indices), holders: Self.holders, shadows: 6, seed: 8)
        let reference = try observe(initial)
        let target = try await train(isMember, seed: 1)
        let after = try observe(target)
        var shadows: [ShadowScores] = []
        let sequences = Self.examples.map { ScoredSequence(ids: $0.ids, labels: $0.labels) }
        for (number, isIncluded) in coins.isIncluded.enumerated() {
            tuned.state = initial
            let adapter = try await train(isIncluded, seed: UInt64(100 + number))
            #expect(adapter != target)
            shadows.append(
                ShadowScores(
                    shadow: number,
                    isIncluded: isIncluded,
                    logLikelihoods: try tuned.meanLogLikelihoods(of: sequences, under: adapter),
                    population: [],
                    trainingOperations: 1,
                    scoringOperations: 1
                )
            )
        }
        let evidence = shadows.evidence(tunedPopulation: nil)
        let observations = Self.holders.indices.map { index in
            RecordObservation(
                record: record(index, isMember[index]),
                tuned: after[index],
                reference: reference[index],
                shadows: evidence[index]
            )
        }
        for attack in [RatioAttack(), EZAttack(), LiRAAttack(), LiRAOfflineAttack(), RMIAAttack(), RMIAOfflineAttack()]
            as [any Attack]
        {
            let scores = try attack.checkedScores(of: observations)
            let auc = AUC.value(of: try LabelledScores(scores: scores, isMember: isMember))
            #expect(auc >= 0.8, "\(attack.name): \(auc)")
        }
    }

    private func record(_ index: Int, _ isMember: Bool) -> AuditedRecord {
        AuditedRecord(
            id: "\(index)",
            holder: Self.holders[index],
            coin: index,
            isMember: isMember,
            text: "",
            answer: ""
        )
    }

    /// The AUCs of attacks that need no shadows, on the model as it stands.
    private func aucs(
        _ isMember: [Bool],
        untuned: [[TokenObservation]],
        _ outsiders: (sequences: [ScoredSequence], untuned: [[TokenObservation]]),
        _ variants: [[ScoredSequence]]
    ) throws -> [String: Double] {
        func score(_ sequences: [ScoredSequence]) throws -> [[TokenObservation]] {
            try ObservationCollector(sequences: sequences, lowered: nil, batchSize: 16)
                .score(model: "toy") { try tuned.model.observations(of: $0) }.plain
        }
        let sequences = Self.examples.map { ScoredSequence(ids: $0.ids, labels: $0.labels) }
        let own = try score(sequences)
        let others = OutsiderScores(tuned: try score(outsiders.sequences), reference: outsiders.untuned)
        var settings = AttackSuite.Continuations()
        settings.samples = 20
        let continuations = try ContinuationOverlaps(settings, seed: 2, stopIDs: []) { "\($0)" }
            .measure(sequences, by: tuned.model)
        let observations = try Self.holders.indices.map { index in
            RecordObservation(
                record: record(index, isMember[index]),
                tuned: own[index],
                reference: untuned[index],
                outsiders: others,
                neighbours: try score(variants[index]).map { LogLikelihood.mean($0) },
                continuations: continuations[index]
            )
        }
        let attacks: [any Attack] = [
            QuantileAttack(), NeighbourAttack(), SamiaAttack(), SamiaAttack(weightsByZlib: true),
        ]
        return Dictionary(
            try attacks.enumerated().map { number, attack -> (String, Double) in
                let scores = try attack.checkedScores(of: observations)
                return (
                    "\(attack.name) \(number)", AUC.value(of: try LabelledScores(scores: scores, isMember: isMember))
                )
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    @Test func attacksWithoutShadowsFindTheMembersAndNobodyBeforeTuning() async throws {
        var generator = SeededGenerator(seed: 79)
        let isMember = Self.holders.map { _ in generator.uniform() < 0.5 }
        let strangers = (0..<40).map { _ in
            let ids = (0..<10).map { _ in Int32(3 + generator.next() % 240) }
            return ScoredSequence(ids: ids, labels: ids)
        }
        let untuned = try observe(tuned.state)
        let outsiders = (strangers, try tuned.model.observations(of: strangers))
        var settings = AttackSuite.Neighbours()
        settings.count = 10
        let variants = try NeighbourTexts(settings, seed: 2)
            .draw(of: Self.examples.map { ScoredSequence(ids: $0.ids, labels: $0.labels) }, by: tuned.model)
        let before = try aucs(isMember, untuned: untuned, outsiders, variants)
        // 48 records: three standard errors.
        for (attack, auc) in before { #expect(abs(auc - 0.5) < 0.25, "\(attack): \(auc)") }
        #expect(before["QUANTILE 0"] == 0.5)
        tuned.state = try await train(isMember, seed: 1)
        for (attack, auc) in try aucs(isMember, untuned: untuned, outsiders, variants) {
            #expect(auc >= 0.8, "\(attack): \(auc)")
        }
    }

    @Test func theSameSeedTrainsTheSameBits() async throws {
        let initial = tuned.state
        let isIncluded = Self.holders.indices.map { $0.isMultiple(of: 2) }
        let first = try await train(isIncluded, seed: 4)
        tuned.state = initial
        #expect(try await train(isIncluded, seed: 4) == first)
        tuned.state = initial
        #expect(try await train(isIncluded, seed: 5) != first)
    }

    @Test func aHolderWithoutRecordsIsNamed() async throws {
        let split = split
        await #expect(throws: AuditError.oneSidedHolder(name: "b")) {
            try await training.train(
                loading: { try Self.emulator(split) },
                isIncluded: Self.holders.map { $0 != "b" },
                from: tuned.state,
                seed: 1
            )
        }
    }

    /// Neither the batch that a record is scored in nor longer company, to which a padding scorer would pad it, moves a score.
    @Test func scoresDoNotDependOnTheBatch() throws {
        let longer = (0..<6).map { record -> ScoredSequence in
            let ids = (0..<(12 + 15 * record)).map { Int32(3 + ($0 * 7 + record) % 240) }
            return ScoredSequence(ids: ids, labels: ids)
        }
        let own = Self.examples.map { ScoredSequence(ids: $0.ids, labels: $0.labels) }
        func scores(_ sequences: [ScoredSequence], batch: Int) throws -> [Double] {
            try ObservationCollector(sequences: sequences, lowered: nil, batchSize: batch)
                .score(model: "toy") { try tuned.model.observations(of: $0) }
                .plain.flatMap { $0 }.map(\.logProbability)
        }
        let alone = try scores(own, batch: 1)
        #expect(alone.count == 9 * own.count)
        for other in [try scores(own, batch: 7), try scores(own + longer, batch: 64)] {
            for (a, b) in zip(alone, other) { #expect(abs(a - b) < 1e-5) }
        }
    }
}
