import Foundation
import Testing

/// `fsot compress` as an owner meets it: thinning, stopping and going on, emulators for other software.
struct CompressionTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story()
        scratch = story.scratch
    }

    private func command(_ output: String, _ more: [String] = []) -> [String] {
        [
            "compress", "model", "--bottom", "1", "--top", "1", "--feed-forward", "0.5", "--attention", "0.6",
            "--public-data", "north.jsonl", "--distill-tokens", "8000", "--seed", "3", "--quiet", "-o", output,
        ] + more
    }

    private func weights(_ emulator: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/\(emulator)/model.safetensors"))
    }

    @Test(arguments: [SIGINT, SIGKILL]) func stoppedRunsGoOnToTheSameBits(_ signal: Int32) throws {
        try story.run(command("whole"))
        let stopped = try Transcript.run(command("half"), in: scratch) { process, _ in
            let saved = scratch.path + "/half.partial/distillation/distillation.json"
            while process.isRunning, !FileManager.default.fileExists(atPath: saved) { usleep(1_000) }
            kill(process.processIdentifier, signal)
        }
        #expect(stopped.status == (signal == SIGINT ? 130 : SIGKILL), "\(stopped.errors)")
        let files = try scratch.files
        #expect(files.contains("half.partial") && !files.contains("half") && !files.contains("half.owner"))
        let again = try Transcript.run(command("half"), in: scratch)
        #expect(again.status == 1 && again.errors.contains("half.partial") && again.errors.contains("--resume"))
        let other = try Transcript.run(command("half", ["--resume", "--distill-lr", "0.1"]), in: scratch)
        #expect(other.status == 1 && other.errors.contains("other"), "\(other.errors)")
        try story.run(command("half", ["--resume"]))
        #expect(try weights("half") == weights("whole"))
        #expect(try !scratch.files.contains("half.partial"))
    }

    @Test func nothingToGoOnWith() throws {
        let run = try Transcript.run(command("half", ["--resume"]), in: scratch)
        #expect(run.status == 1 && run.errors.contains("There is no half.partial"))
    }

    /// A cache that is kept makes a second run no different, and a damaged one is not believed.
    @Test func keptTeacherStatesChangeNothing() throws {
        try story.run(command("first", ["--teacher-cache", "states"]))
        let cached = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/states")
        #expect(cached.count == 1)
        try story.run(command("second", ["--teacher-cache", "states"]))
        #expect(try weights("first") == weights("second"))
        try scratch.write("x", "states/" + cached[0])
        try story.run(command("third", ["--teacher-cache", "states"]))
        #expect(try weights("first") == weights("third"))
    }

    @Test func thinnedEmulatorsAreTunedAndPluggedIn() throws {
        try story.run(command("emulator"))
        try story.run(story.tuning(into: "run", ["--quiet"]))
        try story.run(["plug", "model", "run", "-o", "plugged", "--quiet"])
        for model in ["emulator", "plugged"] {
            let run = try story.run([
                "eval", model, "--tasks", "north.jsonl", "--template", "plain", "--limit", "2", "--json",
            ])
            #expect(run.output.contains("perplexity"))
        }
    }

    /// Only the portable one has matrices of one width.
    @Test func portableEmulatorsHaveMatricesOfOneWidth() throws {
        try story.run(command("narrow"))
        try story.run(command("portable", ["--portable"]))
        func description(_ emulator: String) throws -> [String: Any]? {
            let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/\(emulator)/emulator.json"))
            return try JSONSerialization.jsonObject(with: data) as? [String: Any]
        }
        #expect((try description("narrow")?["blocks"] as? [Any])?.isEmpty == false)
        #expect(try description("portable")?["blocks"] == nil)
        #expect(try weights("portable").count > weights("narrow").count)
    }
}
