import Audit
import Foundation
import Testing

@Suite("The report")
struct ReportPageTests {
    private static func suite() -> AttackSuite {
        var suite = AttackSuite()
        suite.bootstrapReplicates = 200
        suite.permutations = 500
        return suite
    }

    private static func report() throws -> AuditReport {
        try Audit.run(
            inputs: [
                SyntheticRun(name: "half", leak: 0.7, seed: 3, ratio: 0.62).input(),
                SyntheticRun(name: "quarter", leak: 0.4, seed: 3, ratio: 0.44).input(),
            ],
            suite: suite(),
            title: "Three clinics, SmolLM2-135M",
            provenance: [RunFacts.Detail("command", "fsot audit run runs/half runs/quarter -o report")]
        )
    }

    @Test("The HTML follows from the JSON alone, byte for byte")
    func determinism() throws {
        let report = try Self.report()
        let json = try report.json()
        let page = try ReportPage.render(reportJSON: json)
        if let path = ProcessInfo.processInfo.environment["FSOT_REPORT_SAMPLE"] {
            try Data(page.utf8).write(to: URL(fileURLWithPath: path))
        }
        #expect(try ReportPage.render(reportJSON: json) == page)
        let again = try AuditReport(json: json)
        #expect(again == report)
        #expect(try again.json() == json)
        #expect(try Self.report().json() == json, "the same inputs and seed give the same report")
    }
}
