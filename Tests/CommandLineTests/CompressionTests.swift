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
        // Weights of another recipe under this one's name would make the ledger lie.
        for flag in [["--feed-forward", "0.4"], ["--attention", "0.5"], ["--bottom", "2"], ["--no-refit"]] {
            let other = try Transcript.run(command("half", ["--resume"] + flag), in: scratch)
            #expect(other.status == 1 && other.errors.contains("half.partial"), "\(flag): \(other.errors)")
        }
        try story.run(command("half", ["--resume"]))
        #expect(try weights("half") == weights("whole"))
        #expect(try !scratch.files.contains("half.partial"))
    }

    @Test(arguments: [
        (["--divergence-weight", "1"], "--loss per-token"), (["--divergence-weight=-1"], "0 or more"),
        (["--calibration-tokens", "0"], "16384"), (["--distill-lr=-1"], "--distill-lr"),
        (["--report", "full", "--probe-data", "none.jsonl"], "none.jsonl"),
    ]) func senselessSettingsAreRefused(_ flags: [String], _ remedy: String) throws {
        let run = try Transcript.run(command("half", flags), in: scratch)
        #expect(run.status == 1 && run.errors.contains(remedy), "\(run.errors)")
        #expect(try !scratch.files.contains { $0.hasPrefix("half") })
    }

    /// The owner's directory says which layers were kept: nobody else on the machine may look.
    @Test func ownersDirectoryIsClosed() throws {
        try story.run(command("half"))
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path + "/half.owner")
        #expect((attributes[.posixPermissions] as? Int) == 0o700)
    }

    /// Figures are of what ships: in bfloat16 no weight of this model stays as it is.
    @Test func roundedWeightsAreNotCalledVerbatim() throws {
        let run = try story.run(command("half", ["--dtype", "bf16", "--json"]))
        #expect((try run.json()["verbatimShare"] as? Double).map { $0 < 0.01 } == true)
    }

    /// What only fsot can read says so in its config.json.
    @Test func thinnedConfigurationsAreNobodyElses() throws {
        try story.run(command("narrow"))
        try story.run(command("portable", ["--portable"]))
        func modelType(_ emulator: String) throws -> String? {
            let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/\(emulator)/config.json"))
            return (try JSONSerialization.jsonObject(with: data) as? [String: Any])?["model_type"] as? String
        }
        #expect(try modelType("narrow") == "fsot_thinned_" + (modelType("portable") ?? ""))
    }

    @Test func aReportNeedsTheModelThatItWasMadeFrom() throws {
        try story.run(command("half"))
        try story.run([
            "compress", "model", "--bottom", "1", "--top", "1", "--keep", "1", "--dtype", "bf16", "-q", "-o", "other",
        ])
        let run = try Transcript.run(
            ["report", "half", "--model", "other", "--public-data", "north.jsonl"],
            in: scratch
        )
        #expect(run.status == 1 && run.errors.contains("half was not made from other"), "\(run.errors)")
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
