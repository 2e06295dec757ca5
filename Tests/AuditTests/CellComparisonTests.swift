import Audit
import Foundation
import Testing

@Suite("Cells of a sweep compared by their ranks")
struct CellComparisonTests {
    private func suite() -> AttackSuite {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO", "MINK"]
        suite.bootstrapReplicates = 100
        suite.permutations = 100
        suite.blind.buckets = 256
        return suite
    }

    private func input(_ ratio: Double, _ method: String, leak: Double) -> AuditInput {
        let cell = SweepCell(ratio: ratio, method: method, placement: .both, seed: 1)
        var input = SyntheticRun(name: cell.name, leak: leak, ratio: ratio).input()
        input.facts.sweep = cell
        // Two records a coin here and there.
        for index in stride(from: 0, to: 60, by: 6) {
            input.records[index].coin = input.records[index + 1].coin
            input.records[index].isMember = input.records[index + 1].isMember
        }
        return input
    }

    private var inputs: [AuditInput] {
        [input(1, "blocks", leak: 0.9), input(0.5, "blocks", leak: 0.4), input(0.5, "lora:8", leak: 0.1)]
    }

    private func cell(_ input: AuditInput, keepsRanks: Bool = true) throws -> AuditReport {
        let cell = try Audit.run(inputs: [input], suite: suite(), keepsRanks: keepsRanks).report.condensed()
        // As it comes back from its file.
        return try AuditReport(json: cell.json())
    }

    private func merge(_ cells: [AuditReport]) throws -> AuditReport {
        try AuditReport.merging(cells, title: "sweep", provenance: [])
    }

    @Test("Ranks give the differences that the scores give")
    func differences() throws {
        let direct = try Audit.run(inputs: inputs, suite: suite()).report.comparisons
        let merged = try merge(inputs.map { try cell($0) })
        let pairs = Set(merged.comparisons.map { "\($0.first) \($0.second)" })
        #expect(
            pairs == [
                "r0.5-blocks-both-s1 r1.0-blocks-both-s1", "r0.5-lora8-both-s1 r0.5-blocks-both-s1",
            ]
        )
        #expect(merged.comparisons.count == 2 * 2)
        for row in merged.comparisons {
            let expected = try #require(
                direct.first {
                    $0.vantage == row.vantage && $0.attack == row.attack
                        && Set([$0.first, $0.second]) == Set([row.first, row.second])
                }
            )
            let sign: Double = expected.first == row.first ? 1 : -1
            #expect(abs(row.difference.value - sign * expected.difference.value) < 1e-12)
            let width = expected.difference.interval.upper - expected.difference.interval.lower
            #expect(abs(row.difference.interval.upper - row.difference.interval.lower - width) < 1e-12)
            #expect(abs(row.difference.pValue - expected.difference.pValue) < 1e-12)
            #expect(row.adjustedPValue >= row.difference.pValue)
        }
        let peer = try #require(merged.comparisons.first { $0.vantage == .peer })
        #expect(peer.attack == "RATIO" && peer.difference.interval.upper < 0)
        #expect(merged.runs.allSatisfy { $0.vantages.allSatisfy { $0.ranks == nil } })
        let page = try ReportPage.render(reportJSON: merged.json())
        #expect(page.contains("Which differences are differences") && !page.contains("Runs compared on the same"))
    }

    @Test("Ranks name nobody, and the plan's salt does not show in them")
    func anonymous() throws {
        var other = inputs[0]
        for index in other.records.indices { other.records[index].id = "clinic-z:\(index * 7)" }
        let views = try [inputs[0], other].map { try cell($0).runs[0].vantages }
        #expect(views[0].map(\.ranks) == views[1].map(\.ranks))
        let ranks = try #require(views[0][0].ranks)
        #expect(ranks.attacks.map(\.attack).contains("RATIO") && ranks.coins != nil)
        // 16 bits a record.
        #expect(ranks.attacks[0].ranks.count == (inputs[0].records.count * 2 + 2) / 3 * 4)
    }

    @Test("Cells of other records, and cells without ranks, have no row")
    func apart() throws {
        var fewer = inputs[1]
        fewer.vantages[0].tuned[5] = []
        fewer.vantages[0].reference[5] = []
        let others = [fewer, inputs[2]]
        #expect(try merge([cell(inputs[0])] + others.map { try cell($0) }).comparisons.isEmpty)
        var moved = inputs[1]
        moved.records[100].text += " and more"
        #expect(try merge([cell(inputs[0]), cell(moved)]).comparisons.isEmpty)
        let old = try merge([cell(inputs[0], keepsRanks: false), cell(inputs[1])])
        #expect(old.comparisons.isEmpty)
        #expect(try !ReportPage.render(reportJSON: old.json()).contains("Which differences"))
    }

    @Test("Ranks that are damaged, or not of their cell, are refused")
    func damaged() throws {
        var cells = try inputs.map { try cell($0) }
        let whole = try #require(cells[0].runs[0].vantages[0].ranks)
        let index = try #require(whole.attacks.firstIndex { $0.attack == "RATIO" })
        let reversed = String(whole.attacks[index].ranks.reversed())
        for (text, reason) in [("AAAA", "are damaged"), (reversed, "ranks of RATIO at peer in r1.0-blocks-both-s1")] {
            cells[0].runs[0].vantages[0].ranks?.attacks[index].ranks = text
            let error = #expect(throws: AuditError.self) { try merge(cells) }
            #expect("\(String(describing: error))".contains(reason))
        }
    }

    @Test("The committed cells, which kept no ranks, still give the committed report")
    func committed() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Reports/leakage-vs-compression")
        let cells = try FileManager.default.contentsOfDirectory(atPath: root.path + "/cells").map {
            try AuditReport(json: Data(contentsOf: root.appendingPathComponent("cells/\($0)")))
        }
        let json = try Data(contentsOf: root.appendingPathComponent("report/report.json"))
        let report = try AuditReport(json: json)
        let merged = try AuditReport.merging(cells, title: report.title, provenance: report.provenance)
        #expect(try merged.json() == json)
        let page = try Data(contentsOf: root.appendingPathComponent("report/report.html"))
        #expect(try Data(ReportPage.render(reportJSON: json).utf8) == page)
    }
}
