import Foundation
import Testing

/// The owner's own records against the emulators of a model that was tuned on them.
struct OwnerSideTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story()
        scratch = story.scratch
        try scratch.write(try story.files.map { try scratch.read($0) }.joined(), "owned.jsonl")
        try scratch.write(
            String(repeating: "Public words, and more of them for the middle.\n", count: 40),
            "public.txt"
        )
        try scratch.write(
            "name: s\nattacks: [LOSS, RATIO]\npermutations: 200\nbootstrap_replicates: 100\n",
            "suite.yaml"
        )
    }

    private func owner(_ output: String, _ more: [String] = []) -> [String] {
        ["audit", "owner", "--model", "model", "--data", "owned.jsonl"]
            + [
                "--ratios", "1,0.5", "--ways", "dropped,distilled", "--adapter-blocks", "1", "--public-data",
                "public.txt", "--distill-tokens", "64", "--steps", "400", "--batch", "16", "--lr", "2e-3",
                "--max-length",
                "48", "--suite", "suite.yaml", "--quiet", "-o", output,
            ] + more
    }

    private struct Found: Decodable {
        struct Run: Decodable {
            struct Vantage: Decodable {
                struct Attack: Decodable { var attack: String, auc: Double }
                var vantage: String
                var attacks: [Attack]
            }
            struct Facts: Decodable { var compressionRatio: Double }
            var name: String
            var facts: Facts
            var vantages: [Vantage]
        }
        var runs: [Run]
    }

    @Test func aTunedModelIsAttackedThroughItsEmulators() throws {
        try story.run(owner("owned"), expecting: [0])
        let cells = ["r0.5-distilled", "r0.5-dropped", "r1.0-distilled", "r1.0-dropped"]
        #expect(try scratch.content("owned/cells") == cells.map { $0 + ".json" })
        let report = try JSONDecoder().decode(Found.self, from: Data(scratch.read("owned/report/report.json").utf8))
        func ratioAUC(_ name: String) throws -> Double {
            let run = try #require(report.runs.first { $0.name == name })
            #expect(run.vantages.map(\.vantage) == ["recipient"])
            return try #require(run.vantages[0].attacks.first { $0.attack == "RATIO" }).auc
        }
        // The model itself, whatever way emulators of it would be made.
        #expect(try ratioAUC("r1.0-dropped") == ratioAUC("r1.0-distilled"))
        #expect(try ratioAUC("r1.0-dropped") > 0.7)
        #expect(try ratioAUC("r0.5-dropped") != ratioAUC("r0.5-distilled"))
        #expect(try scratch.read("owned/report/report.html").contains("Can someone who receives an emulator tell"))
        let smaller = try #require(report.runs.first { $0.name == "r0.5-dropped" })
        #expect(smaller.facts.compressionRatio < 1)

        let cell = "owned/cells/r0.5-distilled.json"
        let first = try scratch.read(cell)
        try FileManager.default.removeItem(atPath: scratch.path + "/" + cell)
        let refused = try Transcript.run(owner("owned"), in: scratch)
        #expect(refused.status == 1 && refused.errors.contains("owned already exists"))
        let other = try Transcript.run(owner("owned", ["--resume", "--seed", "2"]), in: scratch)
        #expect(other.status == 1 && other.errors.contains("other settings"))
        try story.run(owner("owned", ["--resume"]))
        #expect(try scratch.read(cell) == first)
    }

    @Test(arguments: [["--ratios", "0"], ["--ways", "squeezed"], ["--steps", "0"], ["--ways", "dropped,dropped"]])
    func nonsenseIsUsage(_ flags: [String]) throws {
        let run = try Transcript.run(owner("owned", flags), in: scratch)
        #expect(run.status == 64, "\(run.errors)")
        #expect(try !scratch.files.contains("owned"))
    }
}
