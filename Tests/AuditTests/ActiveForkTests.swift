import Audit
import Emulators
import Federation
import Foundation
import LanguageModels
import Logging
import PEFT
import TensorEngine
import TestSupport
import Testing
import Training

/// A coordinator that lies about the adapter, on a tiny model.
@Suite struct ActiveForkTests {
    private static let holders = ["a", "b"]
    private static let perHolder = 12
    private let metadata: EmulatorMetadata
    private let split: OffsiteSplit
    private let site = SiteConfiguration(batch: 6, optimizer: .adamW(weightDecay: 0), seed: 1)

    init() throws {
        split = try OffsiteSplit(fullLayerCount: 4, bottom: 2, top: 1, keep: 1, selection: .uniform)
        metadata = EmulatorMetadata(split: split, releaseID: "test")
    }

    private static let records: [AuditedRecord] = holders.flatMap { holder in
        (0..<perHolder).map { number in
            AuditedRecord(
                id: "\(holder)\(number)",
                holder: holder,
                coin: (holder == "a" ? 0 : perHolder) + number,
                isMember: number.isMultiple(of: 2),
                text: "",
                answer: ""
            )
        }
    }

    private static let examples: [EncodedExample] = records.indices.map { index in
        var generator = SeededGenerator(seed: UInt64(index))
        let ids = (0..<10).map { _ in Int32(3 + generator.next() % 240) }
        return EncodedExample(ids: ids, labels: ids, recordIndex: index)
    }

    private func emulator() throws -> LanguageModel {
        try Golden.committedModel("llama").subset(blocks: split.sourceLayers)
    }

    private func federation(localSteps: Int) async throws -> RepeatedFederation {
        let split = split
        return try await RepeatedFederation(
            loading: { try Golden.committedModel("llama").subset(blocks: split.sourceLayers) },
            holders: Self.holders.map { holder in
                RepeatedFederation.Holder(
                    name: holder,
                    examples: Self.records.indices.filter {
                        Self.records[$0].holder == holder && Self.records[$0].isMember
                    }.map { Self.examples[$0] },
                    source: ExampleSource(path: holder)
                )
            },
            metadata: metadata,
            site: site,
            federation: try FederationConfiguration(rounds: 3, localSteps: localSteps, learningRate: 1e-3),
            noiseSeed: 0,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func frozen() throws -> TunedModel {
        let tuned = try TunedModel(emulator: emulator(), metadata: metadata, method: site.method, seed: site.seed)
        for parameter in tuned.adapter.parameters { parameter.isTrainable = false }
        return tuned
    }

    private func run(
        ascent: Double,
        rounds: Int = 1,
        localSteps: Int = 6
    ) async throws -> (individual: [[RoundEvidence]], aggregate: [[RoundEvidence]]) {
        var settings = AttackSuite.Active()
        settings.ascent = ascent
        settings.rounds = rounds
        let tuned = try frozen()
        return try await ActiveFork(
            tuned: tuned,
            federation: federation(localSteps: localSteps),
            examples: Self.examples,
            holders: Self.records.map(\.holder),
            settings: settings
        ).run(from: tuned.state)
    }

    private func auc(_ attack: any Attack, _ rounds: [[RoundEvidence]]) throws -> Double {
        let observations = zip(Self.records, rounds).map {
            RecordObservation(record: $0, tuned: [], reference: [], rounds: $1)
        }
        return AUC.value(
            of: try LabelledScores(
                scores: attack.checkedScores(of: observations),
                isMember: Self.records.map(\.isMember)
            )
        )
    }

    @Test func membersArePulledBack() async throws {
        let (individual, aggregate) = try await run(ascent: 0.5, rounds: 2)
        #expect(individual.allSatisfy { $0.map(\.round) == [1, 2] })
        for attack in [ActiveAscentAttack(), ActiveNormAttack()] as [any Attack] {
            #expect(try auc(attack, individual) > 0.9, "\(attack.name), single updates")
        }
        // On the sum of both holders the norm tells less (below 0.85 here), so only the recovered loss is held to a figure.
        #expect(try auc(ActiveAscentAttack(), aggregate) > 0.85)
    }

    /// The length of a small step is what it is said to be: the targets' mean loss rises by the ascent.
    @Test func theLieRaisesTheMeanLossByWhatItSays() async throws {
        for ascent in [0.002, 0.01] {
            let (_, aggregate) = try await run(ascent: ascent)
            let risen = aggregate.reduce(0) { $0 + ($1[0].honest ?? .nan) - $1[0].before } / Double(aggregate.count)
            #expect(abs(risen - ascent) < 0.1 * ascent, "\(risen) for \(ascent)")
        }
    }

    /// Without a lie the fork is the run: the same adapter to the bit, round by round.
    @Test func anHonestForkIsTheRun() async throws {
        let initial = try frozen().state
        let whole = try await federation(localSteps: 2).run(rounds: 1...3, from: initial)
        let fork = try await federation(localSteps: 2)
        let first = try await fork.run(rounds: 1...1, from: initial)
        #expect(try await fork.run(rounds: 2...3, from: first) == whole)
        #expect(first != whole)
    }

    @Test func targetsAreBalancedAtEveryHolder() throws {
        let isScorable = Self.records.indices.map { $0 != 0 }
        let targets = try ActiveTargets.draw(from: Self.records, isScorable: isScorable, count: 20, seed: 3)
        #expect(targets.count == 20 && targets == targets.sorted() && !targets.contains(0))
        for holder in Self.holders {
            let own = targets.map { Self.records[$0] }.filter { $0.holder == holder }
            #expect(own.count(where: \.isMember) == 5 && own.count == 10)
        }
        #expect(try ActiveTargets.draw(from: Self.records, isScorable: isScorable, count: 20, seed: 3) == targets)
        #expect(try ActiveTargets.draw(from: Self.records, isScorable: isScorable, count: 20, seed: 4) != targets)
        // Twelve of "b", and of "a" five members are scorable.
        #expect(try ActiveTargets.draw(from: Self.records, isScorable: isScorable, count: 400, seed: 3).count == 22)
        var planted = Self.records
        for index in planted.indices where planted[index].isMember {
            planted[index].canary = Canary(kind: .random, repetitions: 1)
        }
        #expect(throws: AuditError.self) {
            try ActiveTargets.draw(from: planted, isScorable: isScorable, count: 20, seed: 3)
        }
        var tied = Self.records
        for index in tied.indices where !tied[index].isMember { tied[index].coin = -1 }
        #expect(throws: AuditError.self, "one coin is one target") {
            try ActiveTargets.draw(from: tied, isScorable: isScorable, count: 20, seed: 3)
        }
    }

    /// What the fork shows stands beside the verdict, whatever it is, and never in it.
    @Test func theVerdictOnlyRemarksOnIt() throws {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO", "ACTIVE-GA", "ACTIVE-NORM"]
        suite.permutations = 200
        suite.bootstrapReplicates = 100
        suite.blind.buckets = 256
        for leak in [0.0, 1] {
            var input = SyntheticRun(leak: leak).input()
            let passive = try Audit.run(inputs: [input], suite: suite).report
            #expect(passive.notTested.contains { $0.contains("ACTIVE-GA") && $0.contains("--active") })
            input.active = ActiveEvidence(
                targets: Array(0..<100),
                individual: nil,
                aggregate: (0..<100).map { index in
                    let isMember = input.records[index].isMember
                    var evidence = RoundEvidence(
                        round: 1,
                        before: -4,
                        after: isMember ? -2 : -3 - 0.001 * Double(index)
                    )
                    evidence.gradientNormAfter = isMember ? 1 : 2
                    return [evidence]
                },
                isMasked: true,
                isAlwaysRefused: true,
                trainingOperations: 1e9,
                operations: ["ACTIVE-GA": 1e8]
            )
            let report = try Audit.run(inputs: [input], suite: suite).report
            #expect(report.verdict.outcome == passive.verdict.outcome)
            #expect(report.verdict.reasons.count == passive.verdict.reasons.count + 1)
            #expect(report.verdict.reasons.contains { $0.hasPrefix("Beyond this verdict") && $0.contains("ACTIVE-GA") })
            #expect(report.verdict.reasons.last?.hasPrefix("Beyond") == (leak == 0))
            let active = try #require(report.runs[0].active)
            #expect(active.views.map(\.vantage) == [.aggregate] && active.views[0].attacks.map(\.auc) == [1, 1])
            #expect(active.views[0].attacks[0].operations == 1e8)
            #expect(report.runs[0].vantages == passive.runs[0].vantages)
            #expect(!report.notTested.contains { $0.contains("ACTIVE") })
            let page = try ReportPage.render(reportJSON: report.json())
            #expect(
                page.contains("Active adversary, on a fork of the run") && page.contains("would not have trained on it")
            )
        }
    }
}
