import Audit
import Emulators
import Federation
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing
import Training

/// Attacks on updates, on a tiny model whose holders take one step each.
@Suite struct RoundWitnessTests {
    private let metadata: EmulatorMetadata
    private let split: OffsiteSplit
    private static let holders = ["a", "b", "c"]
    private static let perHolder = 8
    /// The first of each holder's records that it trains on; the rest is held out.
    private static let trained = 2

    init() throws {
        split = try OffsiteSplit(fullLayerCount: 4, bottom: 2, top: 1, keep: 1, selection: .uniform)
        metadata = EmulatorMetadata(split: split, releaseID: "test")
    }

    private static let records: [(holder: String, ids: [Int32])] = holders.enumerated().flatMap { holder, name in
        (0..<perHolder).map { record in
            var generator = SeededGenerator(seed: UInt64(holder * 100 + record))
            return (name, (0..<9).map { _ in Int32(3 + generator.next() % 240) })
        }
    }

    private var members: [Bool] { Self.records.indices.map { $0 % Self.perHolder < Self.trained } }

    private func emulator() throws -> LanguageModel {
        try Golden.committedModel("llama").subset(blocks: split.sourceLayers)
    }

    private func observe(_ optimizer: OptimizerConfiguration, _ method: TuningMethod = .blocks) async throws
        -> (RoundObservation, SiteConfiguration)
    {
        let configuration = SiteConfiguration(
            method: method,
            batch: Self.trained,
            optimizer: optimizer,
            clippingNorm: nil,
            seed: 1
        )
        var examples: [String: (examples: [EncodedExample], source: ExampleSource)] = [:]
        for (index, record) in Self.records.enumerated() where members[index] {
            let example = EncodedExample(ids: record.ids, labels: record.ids, recordIndex: index)
            examples[record.holder, default: ([], ExampleSource(path: record.holder))].examples.append(example)
        }
        let site = try TrainingSite(
            loading: { try emulator() },
            metadata: metadata,
            configuration: configuration,
            examples: examples
        )
        var updates: [String: [Float]] = [:]
        for holder in Self.holders {
            let task = LocalTask(holder: holder, round: 1, localSteps: 1, learningRate: 0.05)
            updates[holder] = try await site.train(task, from: site.initialState).difference(from: site.initialState)
        }
        let observation = RoundObservation(
            round: 1,
            broadcast: site.initialState.values,
            updates: updates,
            aggregate: FederatedAverage.mean(Self.holders.compactMap { updates[$0] }, weights: [1, 1, 1])
        )
        return (observation, configuration)
    }

    private func evidence(
        _ observation: RoundObservation,
        _ configuration: SiteConfiguration,
        planting canaries: [ScoredSequence] = [],
        known: [RoundWitness.KnownState] = []
    ) throws -> (individual: [RoundEvidence?], aggregate: [RoundEvidence]) {
        let tuned = try TunedModel(
            emulator: try emulator(),
            metadata: metadata,
            method: configuration.method,
            seed: configuration.seed
        )
        var witness = RoundWitness(
            tuned: tuned,
            sequences: Self.records.map { ScoredSequence(ids: $0.ids, labels: $0.ids) } + canaries,
            holders: Self.records.map(\.holder) + canaries.map { _ in "a" },
            wanted: Set(Evidence.allCases),
            known: known,
            setsScale: Self.records.map { _ in true } + canaries.map { _ in false }
        )
        return try witness.measure(observation)
    }

    private func auc(_ attack: any Attack, _ rounds: [RoundEvidence]) throws -> Double {
        let observations = zip(Self.records.indices, rounds).map { index, round in
            RecordObservation(
                record: AuditedRecord(
                    id: "\(index)",
                    holder: Self.records[index].holder,
                    coin: index,
                    isMember: members[index],
                    text: "",
                    answer: ""
                ),
                tuned: [],
                reference: [],
                rounds: [round]
            )
        }
        return AUC.value(
            of: try LabelledScores(scores: attack.checkedScores(of: observations), isMember: members)
        )
    }

    /// Fewer tokens than inputs and one plain step: the row space is that of the members' tokens, exactly.
    @Test func oneStepGivesItsRecordsAway() async throws {
        let (observation, configuration) = try await observe(.sgd())
        let (individual, aggregate) = try evidence(observation, configuration)
        let own = individual.compactMap { $0 }
        #expect(own.count == Self.records.count)
        #expect(try auc(SpanAttack(), own) == 1)
        for (index, evidence) in own.enumerated() {
            let span = try #require(evidence.span)
            #expect(members[index] ? span > 0.999 : span < 0.99, "record \(index): \(span)")
        }
        for attack in [GradientCosineAttack(), DLossAttack(), FedMIAAttack(.loss), FedMIAAttack(.cosine)]
            as [any Attack]
        {
            #expect(try auc(attack, own) > 0.9, "\(attack.name)")
        }
        // A sum of three holders' gradients still points their records' way.
        #expect(try auc(GradientCosineAttack(), aggregate) > 0.8)
    }

    /// The cosine is that of the record's gradient with the update as a gradient: alone in a batch it is 1.
    @Test func aRecordAloneIsItsOwnUpdate() async throws {
        let (observation, configuration) = try await observe(.sgd())
        let tuned = try TunedModel(emulator: try emulator(), metadata: metadata, method: .blocks, seed: 1)
        let record = Self.records[0]
        let tape = Tape()
        let example = EncodedExample(ids: record.ids, labels: record.ids, recordIndex: 0)
        tape.backward(from: tuned.model.loss(TokenBatch([example]), on: tape))
        var alone = observation
        let (_, squared) = tuned.gradientProducts([])
        #expect(squared > 0)
        alone.updates = ["a": tuned.adapterGradient.map { -0.01 * $0 }]
        let measured = try evidence(alone, configuration).individual[0]
        #expect(abs(try #require(measured?.cosine) - 1) < 1e-5)
        #expect(abs(try #require(measured?.gradientNorm) - squared.squareRoot()) < 1e-6 * squared.squareRoot())
    }

    /// GRAD-DIFF scales updates to the mean gradient: of the records, whatever was planted beside them.
    @Test func canariesMoveNoRecordsFigures() async throws {
        let (observation, configuration) = try await observe(.sgd())
        let canary = (0..<20).map { Int32(3 + $0 * 11 % 240) }
        let alone = try evidence(observation, configuration).aggregate
        let beside = try evidence(
            observation,
            configuration,
            planting: [ScoredSequence(ids: canary, labels: canary)]
        ).aggregate
        #expect(alone.allSatisfy { $0.gradientDifference != nil } && beside.count == alone.count + 1)
        for (left, right) in zip(alone, beside) {
            let difference = abs((left.gradientDifference ?? 0) - (right.gradientDifference ?? .infinity))
            #expect(difference <= 1e-6 * abs(left.gradientDifference ?? 0))
        }
    }

    /// A round begins where the last one ended: what was said of that state is not asked again, and says the same.
    @Test func aKnownStateIsNotScoredAgain() async throws {
        let (observation, configuration) = try await observe(.sgd())
        let ended = AdapterState(values: observation.broadcast).moved(by: observation.aggregate)
        let asked = try evidence(observation, configuration)
        let said = RoundWitness.KnownState(state: ended, likelihoods: Self.records.indices.map { -Double($0) })
        let told = try evidence(observation, configuration, known: [said])
        #expect(told.aggregate.map(\.after) == said.likelihoods)
        #expect(told.aggregate.map(\.before) == asked.aggregate.map(\.before))
        #expect(told.individual.map { $0?.after } == asked.individual.map { $0?.after })
        var next = observation
        (next.round, next.broadcast) = (2, ended.values)
        #expect(try evidence(next, configuration, known: [said]).aggregate.map(\.before) == said.likelihoods)
    }

    @Test func anObservationOfAnotherAdapterIsRefused() async throws {
        let (observation, _) = try await observe(.sgd())
        #expect(throws: FederationError.self) {
            try evidence(observation, SiteConfiguration(method: .lora(rank: 2, alpha: 4, targets: []), seed: 1))
        }
    }
}

extension TunedModel {
    /// The gradients of the last backward pass in the state's order.
    fileprivate var adapterGradient: [Float] {
        var gradients: [Float] = []
        for entry in schema.entries {
            guard let parameter = adapter.parameters.first(where: { $0.name == entry.name }) else { continue }
            gradients += parameter.gradient?.values ?? [Float](repeating: 0, count: entry.count)
        }
        return gradients
    }
}
