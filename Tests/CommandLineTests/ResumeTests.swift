import Foundation
import Testing

/// A run that is stopped, by the user or by the machine, goes on to the same bits.
struct ResumeTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story()
        scratch = story.scratch
        try story.compress()
    }

    /// Starts a run and sends it a signal while it is in its second or a later round.
    private func stop(_ arguments: [String], run: String, by signal: Int32) throws -> Transcript {
        try Transcript.run(arguments, in: scratch) { process, _ in
            let metrics = scratch.path + "/\(run)/metrics.jsonl"
            while process.isRunning, (FileManager.default.contents(atPath: metrics) ?? Data()).isEmpty { usleep(2_000) }
            kill(process.processIdentifier, signal)
        }
    }

    @Test(arguments: [["--method", "blocks"], ["--method", "lora", "--rank", "2", "--no-masking"]])
    func ctrlCInMidRound(_ method: [String]) throws {
        try story.run(story.tuning(into: "whole", method + ["--quiet"]))
        let stopped = try stop(story.tuning(into: "run", method + ["--quiet"]), run: "run", by: SIGINT)
        #expect(stopped.status == 130)
        #expect(stopped.output.isEmpty)
        #expect(stopped.errors.hasPrefix("error: Stopped in round "), "\(stopped.errors)")
        #expect(stopped.errors.contains("--resume (run)") && stopped.errors.split(separator: "\n").count == 1)
        #expect(try !scratch.content("run").contains("adapter"))
        #expect(story.partials.isEmpty)
        let again = try Transcript.run(story.tuning(into: "run", method), in: scratch)
        #expect(again.status == 1 && again.errors.contains("run already exists"))
        try story.run(story.tuning(into: "run", method + ["--resume"]))
        #expect(try story.adapter("run") == story.adapter("whole"))
        #expect(try scratch.lines("run/metrics.jsonl").compactMap { $0["round"] as? Int } == [1, 2, 3, 4])
        let unfinished = try Transcript.run(["audit", "run", "run", "-o", "report"], in: scratch)
        #expect(unfinished.status == 1 && unfinished.errors.contains("not tuned under a plan"))
    }

    /// With the owner judging: a tight margin rejects aggregates after the resumption as it did before.
    @Test func killedWithoutWarning() throws {
        let judged = ["--model", "model", "--probe", "lake.jsonl", "--margin", "0", "--lr", "0.05", "--quiet"]
        func settings(_ output: String) -> [String] {
            story.tuning(into: output).filter { $0 != "1e-3" && $0 != "--lr" } + judged
        }
        try story.run(settings("whole"))
        let stopped = try stop(settings("run"), run: "run", by: SIGKILL)
        #expect(stopped.status == SIGKILL)
        try story.run(settings("run") + ["--resume"])
        #expect(try story.adapter("run") == story.adapter("whole"))
        func verdicts(_ run: String) throws -> [Bool?] {
            try scratch.lines("\(run)/metrics.jsonl").map { $0["isAccepted"] as? Bool }
        }
        #expect(try verdicts("run") == verdicts("whole"))
        #expect(try verdicts("run").count == 4)
        // A finished run may be resumed: there is nothing left to do, and the adapter stays what it is.
        try story.run(settings("run") + ["--resume"])
        #expect(try story.adapter("run") == story.adapter("whole"))
        let other = try Transcript.run(settings("run").map { $0 == "0.05" ? "0.04" : $0 } + ["--resume"], in: scratch)
        #expect(other.status == 1 && other.errors.contains("was started with other settings"))
    }

    /// The emulator is distilled again after rounds 1 to 3; each time it is one more release, also after a resumption.
    @Test func killedWhileTheEmulatorIsReAligned() throws {
        let realigned = [
            "--model", "model", "--probe", "lake.jsonl", "--realign-every", "1", "--realign-data", "hill.jsonl",
            "--realign-tokens", "600", "--quiet",
        ]
        try story.run(story.tuning(into: "plain", ["--model", "model", "--probe", "lake.jsonl", "--quiet"]))
        try story.run(story.tuning(into: "whole", realigned))
        #expect(try story.adapter("plain") != story.adapter("whole"))
        #expect(try story.run(["ledger", "verify"]).status == 0)
        let releases = try story.run(["ledger", "list", "--json"]).jsonArray()
        #expect(releases.count == 4)
        let rounds = releases.compactMap { ($0["recipe"] as? [String: Any])?["realigned_after_round"] as? Int }
        #expect(rounds == [1, 2, 3])
        #expect(Set(releases.compactMap { $0["release_id"] as? String }).count == 4)
        let stopped = try stop(story.tuning(into: "run", realigned), run: "run", by: SIGKILL)
        #expect(stopped.status == SIGKILL)
        try story.run(story.tuning(into: "run", realigned + ["--resume"]))
        #expect(try story.adapter("run") == story.adapter("whole"))
        // What nobody recorded is not shipped.
        let unknown = try Transcript.run(
            story.tuning(into: "unrecorded", realigned + ["--ledger", "other.jsonl"]),
            in: scratch
        )
        #expect(unknown.status == 1 && unknown.errors.contains("other.jsonl does not know emulator"))
    }

    @Test func nothingToResume() throws {
        let run = try Transcript.run(story.tuning(into: "none", ["--resume", "-q"]), in: scratch)
        #expect(run.status == 1 && run.errors.contains("none cannot be used: it holds no run.json"))
        #expect(try !scratch.files.contains("none"))
    }

    @Test func damagedCheckpointIsNamed() throws {
        let stopped = try stop(story.tuning(into: "run", ["-q"]), run: "run", by: SIGINT)
        #expect(stopped.status == 130)
        try scratch.write("{", "run/checkpoint/progress.json")
        let run = try Transcript.run(story.tuning(into: "run", ["--resume", "-q"]), in: scratch)
        #expect(run.status == 1 && run.errors.contains("run/checkpoint/progress.json"))
    }
}
