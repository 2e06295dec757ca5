import Audit
import TensorEngine
import Testing

@Suite("Leakage by round, and the most exposed records")
struct RoundLeakTests {
    private static let suite: AttackSuite = {
        var suite = AttackSuite()
        suite.attacks = ["DLOSS", "LOSS-SERIES", "RATIO"]
        suite.bootstrapReplicates = 100
        suite.permutations = 200
        suite.blind.buckets = 64
        return suite
    }()

    /// Round 2 gives members away, rounds 1 and 3 nothing; the first record misses round 3.
    private func input(rounds: Int) -> AuditInput {
        var input = SyntheticRun(leak: 0.7).input()
        var generator = SeededGenerator(seed: 4)
        var view = input.vantages[0]
        view.vantage = .aggregate
        view.rounds = input.records.enumerated().map { index, record in
            (1...rounds).compactMap { round in
                let gain = round == 2 && record.isMember ? 1.5 : 0
                let evidence = RoundEvidence(round: round, before: -3, after: -3 + gain + generator.normal())
                return index == 0 && round == 3 ? nil : evidence
            }
        }
        input.vantages.insert(view, at: 0)
        return input
    }

    @Test func eachRoundByItself() throws {
        let report = try Audit.run(inputs: [input(rounds: 3)], suite: Self.suite).report
        let run = report.runs[0]
        let rounds = try #require(run.vantages[0].rounds)
        #expect(run.vantages[0].vantage == .aggregate && rounds.map(\.round) == [1, 2, 3])
        #expect(rounds.allSatisfy { $0.attacks.map(\.attack) == ["DLOSS", "LOSS-SERIES"] })
        let aucs = rounds.map { $0.attacks[0].auc }
        #expect(aucs[1] > 0.8 && abs(aucs[0] - 0.5) < 0.12 && abs(aucs[2] - 0.5) < 0.12, "\(aucs)")
        #expect(rounds[1].attacks[0].aucInterval.lower > 0.7)
        #expect(rounds[2].members + rounds[2].heldOut == rounds[0].members + rounds[0].heldOut - 1)
        #expect(run.vantages[1].rounds == nil)
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains("Leakage round by round") && page.contains("aggregate: DLOSS"))
        #expect(try AuditReport(json: report.json()) == report)

        let single = try Audit.run(inputs: [input(rounds: 1)], suite: Self.suite).report
        #expect(single.runs[0].vantages[0].rounds == nil)
        #expect(try !ReportPage.render(reportJSON: single.json()).contains("Leakage round by round"))
    }

    @Test func theMostExposedMembers() throws {
        var input = SyntheticRun(leak: 0.5).input()
        let star = try #require(input.records.firstIndex { $0.isMember })
        for token in input.vantages[0].tuned[star].indices {
            input.vantages[0].tuned[star][token].logProbability = -1e-6
        }
        let report = try Audit.run(inputs: [input], suite: Self.suite).report
        let exposed = try #require(report.runs[0].exposed)
        #expect(exposed.count == 10 && exposed[0].record == input.records[star].id)
        #expect(exposed[0].percentile == 1 && exposed[0].deviations > 3 && exposed[0].vantage == .peer)
        let members = Set(input.records.filter(\.isMember).map(\.id))
        #expect(exposed.allSatisfy { members.contains($0.record) } && Set(exposed.map(\.record)).count == 10)
        #expect(zip(exposed, exposed.dropFirst()).allSatisfy { $0.percentile >= $1.percentile })
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains("The most exposed records") && page.contains(input.records[star].id))
        #expect(report.condensed().runs[0].exposed == nil, "a sweep's cells name no record")

        var hidden = input
        hidden.facts.twins = [.peer, .owner]
        #expect(try Audit.run(inputs: [hidden], suite: Self.suite).report.runs[0].exposed == [], "nobody saw them")
    }
}
