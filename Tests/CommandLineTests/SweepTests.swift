import Foundation
import Testing

/// A sweep, whole, in parts and stopped in between.
struct SweepTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story()
        scratch = story.scratch
        try scratch.write(
            "name: s\nattacks: [LOSS, RATIO, DLOSS, SPAN]\npermutations: 200\nbootstrap_replicates: 100\n",
            "suite.yaml"
        )
    }

    private func sweep(_ output: String, _ more: [String] = []) -> [String] {
        ["audit", "sweep", "--model", "model", "--data"] + story.files
            + [
                "--ratios", "1,0.5", "--methods", "blocks,lora:2", "--adapter-blocks", "1", "--thinning", "drop",
                "--rounds",
                "1", "--local-steps", "3", "--batch", "2", "--max-length", "48", "--template", "plain", "--suite",
                "suite.yaml", "--quiet", "-o", output,
            ] + more
    }

    private func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + path))
    }

    @Test func twoShardsGiveTheBytesOfOneRun() throws {
        let whole = try story.run(sweep("whole"))
        #expect(whole.output.contains("whole/report/report.html"))
        let cells = ["r0.5-blocks-both-s1", "r0.5-lora2-both-s1", "r1.0-blocks-both-s1", "r1.0-lora2-both-s1"]
        #expect(try scratch.content("whole/cells") == cells.map { $0 + ".json" })
        try story.run(sweep("one", ["--shard", "1/2"]))
        let second = try story.run(sweep("two", ["--shard", "2/2"]))
        #expect(second.output.contains("2 are missing"))
        #expect(try scratch.content("one/cells").count == 2)
        let parts = try ["one", "two"].flatMap { shard in
            try scratch.content("\(shard)/cells").map { "\(shard)/cells/\($0)" }
        }
        try story.run(
            ["audit", "merge"] + parts.reversed() + ["--title", "Leakage against compression", "-o", "merged"]
        )
        for file in ["report.json", "report.html"] {
            #expect(try bytes("merged/\(file)") == bytes("whole/report/\(file)"), "\(file)")
        }
        #expect(try scratch.read("merged/report.html").contains("Leakage by ratio and adapter"))
        // Every machine draws its own salt, and the cells are about the same records all the same.
        #expect(try bytes("one/work/plan/plan.json") != bytes("two/work/plan/plan.json"))
        #expect(try scratch.read("merged/report.html").contains("Which differences are differences"))
        let unknown = try Transcript.run(sweep("none", ["--methods", "lora:x"]), in: scratch)
        #expect(unknown.status == 1 && unknown.errors.hasPrefix("error: The sweep cannot be used: --methods lora:x"))
        let twice = try Transcript.run(["audit", "merge", parts[0], parts[0], "-o", "twice"], in: scratch)
        #expect(twice.status == 1 && twice.errors.contains("occurs twice"))
    }

    @Test func whatIsThereIsTakenOver() throws {
        try story.run(sweep("sweep"))
        let cell = "sweep/cells/r0.5-lora2-both-s1.json"
        let first = try bytes(cell)
        try FileManager.default.removeItem(atPath: scratch.path + "/" + cell)
        let refused = try Transcript.run(sweep("sweep"), in: scratch)
        #expect(refused.status == 1 && refused.errors.contains("sweep already exists"))
        let other = try Transcript.run(sweep("sweep", ["--resume", "--plan-seed", "2"]), in: scratch)
        #expect(other.status == 1 && other.errors.contains("other settings"))
        try story.run(sweep("sweep", ["--resume"]))
        #expect(try bytes(cell) == first)
    }

    @Test(arguments: [
        ["--ratios", "1.5"], ["--methods", "adapters"], ["--placement", "middle"], ["--shard", "3/2"],
    ])
    func nonsenseIsUsage(_ flags: [String]) throws {
        let run = try Transcript.run(sweep("sweep", flags), in: scratch)
        #expect(run.status == 64 || run.errors.contains(flags[0]), "\(run.errors)")
        #expect(try !scratch.files.contains("sweep"))
    }
}
