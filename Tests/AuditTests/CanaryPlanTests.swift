import Audit
import Foundation
import TensorEngine
import TestSupport
import Testing
import Training

@Suite("Canaries in a plan")
struct CanaryPlanTests {
    private func file(_ name: String, _ count: Int, form: Record.Form = .text) throws -> RecordFile {
        let lines = (0..<count).map { number in
            switch form {
            case .text: #"{"text":"letter \#(number) of \#(name)"}"#
            case .instruction: #"{"instruction":"Letter \#(number)?","output":"of \#(name)"}"#
            case .messages:
                #"{"messages":[{"role":"user","content":"\#(number)?"},{"role":"assistant","content":"\#(name)"}]}"#
            }
        }
        return try RecordFile.parse(Array((lines.joined(separator: "\n") + "\n").utf8), path: "data/\(name).jsonl")
    }

    private func drawn(_ names: [String] = ["a", "b"], seed: UInt64 = 1, holdout: Double = 0.1) throws -> DrawnPlan {
        try DrawnPlan.draw(files: names.map { try file($0, 60) }, seed: seed, holdout: holdout, salt: Array(0..<16))
    }

    private func canaries(_ drawn: DrawnPlan) -> [(entry: AuditPlan.Entry, record: Record)] {
        zip(drawn.plan.records, drawn.records).filter { $0.0.canary != nil }.map { ($0, $1) }
    }

    @Test("Their coins are fair at every share held out, and nothing about the records changes", arguments: [0.1, 0.5])
    func fairCoins(holdout: Double) throws {
        let bare = try drawn(holdout: holdout)
        let request = try CanaryRequest(count: 4000, repetitions: [1])
        let planted = try bare.planting(request)
        #expect(Array(planted.plan.records.prefix(120)) == bare.plan.records)
        #expect(planted.plan.holders == bare.plan.holders && planted.plan.coinCounts == bare.plan.coinCounts)
        #expect(
            planted.plan.includedCount == bare.plan.includedCount && planted.plan.heldOutCount == bare.plan.heldOutCount
        )
        let own = canaries(planted)
        #expect(planted.plan.canaryCount == 4000 && planted.plan.coinCount == bare.plan.coinCount + 4000)
        #expect(Set(own.map(\.entry.coin)).count == 4000, "each has a coin of its own")
        // 4000 fair coins: the standard deviation is 32; and so is that of the turns between neighbours.
        let sides = own.map(\.entry.isIncluded)
        #expect(abs(sides.count { $0 } - 2000) < 130)
        #expect(abs(zip(sides, sides.dropFirst()).count { $0 != $1 } - 2000) < 130)
        #expect(Set(own.map(\.record.fullText)).count == 4000)
    }

    @Test("They do not follow the records' coins, nor another holder's canaries under the same seed")
    func independence() throws {
        let request = try CanaryRequest(count: 2000, repetitions: [1])
        func sides(_ name: String, seed: UInt64) throws -> [Bool] {
            canaries(try drawn([name], seed: seed).planting(request)).map(\.entry.isIncluded)
        }
        let records = try DrawnPlan.draw(files: [file("a", 2000)], seed: 1, holdout: 0.5).plan.records.map(\.isIncluded)
        let own = try sides("a", seed: 1)
        for other in [records, try sides("b", seed: 1), try sides("a", seed: 2)] {
            // 2000 pairs of independent fair coins agree in 1000 ± 22.
            #expect(abs(zip(own, other).count { $0 == $1 } - 1000) < 90)
        }
        #expect(try sides("a", seed: 1) == own)
    }

    @Test("They are dealt to tiers and holders, in the form of their neighbours")
    func dealing() throws {
        let files = [try file("a", 40), try file("b", 40, form: .instruction), try file("c", 40, form: .messages)]
        let request = try CanaryRequest(count: 120, kinds: [.random, .newToken], repetitions: [1, 4])
        let secrets = (0..<60).map { "unheard word \($0)" }
        let planted = try DrawnPlan.draw(files: files, seed: 3).planting(request, secrets: [.newToken: secrets])
        let own = canaries(planted)
        for tier in request.tiers { #expect(own.count { $0.entry.canary == tier } == 30) }
        for holder in 0..<3 {
            let forms: [Record.Form] = [.text, .instruction, .messages]
            let theirs = own.filter { $0.entry.holder == holder }
            #expect(theirs.count == 40 && theirs.allSatisfy { $0.record.form == forms[holder] })
        }
        let told = own.filter { $0.entry.canary?.kind == .newToken }.map(\.record.answer)
        #expect(zip(told, secrets).allSatisfy { $0.hasSuffix($1) })
        #expect(planted.plan.warnings.allSatisfy { !$0.contains("planted once") })
    }

    @Test("The directory holds each as often as its tier says, and comes back; what was altered is refused")
    func files() throws {
        let folder = try TemporaryFolder()
        let planted = try drawn().planting(CanaryRequest(count: 40, repetitions: [1, 5]))
        let path = folder.path + "/plan"
        try planted.write(to: path)
        let loaded = try DrawnPlan.load(from: path)
        #expect(loaded.plan == planted.plan && loaded.lines == planted.lines && loaded.records == planted.records)
        let audited = loaded.auditedRecords
        #expect(audited.map(\.canary) == planted.plan.records.map(\.canary))
        for (index, holder) in planted.plan.holders.enumerated() {
            let included = path + "/" + DrawnPlan.includedFile(of: holder.name)
            let lines = try String(contentsOfFile: included, encoding: .utf8).split(separator: "\n").map(String.init)
            let own = planted.plan.records.filter { $0.holder == index && $0.isIncluded }
            #expect(lines.count == own.reduce(0) { $0 + $1.copies })
            let heldOut = try RecordFile.read(path + "/" + DrawnPlan.heldOutFile(of: holder.name))
            #expect(heldOut.count == planted.plan.records.count { $0.holder == index && !$0.isIncluded })
        }

        let included = path + "/" + DrawnPlan.includedFile(of: "a")
        let text = try String(contentsOfFile: included, encoding: .utf8)
        let repeated = try #require(
            zip(planted.plan.records, planted.lines).first {
                $0.0.holder == 0 && $0.0.isIncluded && $0.0.canary?.repetitions == 5
            }
        )
        let line = String(decoding: repeated.1, as: UTF8.self)
        var lines = text.split(separator: "\n").map(String.init)
        func refuse(_ naming: String) throws {
            try (lines.joined(separator: "\n") + "\n").write(toFile: included, atomically: true, encoding: .utf8)
            let error = #expect(throws: AuditError.self) { try DrawnPlan.load(from: path) }
            #expect("\(try #require(error))".contains(naming), "\(String(describing: error))")
        }
        let last = try #require(lines.lastIndex(of: line))
        lines[last] = line.replacingOccurrences(of: "\"}", with: " \"}")
        try refuse("a canary of a differs")
        lines.remove(at: last)
        try refuse("of a")
        lines = text.split(separator: "\n").map(String.init) + [line]
        try refuse("has more records than were drawn")
    }

    @Test("The root binds kind and repetitions; a plan without canaries has the root that it always had")
    func commitment() throws {
        let bare = try drawn()
        let planted = try bare.planting(CanaryRequest(count: 40, repetitions: [1, 5]))
        #expect(try bare.commitment().canaries == nil && planted.commitment().canaries == 40)
        #expect(try planted.commitment().records == 160)
        #expect(try Array(planted.openings().prefix(120)) == bare.openings())
        #expect(try String(decoding: JSONEncoder().encode(bare.plan), as: UTF8.self).contains("canary") == false)

        let folder = try TemporaryFolder()
        try planted.write(to: folder.path + "/plan")
        let file = folder.path + "/plan/" + DrawnPlan.planFile
        let text = try String(contentsOfFile: file, encoding: .utf8)
        // One that is held out, so that its file stays right.
        var plan = planted.plan
        let heldOut = try #require(plan.records.firstIndex { $0.canary != nil && !$0.isIncluded })
        plan.records[heldOut].canary?.repetitions = 7
        try JSONEncoder().encode(plan).write(to: URL(fileURLWithPath: file))
        let error = #expect(throws: AuditError.self) { try DrawnPlan.load(from: folder.path + "/plan") }
        #expect("\(try #require(error))".contains("does not follow from plan.json"))
        #expect(text.contains("\"canary\""))
    }

    @Test("What cannot be planted is refused in a sentence")
    func refusals() throws {
        let requests: [() throws -> CanaryRequest] = [
            { try CanaryRequest(count: 11) }, { try CanaryRequest(count: 40, kinds: []) },
            { try CanaryRequest(count: 40, kinds: [.random, .random]) },
            { try CanaryRequest(count: 40, repetitions: [0]) }, { try CanaryRequest(count: 40, repetitions: [2, 2]) },
            { try CanaryRequest(count: 40, repetitions: [1001]) },
        ]
        for request in requests {
            let error = #expect(throws: AuditError.self) { try request() }
            #expect("\(try #require(error))".hasSuffix("."))
        }
        let request = try CanaryRequest(count: 20, kinds: [.newToken], repetitions: [1])
        #expect(throws: AuditError.self) { try drawn().planting(request, secrets: [.newToken: ["one"]]) }
        let planted = try drawn().planting(CanaryRequest(count: 20, repetitions: [1]))
        #expect(throws: AuditError.self) { try planted.planting(CanaryRequest(count: 20, repetitions: [1])) }
        let few = try drawn().planting(CanaryRequest(count: 24))
        #expect(few.plan.warnings.contains { $0.contains("Only 8 canaries are planted once") })
    }

    @Test("Joined plans keep them apart, and they contradict nothing")
    func joining() throws {
        let plans = try ["a", "b"].map { try drawn([$0]).planting(CanaryRequest(count: 20, repetitions: [1])) }
        let joined = try DrawnPlan.joining(plans)
        #expect(joined.plan.canaryCount == 40 && joined.contradictions == 0)
        #expect(Set(joined.auditedRecords.filter { $0.canary != nil }.map(\.coin)).count == 40)
    }
}
