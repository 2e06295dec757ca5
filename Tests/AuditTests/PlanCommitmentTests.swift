import AtomicFiles
import Audit
import Foundation
import TestSupport
import Testing
import Training

@Suite("Shares held out, and commitments to them")
struct PlanCommitmentTests {
    private func file(_ name: String, _ count: Int, from start: Int = 0, subjects: Bool = false) throws -> RecordFile {
        let lines = (start..<start + count).map { number in
            #"{"text":"letter \#(number)""# + (subjects ? #","subject":"p\#(number / 2)"}"# : "}")
        }
        return try RecordFile.parse(Array((lines.joined(separator: "\n") + "\n").utf8), path: "data/\(name)")
    }

    @Test("A tenth is held out unless somebody asks for more; the same coins hold out less as the share shrinks")
    func shares() throws {
        let files = [try file("a.jsonl", 4000)]
        let tenth = try DrawnPlan.draw(files: files, seed: 3).plan
        let half = try DrawnPlan.draw(files: files, seed: 3, holdout: 0.5).plan
        #expect(tenth.holdout == 0.1)
        // 4000 coins: standard deviations 19 and 32.
        #expect(abs(tenth.heldOutCount - 400) < 80)
        #expect(abs(half.heldOutCount - 2000) < 130)
        #expect(zip(tenth.records, half.records).allSatisfy { $0.isIncluded || !$1.isIncluded })
        #expect(tenth.smallestDetectableAUC > half.smallestDetectableAUC)
        #expect(tenth.warnings.isEmpty && tenth.isRecordLevel == true)
        #expect(try DrawnPlan.draw(files: [file("a.jsonl", 200, subjects: true)], seed: 3).plan.isRecordLevel == false)
        for share in [0, 1, -0.1, .nan] {
            #expect(throws: AuditError.self) { try DrawnPlan.draw(files: files, seed: 3, holdout: share) }
        }
    }

    @Test("The root follows from the plan, is shown without a secret, and binds every coin")
    func roots() throws {
        let folder = try TemporaryFolder()
        let drawn = try DrawnPlan.draw(files: [file("a.jsonl", 60)], seed: 1, holdout: 0.4, salt: Array(0..<16))
        try drawn.write(to: folder.path + "/plan")
        let path = folder.path + "/plan/" + DrawnPlan.commitmentFile
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let commitment = try drawn.commitment()
        #expect(commitment == (try DrawnPlan.load(from: folder.path + "/plan").commitment()))
        #expect(commitment.records == 60 && commitment.holders == ["a"] && commitment.holdout == 0.4)
        #expect(text.contains(commitment.root) && !text.contains(drawn.plan.salt))
        let openings = try drawn.openings()
        #expect(Set(openings.map(\.salt)).count == 60)
        #expect(openings.allSatisfy { !text.contains($0.salt) && !text.contains($0.digest) })
        // Another seed or another salt gives another root.
        let roots = try [
            drawn, DrawnPlan.draw(files: [file("a.jsonl", 60)], seed: 2, holdout: 0.4, salt: Array(0..<16)),
            DrawnPlan.draw(files: [file("a.jsonl", 60)], seed: 1, holdout: 0.4),
        ].map { try $0.commitment().root }
        #expect(Set(roots).count == 3)
        try AtomicFile.write(text.replacingOccurrences(of: commitment.root, with: roots[1]), to: path)
        let error = #expect(throws: AuditError.self) { try DrawnPlan.load(from: folder.path + "/plan") }
        #expect("\(try #require(error))".contains("commitment.json does not follow from plan.json"))
        // A plan of before commitments is read as ever.
        try FileManager.default.removeItem(atPath: path)
        #expect(try DrawnPlan.load(from: folder.path + "/plan").plan == drawn.plan)
    }

    @Test("Plans drawn alone are joined for a simulation; coins stay apart, contradictions are counted")
    func joining() throws {
        let north = try DrawnPlan.draw(files: [file("north.jsonl", 60)], seed: 1, holdout: 0.5)
        let lake = try DrawnPlan.draw(files: [file("lake.jsonl", 60, from: 30)], seed: 2, holdout: 0.5)
        let joined = try DrawnPlan.joining([north, lake])
        #expect(joined.plan.coinCount == 120 && joined.plan.holders.map(\.name) == ["north", "lake"])
        #expect(Set(joined.plan.records.map(\.coin)).count == 120)
        #expect(joined.auditedRecords.map(\.isMember) == (north.auditedRecords + lake.auditedRecords).map(\.isMember))
        let shared = (0..<30).count { north.plan.records[$0 + 30].isIncluded != lake.plan.records[$0].isIncluded }
        #expect(shared > 0 && joined.contradictions == shared)
        #expect(north.contradictions == 0)
        #expect(throws: AuditError.duplicateHolder(name: "north")) { try DrawnPlan.joining([north, north]) }
    }
}
