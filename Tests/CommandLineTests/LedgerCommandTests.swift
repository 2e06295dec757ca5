import Foundation
import Testing

/// The owner's ledger as `compress` and `seal` fill it and `fsot ledger` reads it.
struct LedgerCommandTests {
    private let story: Story
    private let scratch: Scratch
    private var ledger: String { scratch.home + "/ledger.jsonl" }

    init() throws {
        story = try Story(records: 8)
        scratch = story.scratch
        for name in ["owner", "alice", "bob"] { try story.run(["keygen", name, "--no-passphrase", "-q"]) }
    }

    private func compress(_ output: String, keep: String, to recipient: String? = nil) throws {
        let sealing = recipient.map { ["--to", "\($0).card", "--sign", "owner.identity"] } ?? []
        try story.run(
            ["compress", "model", "--bottom", "1", "--top", "1", "--keep", keep, "-q", "-o", output] + sealing
        )
    }

    private func entries(_ more: [String] = []) throws -> [[String: Any]] {
        let run = try story.run(["ledger", "list", "--json"] + more)
        return try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]])
    }

    @Test func everyReleaseIsRecorded() throws {
        #expect(try story.run(["ledger", "list"]).output.contains("no releases yet"))
        #expect(try story.run(["ledger", "exposure"]).output.contains("no releases yet"))
        try compress("one.fsot", keep: "0.5", to: "alice")
        try compress("plain", keep: "1")
        try story.run(["seal", "plain", "--to", "bob.card", "--sign", "owner.identity", "-q", "-o", "two.fsot"])
        let entries = try entries()
        #expect(entries.map { $0["output"] as? String } == ["one.fsot", "plain", "two.fsot"])
        #expect(entries.map { ($0["source_layers"] as? [Int])?.count } == [1, 2, 2])
        #expect(entries[1]["release_id"] as? String == entries[2]["release_id"] as? String)
        #expect((entries[1]["recipients"] as? [Any])?.isEmpty == true)
        let digests = try #require(entries[2]["digests"] as? [String: String])
        #expect(Set(digests.keys).isSuperset(of: ["payload.age", "model.safetensors", "config.json", "emulator.json"]))
        let figures = try #require(entries[0]["figures"] as? [String: Double])
        #expect(figures["compression_ratio"] != nil && figures["verbatim_share"] != nil)
        #expect((entries[0]["recipe"] as? [String: Any])?["keep"] as? Double == 0.5)

        let verified = try story.run(["ledger", "verify"])
        #expect(verified.output.contains("3 lines, whole"))
        let head = try #require(verified.output.split(separator: " ").last).trimmingCharacters(in: .newlines)
        try compress("three", keep: "0")
        #expect(try story.run(["ledger", "verify", "--head", head]).output.contains("4 lines"))

        let exposure = try story.run(["ledger", "exposure", "--json"])
        let models = try #require(
            try JSONSerialization.jsonObject(with: Data(exposure.output.utf8)) as? [[String: Any]]
        )
        #expect(models.count == 1 && (models[0]["pairs"] as? [Any])?.count == 1)
        let all = try #require(models[0]["all"] as? [String: Any])
        #expect(all["sourceLayers"] as? [Int] == [1, 2] && all["verbatimShare"] as? Double == 1)
        let table = try story.run(["ledger", "exposure"]).output
        #expect(table.contains("alice + bob") || table.contains("bob + alice"))
        #expect(try story.run(["ledger", "list"]).output.contains("unsealed"))
    }

    /// A release that cannot be recorded does not stay, and a ledger that cannot be trusted is not added to.
    @Test func aBrokenLedgerStopsReleases() throws {
        try compress("one", keep: "0")
        try compress("two", keep: "1")
        let lines = try String(contentsOfFile: ledger, encoding: .utf8).split(separator: "\n").map { $0 + "\n" }
        try lines[1].write(toFile: ledger, atomically: false, encoding: .utf8)
        let before = try scratch.files
        for command in [
            ["ledger", "verify"], ["ledger", "list"], ["ledger", "exposure"],
            ["compress", "model", "--bottom", "1", "--top", "1", "-q", "-o", "three"],
            [
                "compress", "model", "--bottom", "1", "--top", "1", "--to", "bob.card", "--sign", "owner.identity",
                "-q",
                "-o", "three.fsot",
            ],
            ["seal", "one", "--to", "bob.card", "--sign", "owner.identity", "-q", "-o", "one.fsot"],
        ] {
            let run = try Transcript.run(command, in: scratch)
            #expect(run.status == 1)
            #expect(run.errors.contains("Line 1 of the ledger ") && run.errors.contains("entry 2"), "\(run.errors)")
        }
        #expect(try scratch.files == before)
        try lines[0].write(toFile: ledger, atomically: false, encoding: .utf8)
        let run = try Transcript.run(["ledger", "verify"], in: scratch)
        #expect(run.status == 1 && run.errors.contains("has 1 lines, but its head counts 2"), "\(run.errors)")
        try lines.joined().write(toFile: ledger, atomically: false, encoding: .utf8)
        #expect(try story.run(["ledger", "verify"]).output.contains("2 lines, whole"))
    }

    @Test func anEmulatorOfAnotherLedgerNeedsItsModel() throws {
        try compress("plain", keep: "0.5")
        let seal = [
            "seal", "plain", "--to", "alice.card", "--sign", "owner.identity", "--ledger", "other.jsonl", "-o",
            "x.fsot",
        ]
        let run = try Transcript.run(seal + ["-q"], in: scratch)
        #expect(run.status == 1 && run.errors.contains("does not know release"), "\(run.errors)")
        #expect(try !scratch.files.contains("x.fsot"))
        let sealed = try story.run(seal + ["--model", "model"])
        #expect(sealed.errors.contains("gives away is not known"))
        let entries = try entries(["--ledger", "other.jsonl"])
        #expect(entries.count == 1 && entries[0]["source_layers"] == nil)
        #expect(try story.run(["ledger", "exposure", "--ledger", "other.jsonl"]).output.contains("is not known"))
        try story.run(["open", "x.fsot", "--identity", "alice.identity", "--from", "owner.card", "-o", "out"])
    }
}
