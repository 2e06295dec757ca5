import Audit
import Foundation
import TensorEngine
import Testing

@Suite("ε from below beside ε from above")
struct PrivacyMeasurementTests {
    private var suite: AttackSuite {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO", "EZ"]
        suite.bootstrapReplicates = 100
        suite.permutations = 200
        suite.blind.buckets = 256
        return suite
    }

    private func protection(
        _ epsilon: Double,
        unit: RunFacts.Protection.Unit = .record,
        neighbouring: String = "add-or-remove-one"
    ) -> RunFacts.Protection {
        RunFacts.Protection(
            protects: "a record of clinic-a",
            unit: unit,
            epsilon: epsilon,
            delta: 1e-5,
            sampler: "poisson",
            accountant: "pld",
            neighbouring: neighbouring,
            isNoiseSeeded: false
        )
    }

    private func report(leak: Double, _ change: (inout AuditInput) -> Void = { _ in }) throws -> AuditReport {
        var input = SyntheticRun(leak: leak, recordsPerHolder: 120).input()
        change(&input)
        return try Audit.run(inputs: [input], suite: suite).report
    }

    @Test("A leak proves an ε; one stated below it is refuted, and exits with 5")
    func refuted() throws {
        let report = try report(leak: 1.5) { $0.facts.protections = [protection(0.2)] }
        let privacy = try #require(report.runs[0].privacy)
        #expect(privacy.canaries == 360 && privacy.tests == 2 * 3 * 5 && privacy.delta == 1e-5)
        #expect(privacy.lowerBounds.count == 2 * 3)
        #expect(try #require(privacy.proven).epsilon > 0.5)
        #expect(report.verdict.outcome == .boundExceeded && report.verdict.exitCode == 5)
        #expect(report.verdict.reasons.count == 1 && report.verdict.reasons[0].contains("ε ≤ 0.20"))
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains("the noise is not what it is said to be"))
    }

    @Test("A stated ε above the measured one stands; one about another unit or neighbourhood is not compared")
    func agreement() throws {
        let high = try report(leak: 1.5) { $0.facts.protections = [protection(40)] }
        #expect(high.verdict.outcome == .leakage && high.runs[0].contradiction == nil)
        #expect(try ReportPage.render(reportJSON: high.json()).contains("the two agree"))
        for other in [protection(0.2, unit: .holder), protection(0.2, neighbouring: "replace-one")] {
            let report = try report(leak: 1.5) { $0.facts.protections = [other] }
            #expect(report.verdict.exitCode == 2)
            #expect(try ReportPage.render(reportJSON: report.json()).contains("are not compared"))
        }
    }

    @Test("Without a leak nothing is proven")
    func nothing() throws {
        let report = try report(leak: 0) { $0.facts.protections = [protection(0.01)] }
        #expect(report.runs[0].privacy?.proven?.epsilon == 0)
        #expect(report.verdict.exitCode == 0)
        #expect(try ReportPage.render(reportJSON: report.json()).contains("The attacks refute no ε at all."))
    }

    @Test("Coins that are not fair, or that several records share, are no canaries")
    func unfair() throws {
        #expect(try report(leak: 1) { $0.facts.heldOutShare = 0.1 }.runs[0].privacy == nil)
        let tied = try report(leak: 1) { input in
            for index in 0..<10 {
                input.records[2 * index + 1].coin = input.records[2 * index].coin
                input.records[2 * index + 1].isMember = input.records[2 * index].isMember
            }
        }
        #expect(tied.runs[0].privacy?.canaries == 340)
    }

    @Test("A vantage point without any attack does not hide the others' bounds")
    func withoutAttacks() throws {
        var suite = self.suite
        suite.attacks = ["LOWER"]
        var input = SyntheticRun(leak: 1.5, recordsPerHolder: 120).input()
        input.vantages[1].loweredTuned = nil
        input.vantages[1].loweredReference = nil
        let report = try Audit.run(inputs: [input], suite: suite).report
        #expect(report.runs[0].vantages[1].attacks.isEmpty)
        #expect(report.runs[0].privacy?.lowerBounds.map(\.vantage) == [.peer, .peer, .peer])
    }

    @Test("A report from before these bounds is still read")
    func older() throws {
        var object = try #require(
            try JSONSerialization.jsonObject(with: report(leak: 0).json()) as? [String: Any]
        )
        var runs = try #require(object["runs"] as? [[String: Any]])
        runs[0]["privacy"] = nil
        object["runs"] = runs
        let report = try AuditReport(json: JSONSerialization.data(withJSONObject: object))
        #expect(report.runs[0].privacy == nil)
        #expect(try !ReportPage.render(reportJSON: report.json()).contains("Differential privacy: ε"))
    }
}
