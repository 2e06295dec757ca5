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
        ).report
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

    @Test("Nothing is loaded from elsewhere, and no script runs")
    func selfContained() throws {
        let page = try ReportPage.render(reportJSON: Self.report().json())
        for forbidden in ["http://", "https://", "<script", "<link", "<img", "@import", "url(", " src="] {
            #expect(!page.contains(forbidden), "\(forbidden)")
        }
        #expect(page.contains("default-src 'none'"))
        for expected in ["ROC.", "The same, logarithmic.", "Leakage against compression", "What is promised", "RATIO"] {
            #expect(page.contains(expected), "\(expected)")
        }
        #expect(page.components(separatedBy: "<svg").count == page.components(separatedBy: "</svg>").count)
    }

    @Test(
        "Utility stands beside the leakage: values, intervals, paired changes; a report without any has no such section"
    )
    func utility() throws {
        let page = try ReportPage.render(reportJSON: Self.report().json())
        let worth = try #require(page.range(of: "What the tuning was worth"))
        let table = page[worth.upperBound...].prefix(4000)
        // Run "half" ships 0.62: 12 − 3 · 0.62 = 10.14 against 14.2 is −28.6 %.
        #expect(table.contains("10.1<br><small>9.84 to 10.4</small>"))
        #expect(table.contains("−28.6\u{a0}% (−29.6\u{a0}% to −27.6\u{a0}%)"))
        // Perplexities far apart share a logarithmic axis.
        #expect(page.contains(">200</text>") && page.contains(">20</text>"))
        let bare = try Audit.run(inputs: [SyntheticRun(leak: 0.3).input()], suite: Self.suite()).report
        #expect(try !ReportPage.render(reportJSON: bare.json()).contains("What the tuning was worth"))
    }

    @Test("No markup of ours is escaped, with everything in the report that a row can have")
    func wholeRows() throws {
        var report = try Self.report()
        report.runs[0].facts.trainingOperations = 1e12
        for vantage in report.runs[0].vantages.indices {
            for attack in report.runs[0].vantages[vantage].attacks.indices {
                report.runs[0].vantages[vantage].attacks[attack].operations = 2e12
            }
        }
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains("attacker’s work") && page.contains("control: no model"))
        // "<0.0001" is text; no text has a closing tag.
        #expect(!page.contains("&lt;/"))
    }

    @Test("Text from outside is escaped wherever it comes from")
    func escaping() throws {
        let hostile = "<script>alert('x')</script>&\"\u{1}"
        var input = SyntheticRun(name: hostile, leak: 0.5, recordsPerHolder: 30, ratio: 0.5).input()
        input.facts.coordinatorSaw = [hostile]
        input.facts.details = [RunFacts.Detail(hostile, hostile)]
        var utility = RunFacts.Utility(model: hostile, measure: hostile, value: 1, isLowerBetter: true)
        utility.change = RunFacts.Change(from: hostile, ratio: 1, interval: ConfidenceInterval(lower: 1, upper: 1))
        input.facts.utility = [utility]
        for index in input.records.indices { input.records[index].holder = hostile }
        var second = input
        second.name = hostile + "2"
        second.facts.compressionRatio = 0.7
        var suite = Self.suite()
        suite.name = hostile
        let report = try Audit.run(
            inputs: [input, second],
            suite: suite,
            title: hostile,
            provenance: [RunFacts.Detail(hostile, hostile)]
        ).report
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(!page.contains("<script"))
        #expect(!page.contains("alert('x')"))
        #expect(!page.contains("\u{1}"))
        #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"))
    }

    @Test("Another schema, a damaged file, and wild numbers: refused or drawn, never a crash")
    func foreignReports() throws {
        #expect(throws: AuditError.self) { try ReportPage.render(reportJSON: Data("{}".utf8)) }
        #expect(throws: AuditError.self) { try ReportPage.render(reportJSON: Data("[1".utf8)) }
        let json = try Self.report().json()
        let text = try #require(String(data: json, encoding: .utf8))
        let other = text.replacingOccurrences(of: "fsot.audit/1", with: "fsot.audit/9")
        #expect(
            throws: AuditError.unreadableReport(
                reason: "its schema is fsot.audit/9 and this version reads fsot.audit/1"
            )
        ) { try ReportPage.render(reportJSON: Data(other.utf8)) }
        let wild = text.replacing(/"(upper|lower|compressionRatio|value|ratio)" : [-0-9.e]+/) { match in
            "\"\(match.output.1)\" : 1e300"
        }
        #expect(wild != text)
        #expect(try ReportPage.render(reportJSON: Data(wild.utf8)).contains("</html>"))
        let nothing = text.replacing(/"heldOut" : [0-9]+/, with: "\"heldOut\" : -9223372036854775808")
        #expect(try ReportPage.render(reportJSON: Data(nothing.utf8)).contains("</html>"))
    }

    @Test("Every committed report still follows from its figures")
    func committedReports() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Reports")
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path).filter {
            $0.hasSuffix("/report.json")
        }
        var checked = 0
        for path in paths {
            let file = root.appendingPathComponent(path)
            guard ExchangeFile.schema(of: try Data(contentsOf: file)) == AuditReport.currentSchema else { continue }
            checked += 1
            let page = file.deletingLastPathComponent().appendingPathComponent("report.html")
            #expect(
                try ReportPage.render(reportJSON: Data(contentsOf: file)) == String(contentsOf: page, encoding: .utf8),
                "\(path): run fsot audit render"
            )
        }
        #expect(checked > 1)
    }

}
