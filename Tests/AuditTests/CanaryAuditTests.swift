import Audit
import Foundation
import TensorEngine
import Testing
import Training

@Suite("What canaries show")
struct CanaryAuditTests {
    private static let suite: AttackSuite = {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO"]
        suite.bootstrapReplicates = 100
        suite.permutations = 100
        suite.blind.buckets = 64
        return suite
    }()

    private static let protection = RunFacts.Protection(
        protects: "a record of a",
        unit: .record,
        epsilon: 0.3,
        delta: 1e-5,
        sampler: "poisson",
        accountant: "pld",
        neighbouring: "add-or-remove-one",
        isNoiseSeeded: false
    )

    /// A plan with canaries, and what a model that prefers included ones by so many nats a repetition would say.
    private func input(
        canaries: Int = 60,
        repetitions: [Int] = [1],
        gain: Double = 0,
        holdout: Double = 0.1,
        leak: Double = 0,
        seed: UInt64 = 1
    ) throws -> AuditInput {
        let lines = (0..<80).map { #"{"text":"letter \#($0 * 7919 % 1000)"}"# }
        let file = try RecordFile.parse(Array((lines.joined(separator: "\n") + "\n").utf8), path: "a.jsonl")
        let drawn = try DrawnPlan.draw(files: [file], seed: seed, holdout: holdout)
            .planting(CanaryRequest(count: canaries, repetitions: repetitions))
        var generator = SeededGenerator(seed: seed).derive("tokens")
        var tuned: [[TokenObservation]] = []
        var reference: [[TokenObservation]] = []
        for entry in drawn.plan.records {
            let before = (0..<10).map { _ in
                TokenObservation(logProbability: -4 + generator.normal(), mean: -2, deviation: 1, isArgmax: false)
            }
            let weight = entry.canary.map { gain * Double($0.repetitions) } ?? leak
            let shift = 0.2 * generator.normal() + (entry.isIncluded ? weight : 0)
            reference.append(before)
            tuned.append(
                before.map { token in
                    var token = token
                    token.logProbability += shift
                    return token
                }
            )
        }
        var facts = RunFacts()
        facts.heldOutShare = holdout
        return AuditInput(
            name: "run",
            facts: facts,
            records: drawn.auditedRecords,
            vantages: [VantageObservations(vantage: .peer, tuned: tuned, reference: reference)]
        )
    }

    private func report(_ input: AuditInput, suite: AttackSuite = suite) throws -> AuditReport {
        try Audit.run(inputs: [input], suite: suite).report
    }

    /// Canaries that nobody trained on: no ε above 0, and no tier that stands out, more often than is paid for.
    @Test func nothingIsFoundWhereNothingIs() throws {
        var alarms = (epsilon: 0, tier: 0)
        let runs = 500
        for seed in 0..<runs {
            let report = try report(input(repetitions: [1, 4], seed: UInt64(5000 + seed)))
            let canaries = try #require(report.runs[0].canaries)
            if try #require(canaries.single?.proven).epsilon > 0 { alarms.epsilon += 1 }
            if canaries.tiers[0].vantages.contains(where: { $0.attacks.contains { ($0.adjustedPValue ?? 1) <= 0.05 } })
            {
                alarms.tier += 1
            }
            #expect(report.runs[0].privacy == nil, "a tenth held out gives the records no fair coin")
        }
        #expect(alarms.epsilon <= Calibration.allowed(runs), "\(alarms)")
        #expect(alarms.tier <= Calibration.allowed(runs), "\(alarms)")
    }

    @Test("What is remembered is exposed by its tier, and proves an ε at a tenth held out; the records' figures stay")
    func tiers() throws {
        let input = try input(canaries: 240, repetitions: [1, 16], gain: 0.5)
        let report = try report(input)
        let run = report.runs[0]
        let canaries = try #require(run.canaries)
        #expect(canaries.scored == 240 && canaries.leftOut == 0 && canaries.tiers.count == 2)
        let once = try #require(canaries.tiers[0].vantages.first)
        let often = try #require(canaries.tiers[1].vantages.first)
        #expect(often.strongest?.auc == 1 && (once.strongest?.auc ?? 0) > 0.85)
        let bits = (try #require(once.exposure), try #require(often.exposure))
        #expect(bits.1.median == bits.1.most && bits.0.median < bits.1.median)
        #expect(bits.1.most == log2(Double(canaries.tiers[1].heldOut)))
        #expect(canaries.bounds.map(\.repetitions) == [1, 16])
        #expect(try #require(canaries.single?.proven).epsilon > 1)
        #expect(run.measured == canaries.single && run.privacy == nil)

        // Without canaries the rest of the report is the same, to the bit.
        var bare = input
        let own = input.records.indices.filter { input.records[$0].canary == nil }
        bare.records = own.map { input.records[$0] }
        bare.vantages[0].tuned = own.map { input.vantages[0].tuned[$0] }
        bare.vantages[0].reference = own.map { input.vantages[0].reference[$0] }
        let without = try self.report(bare).runs[0]
        #expect(run.counts == without.counts && run.blind == without.blind && run.vantages == without.vantages)
        #expect(run.exposed == without.exposed && without.canaries == nil)
        #expect(report.notTested.allSatisfy { !$0.contains("canaries") })

        #expect(try AuditReport(json: report.json()) == report)
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains("<h3>Canaries</h3>") && page.contains("canaries that are planted once"))
        #expect(page.contains("16 records that change together"))
    }

    @Test("They refute a stated ε, and only those that are planted once can")
    func refutation() throws {
        var once = try input(canaries: 240, gain: 1)
        once.facts.protections = [Self.protection]
        #expect(try report(once).verdict.outcome == .boundExceeded)
        var often = try input(canaries: 240, repetitions: [16], gain: 1)
        often.facts.protections = [Self.protection]
        let found = try report(often)
        #expect(found.verdict.outcome != .boundExceeded && found.runs[0].measured == nil)
        #expect((found.runs[0].canaries?.bounds.first?.measurement.proven?.epsilon ?? 0) > 0.3)
    }

    @Test("Records and canaries that both have fair coins share the significance")
    func sharing() throws {
        let both = try report(input(canaries: 40, holdout: 0.5)).runs[0]
        #expect(both.privacy?.tests == 2 * 5 * 2 && both.canaries?.single?.tests == 2 * 5 * 2)
        let canaries = try report(input(canaries: 40)).runs[0]
        #expect(canaries.canaries?.single?.tests == 2 * 5)
        let few = try report(input(canaries: 16)).runs[0]
        #expect(few.canaries?.bounds.isEmpty == true && few.measured == nil)
    }
}
