import Audit
import Foundation
import TestSupport
import Testing

@Suite("The owner's log of answers")
struct AnswerLogTests {
    private func entry(_ holder: String, _ records: Int, _ time: String = "2026-03-01T10:00:00Z") -> AnswerLog.Entry {
        AnswerLog.Entry(
            time: time,
            holder: holder,
            fingerprint: "of " + holder,
            query: "q",
            adapter: "a",
            records: records
        )
    }

    @Test("A holder's records of one day are counted, and the next day begins anew")
    func limit() throws {
        let folder = try TemporaryFolder()
        let log = AnswerLog(path: folder.path + "/answers.jsonl")
        try log.append(entry("north", 60), limit: 100)
        try log.append(entry("north", 40), limit: 100)
        try log.append(entry("lake", 100), limit: 100)
        let before = try Data(contentsOf: URL(fileURLWithPath: log.path))
        #expect(throws: AuditError.overLimit(holder: "north", asked: 1, used: 100, limit: 100)) {
            try log.append(entry("north", 1), limit: 100)
        }
        #expect(throws: AuditError.overLimit(holder: "lake", asked: 101, used: 0, limit: 100)) {
            try log.check(entry("lake", 101, "2026-03-02T00:00:00Z"), limit: 100)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: log.path)) == before)
        try log.append(entry("north", 100, "2026-03-02T00:00:00Z"), limit: 100)
        #expect(try log.entries().map(\.records) == [60, 40, 100, 100])
        let after = try Data(contentsOf: URL(fileURLWithPath: log.path))
        #expect(after.starts(with: before), "lines are only appended")
    }

    @Test("A line that was changed, removed or cut is noticed")
    func tampering() throws {
        let folder = try TemporaryFolder()
        let log = AnswerLog(path: folder.path + "/answers.jsonl")
        for records in 1...3 { try log.append(entry("north", records), limit: 100) }
        let text = try String(contentsOfFile: log.path, encoding: .utf8)
        let lines = text.split(separator: "\n").map(String.init)
        let changed = [
            text.replacingOccurrences(of: "\"records\":2", with: "\"records\":1"),
            lines[0] + "\n" + lines[2] + "\n", String(text.dropLast(9)), String(text.dropLast()), "not a line\n",
        ]
        for content in changed {
            try content.write(toFile: log.path, atomically: false, encoding: .utf8)
            let error = #expect(throws: AuditError.self) { try log.append(entry("north", 1), limit: 100) }
            #expect("\(try #require(error))".contains("answers.jsonl cannot be used: line"))
        }
        try text.write(toFile: log.path, atomically: false, encoding: .utf8)
        #expect(try log.entries().count == 3)
    }
}
