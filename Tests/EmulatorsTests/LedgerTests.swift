import Emulators
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

@Suite("The owner's ledger")
struct LedgerTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var ledger: Ledger { Ledger(path: folder.path + "/home/ledger.jsonl") }

    private func entry(
        _ release: String,
        layers: [Int]?,
        to recipients: [String] = [],
        model: String = "aa",
        verbatim: [VerbatimPart] = []
    ) -> LedgerEntry {
        LedgerEntry(
            releaseID: release,
            output: "\(release).fsot",
            model: "model.gguf",
            baseModel: [model],
            fullLayers: 20,
            fullParameters: 1000,
            bottom: 2,
            top: 2,
            sourceLayers: layers,
            verbatim: verbatim,
            recipients: recipients.map { .init(name: $0, ageRecipient: "age1\($0)") },
            figures: ["loss": 1.5, "broken": .nan]
        )
    }

    private func lines() throws -> [String] {
        try String(contentsOfFile: ledger.path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private func write(_ lines: [String]) throws {
        try (lines.joined(separator: "\n") + "\n").write(toFile: ledger.path, atomically: false, encoding: .utf8)
    }

    private func filled(_ count: Int) throws -> [String] {
        for index in 0..<count { try ledger.append(entry("release-\(index)", layers: [index])) }
        return try lines()
    }

    @Test func whatIsAppendedStaysInOrder() throws {
        #expect(try ledger.entries().isEmpty)
        #expect(try ledger.verify().count == 0)
        _ = try filled(3)
        let entries = try ledger.entries()
        #expect(entries.map(\.releaseID) == ["release-0", "release-1", "release-2"])
        #expect(entries.map(\.number) == [1, 2, 3])
        #expect(entries[0].previous == String(repeating: "0", count: 64))
        #expect(entries[1].figures == ["loss": 1.5])
        let found = try ledger.verify()
        #expect(found.count == 3 && !found.endsBeyondHead)
        #expect(try ledger.verify(head: entries[1].previous) == found, "an earlier head is still in the chain")
        let mode = try FileManager.default.attributesOfItem(atPath: ledger.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    /// Any change of any line is found at that line, also of the last.
    @Test func changedLinesAreFound() throws {
        let whole = try filled(4)
        for index in whole.indices {
            var changed = whole
            changed[index] = changed[index].replacingOccurrences(of: "model.gguf", with: "other.gguf")
            try write(changed)
            #expect(throws: EmulatorError.self, "line \(index + 1)") { try ledger.verify() }
            do {
                _ = try ledger.verify()
            } catch EmulatorError.brokenLedger(_, let line, _) {
                #expect(line == index + 1)
            }
            #expect(throws: EmulatorError.self) { try ledger.append(entry("more", layers: [])) }
            #expect(try lines() == changed, "nothing is written to a ledger that cannot be trusted")
        }
    }

    @Test func removedReorderedAndAddedLinesAreFound() throws {
        let whole = try filled(4)
        func expectBroken(_ changed: [String], at expected: Int) throws {
            try write(changed)
            do {
                _ = try ledger.verify()
                Issue.record("line \(expected) was not noticed")
            } catch EmulatorError.brokenLedger(_, let line, _) {
                #expect(line == expected)
            }
        }
        for index in 0..<3 {
            var changed = whole
            changed.remove(at: index)
            try expectBroken(changed, at: index + 1)
        }
        try expectBroken([whole[0], whole[2], whole[1], whole[3]], at: 2)
        try expectBroken([whole[0], whole[1], whole[1], whole[2], whole[3]], at: 3)
        try expectBroken([whole[0], "{}", whole[1], whole[2], whole[3]], at: 2)
        try write(Array(whole[..<3]))
        #expect(throws: EmulatorError.shortenedLedger(path: ledger.path, lines: 3, expected: 4)) { try ledger.verify() }
        try FileManager.default.removeItem(atPath: ledger.path)
        #expect(throws: EmulatorError.shortenedLedger(path: ledger.path, lines: 0, expected: 4)) { try ledger.verify() }
        try write(whole)
        #expect(try ledger.verify().count == 4)
        try FileManager.default.removeItem(atPath: ledger.path + ".head")
        #expect(throws: EmulatorError.self) { try ledger.verify() }
    }

    /// Whoever rewrites both files is found only by a head that was noted elsewhere.
    @Test func aNotedHeadOutlivesANewChain() throws {
        _ = try filled(3)
        let noted = try ledger.verify().head
        for name in ["", ".head"] { try FileManager.default.removeItem(atPath: ledger.path + name) }
        _ = try filled(2)
        #expect(try ledger.verify().count == 2)
        #expect(throws: EmulatorError.self) { try ledger.verify(head: noted) }
    }

    /// The machine stops after the line and before the head, or within the line.
    @Test func interruptedAppendsAreMended() throws {
        _ = try filled(2)
        let head = try Data(contentsOf: URL(fileURLWithPath: ledger.path + ".head"))
        try ledger.append(entry("third", layers: [3]))
        try head.write(to: URL(fileURLWithPath: ledger.path + ".head"))
        #expect(try ledger.verify().endsBeyondHead)
        try ledger.append(entry("fourth", layers: [4]))
        #expect(try ledger.verify() == Ledger(path: ledger.path).verify())
        #expect(try ledger.entries().map(\.releaseID).suffix(2) == ["third", "fourth"])

        let text = try String(contentsOfFile: ledger.path, encoding: .utf8)
        try (text + "{\"base_mo").write(toFile: ledger.path, atomically: false, encoding: .utf8)
        #expect(throws: EmulatorError.self) { try ledger.verify() }
        try ledger.append(entry("fifth", layers: [5]))
        #expect(try ledger.verify().count == 5)
    }

    @Test func manyProcessesMayAppend() async throws {
        let (ledger, entries) = (ledger, (0..<8).map { entry("r\($0)", layers: []) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for entry in entries { group.addTask { try ledger.append(entry) } }
            try await group.waitForAll()
        }
        #expect(try ledger.verify().count == 8)
        #expect(try Set(ledger.entries().map(\.releaseID)).count == 8)
    }

    // MARK: - Exposure

    /// The survey's 5.4: uniform schedules of 20 layers expose 8, then 14, then 18 of them.
    @Test func unionsOfUniformSchedules() throws {
        let sizes = [8, 10, 12].map { LayerSelection.uniform.indices(keeping: $0, of: 20) }
        let entries = sizes.enumerated().map { entry("r\($0)", layers: $1, to: ["h\($0)"]) }
        let unions = (1...3).map { LedgerExposure.of(Array(entries[..<$0]))[0].all.sourceLayers.count }
        #expect(unions == [8, 14, 18])
        let exposure = LedgerExposure.of(entries)[0]
        #expect(exposure.recipients.map(\.sourceLayers.count).sorted() == [8, 10, 12])
        #expect(exposure.pairs.count == 3)
        #expect(exposure.pairs.first { $0.recipients == ["h0", "h1"] }?.sourceLayers.count == 14)
        #expect(LedgerExposure.of(Array(entries[..<2]), adding: entries[2]) == exposure)
    }

    @Test func modelsAndRecipientsAreKeptApart() throws {
        let whole = VerbatimPart(tensor: "a", shape: [10, 10])
        let rows = VerbatimPart(tensor: "b", shape: [10, 10], rows: IndexRanges(0..<4))
        let others = VerbatimPart(tensor: "b", shape: [10, 10], rows: IndexRanges(2..<6))
        let columns = VerbatimPart(tensor: "b", shape: [10, 10], columns: IndexRanges([0, 9]))
        let exposures = LedgerExposure.of([
            entry("1", layers: [4], to: ["x", "y"], verbatim: [whole, rows]),
            entry("2", layers: [4, 5], to: ["y"], verbatim: [others, columns]),
            entry("3", layers: nil, to: ["x"]),
            entry("4", layers: [9], to: ["x"], model: "bb"),
        ])
        #expect(exposures.map(\.baseModel) == [["aa"], ["bb"]])
        let first = exposures[0]
        #expect(first.unknownReleases == 1 && first.middleLayers == 16 && first.all.releases == 3)
        #expect(first.all.sourceLayers == [4, 5])
        // Tensor a whole; of b six rows and two columns: 60 + 20 − 12.
        #expect(first.all.verbatimParameters == 100 + 68)
        #expect(first.all.verbatimShare == 0.168)
        #expect(first.recipients.first { $0.recipients == ["x"] }?.verbatimParameters == 140)
        #expect(first.pairs.count == 1 && first.pairs[0].verbatimParameters == 168)
    }

    @Test(arguments: ["0-3,7,9-12", "", "5"]) func rangesAreText(_ text: String) throws {
        let ranges = try JSONDecoder().decode([IndexRanges].self, from: Data("[\"\(text)\"]".utf8))[0]
        #expect(ranges.text == text)
        #expect(IndexRanges(ranges.ranges.flatMap { $0 }) == ranges)
    }

    @Test(arguments: ["3-1", "1,1", "2,1", "-1", "a", "1-2-3", "1,2", "0-99999999999999999999"])
    func otherTextsAreNoRanges(_ text: String) {
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([IndexRanges].self, from: Data("[\"\(text)\"]".utf8))
        }
    }

    // MARK: - What travels bit for bit

    @Test func unchangedTensorsRowsAndColumnsAreFound() throws {
        let full = try Golden.committedModel("llama")
        let emulator = try full.subset(blocks: [0, 2, 3], copying: [1])
        let all = VerbatimPart.find(in: emulator, of: full, sourceLayers: [0, 2, 3])
        #expect(all.reduce(0) { $0 + $1.count } == emulator.parameterCount)
        #expect(all.contains { $0.tensor == "model.layers.2.mlp.up_proj.weight" && $0.rows == nil })
        #expect(!all.contains { $0.tensor.hasPrefix("model.layers.1.") })

        let up = try #require(emulator.parameter(named: "model.layers.1.mlp.up_proj.weight"))
        let down = try #require(emulator.parameter(named: "model.layers.1.mlp.down_proj.weight"))
        let (rows, columns) = (up.value.shape[0], up.value.shape[1])
        let kept = [1, 2, 5]
        up.value = Tensor(
            shape: [kept.count, columns],
            values: kept.flatMap { Array(up.value.values[($0 * columns)..<(($0 + 1) * columns)]) }
        )
        let values = down.value.values
        down.value = Tensor(
            shape: [columns, kept.count],
            values: (0..<columns).flatMap { row in kept.map { values[row * rows + $0] } }
        )
        let gate = try #require(emulator.parameter(named: "model.layers.1.mlp.gate_proj.weight"))
        var changed = gate.value.values
        changed[columns * 3] += 1
        gate.value = Tensor(shape: gate.value.shape, values: changed)
        let parts = VerbatimPart.find(in: emulator, of: full, sourceLayers: [0, 2, 3])
        func part(_ name: String) -> VerbatimPart? {
            parts.first { $0.tensor == "model.layers.2.mlp.\(name)_proj.weight" }
        }
        #expect(part("up")?.rows?.text == "1-2,5" && part("up")?.columns == nil)
        #expect(part("down")?.columns?.text == "1-2,5" && part("down")?.rows == nil)
        #expect(part("gate")?.rows?.count == rows - 1)
    }
}
