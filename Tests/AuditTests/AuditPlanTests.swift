import AtomicFiles
import Audit
import Foundation
import Testing
import Training

@Suite("Audit plans")
struct AuditPlanTests {
    private func file(_ name: String, _ lines: [String], isCSV: Bool = false) throws -> RecordFile {
        try RecordFile.parse(
            Array((lines.joined(separator: "\n") + "\n").utf8),
            path: "data/\(name)",
            isCSV: isCSV
        )
    }

    private func texts(_ count: Int, from start: Int = 0) -> [String] {
        (start..<start + count).map { #"{ "text" : "letter number \#($0)" }"# }
    }

    private func temporaryDirectory() -> String {
        NSTemporaryDirectory() + "fsot-plan-\(UUID().uuidString)"
    }

    @Test("Same files and seed, same coins; another seed, other coins; the coins are fair")
    func coins() throws {
        let files = [try file("a.jsonl", texts(1500)), try file("b.jsonl.gz", texts(1500, from: 5000))]
        let plan = try DrawnPlan.draw(files: files, seed: 7, holdout: 0.5).plan
        let again = try DrawnPlan.draw(files: files, seed: 7, holdout: 0.5).plan
        #expect(plan.records.map(\.isIncluded) == again.records.map(\.isIncluded))
        #expect(plan.records.map(\.digest) != again.records.map(\.digest), "the salt is fresh")
        let other = try DrawnPlan.draw(files: files, seed: 8, holdout: 0.5).plan
        #expect(plan.records.map(\.isIncluded) != other.records.map(\.isIncluded))
        // 3000 fair coins: the standard deviation is 27.
        #expect(abs(plan.includedCount - 1500) < 110)
        #expect(plan.holders.map(\.name) == ["a", "b"])
        #expect(plan.coinCount == 3000 && plan.duplicateCount == 0 && plan.warnings.isEmpty)
    }

    @Test("The files of data split are holders by their directories' names")
    func splitNames() throws {
        let files = try [file("part-1/train.jsonl", texts(60)), file("part-2/train.jsonl", texts(60, from: 100))]
        let plan = try DrawnPlan.draw(files: files, seed: 1, holdout: 0.5).plan
        #expect(plan.holders.map(\.name) == ["part-1-train", "part-2-train"])
        #expect(HolderNames.of(["a/x.jsonl", "b/y.csv.gz"]) == ["x", "y"])
        #expect(HolderNames.firstDuplicate(in: HolderNames.of(["a/x.jsonl", "a/x.csv"])) == "a-x")
    }

    @Test("All records of a subject share a coin, in every file")
    func subjects() throws {
        func lines(_ holder: String) -> [String] {
            (0..<120).map { #"{"text":"\#(holder) visit \#($0)","subject":"patient-\#($0 % 40)"}"# }
        }
        let plan = try DrawnPlan.draw(
            files: [file("a.jsonl", lines("a")), file("b.jsonl", lines("b"))],
            seed: 1,
            holdout: 0.5
        ).plan
        #expect(plan.coinCount == 40)
        for patient in 0..<40 {
            let own = plan.records.indices.filter { $0 % 120 % 40 == patient }
            #expect(own.count == 6)
            #expect(Set(own.map { plan.records[$0].isIncluded }).count == 1)
            #expect(Set(own.map { plan.records[$0].coin }).count == 1)
        }
    }

    @Test("Copies share a coin within and across files, and ties chain through subjects")
    func duplicates() throws {
        let copy = #"{"instruction":"Ask","input":"","output":"the copied letter","category":"x"}"#
        let sameContent = #"{"output":"the copied letter", "instruction":"Ask"}"#
        let chained = #"{"text":"quite different","subject":"p"}"#
        let chainedCopy = #"{"instruction":"Ask","output":"the copied letter","subject":"p"}"#
        let plan = try DrawnPlan.draw(
            files: [
                file("a.jsonl", texts(30) + [copy, copy]), file("b.jsonl", texts(30, from: 100) + [sameContent]),
                file("c.jsonl", texts(30, from: 200) + [chained, chainedCopy]),
            ],
            seed: 3,
            holdout: 0.5
        ).plan
        let tied = [30, 31, 62, 93, 94]
        #expect(Set(tied.map { plan.records[$0].coin }).count == 1)
        #expect(Set(tied.map { plan.records[$0].isIncluded }).count == 1)
        #expect(plan.coinCount == 91 && plan.duplicateCount == 3)
    }

    @Test("The same words split differently between prompt and answer are not copies")
    func nearDuplicates() throws {
        let lines = [#"{"instruction":"one","output":"two three"}"#, #"{"instruction":"one two","output":"three"}"#]
        let plan = try DrawnPlan.draw(files: [file("a.jsonl", texts(40) + lines)], seed: 3, holdout: 0.5).plan
        #expect(plan.coinCount == 42)
    }

    @Test("The plan directory holds the lines verbatim, one side each, and is read back")
    func files() throws {
        let lines = texts(30) + [#"{"text":  "spaces   and \u00e9 stay", "unknown": [1, 2]}"#]
        let drawn = try DrawnPlan.draw(
            files: [file("a.jsonl", lines), file("b.jsonl", texts(30, from: 90))],
            seed: 5,
            holdout: 0.5
        )
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try drawn.write(to: directory)
        let included = try String(contentsOfFile: "\(directory)/\(DrawnPlan.includedFile(of: "a"))", encoding: .utf8)
        let heldOut = try String(contentsOfFile: "\(directory)/\(DrawnPlan.heldOutFile(of: "a"))", encoding: .utf8)
        let found = (included + heldOut).split(separator: "\n").map(String.init)
        #expect(Set(found) == Set(lines) && found.count == lines.count)
        #expect(included.split(separator: "\n").count == drawn.plan.holders[0].included)

        let loaded = try DrawnPlan.load(from: directory)
        #expect(loaded.plan == drawn.plan && loaded.records == drawn.records && loaded.lines == drawn.lines)
        let audited = loaded.auditedRecords
        #expect(audited.map(\.isMember) == drawn.plan.records.map(\.isIncluded))
        #expect(audited[30].text == "spaces   and é stay" && audited[30].holder == "a")
        #expect(Set(audited.map(\.id)).count == audited.count)
        #expect(throws: AtomicFileError.alreadyExists(path: directory)) { try drawn.write(to: directory) }
    }

    @Test("A CSV file becomes JSONL parts with the same records")
    func csv() throws {
        let rows = ["instruction,output"] + (0..<30).map { "\"ask, \($0)\",answer \($0)" }
        let drawn = try DrawnPlan.draw(files: [file("t.csv", rows, isCSV: true)], seed: 5, holdout: 0.5)
        #expect(drawn.plan.holders[0].name == "t" && !drawn.plan.holders[0].isVerbatim)
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try drawn.write(to: directory)
        #expect(try DrawnPlan.load(from: directory).records == drawn.records)
        #expect(drawn.records[3].instruction == "ask, 3")
    }

    @Test("A changed, missing or added record makes the plan unusable")
    func tampering() throws {
        let drawn = try DrawnPlan.draw(files: [file("a.jsonl", texts(40))], seed: 5, holdout: 0.5)
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try drawn.write(to: directory)
        let path = "\(directory)/\(DrawnPlan.heldOutFile(of: "a"))"
        let original = try String(contentsOfFile: path, encoding: .utf8)

        func expectDamage(_ content: String, _ reason: String) throws {
            try AtomicFile.write(content, to: path)
            let error = #expect(throws: AuditError.self) { try DrawnPlan.load(from: directory) }
            #expect("\(try #require(error))".contains(reason), "\(String(describing: error))")
        }
        try expectDamage(original.replacingOccurrences(of: "letter", with: "lettre"), "differs")
        try expectDamage(original + "{\"text\":\"one more\"}\n", "more records")
        let shorter = original.split(separator: "\n").dropLast().joined(separator: "\n")
        try expectDamage(shorter, "fewer records")
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: AuditError.damagedPlan(path: directory, reason: "heldout/a.jsonl is missing")) {
            try DrawnPlan.load(from: directory)
        }
        #expect(throws: AuditError.damagedPlan(path: "nowhere", reason: "plan.json is missing")) {
            try DrawnPlan.load(from: "nowhere")
        }
    }

    @Test("Too few coins and clashing names are refused; few coins are warned about")
    func refusals() throws {
        let oneSubject = (0..<300).map { #"{"text":"visit \#($0)","subject":"s\#($0 % 4)"}"# }
        #expect(throws: AuditError.planTooSmall(records: 300, coins: 4, minimum: AuditPlan.minimumCoins)) {
            try DrawnPlan.draw(files: [file("a.jsonl", oneSubject)], seed: 1, holdout: 0.5)
        }
        #expect(throws: AuditError.duplicateHolder(name: "data-a")) {
            try DrawnPlan.draw(
                files: [file("a.jsonl", texts(30)), file("a.csv.gz", texts(30, from: 50))],
                seed: 1,
                holdout: 0.5
            )
        }
        #expect(throws: AuditError.oneSidedHolder(name: "b")) {
            try DrawnPlan.draw(
                files: [file("a.jsonl", texts(30)), file("b.jsonl", texts(1, from: 50))],
                seed: 1,
                holdout: 0.5
            )
        }
        let warnings = try DrawnPlan.draw(files: [file("a.jsonl", texts(60))], seed: 1, holdout: 0.5).plan.warnings
        #expect(warnings.count == 1 && warnings[0].contains("cannot be told from chance"))
    }
}
