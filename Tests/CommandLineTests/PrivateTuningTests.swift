import Foundation
import Testing

/// Tuning under differential privacy, as a user meets it.
struct PrivateTuningTests {
    private let story: Story
    private let scratch: Scratch
    private static let records = ["--dp-noise", "1.5", "--dp-clip", "0.5", "--dp-delta", "1e-3"]
    private static let holders = ["--client-dp-noise", "2", "--client-dp-clip", "0.3", "--client-dp-delta", "1e-2"]

    init() throws {
        story = try Story()
        scratch = story.scratch
        try story.compress()
    }

    /// Two rounds of three steps; a simulation when a seed is given.
    private func tuning(_ output: String, _ more: [String], seed: String? = "5", rounds: Int = 2) -> [String] {
        ["tune", "emulator", "--data"] + story.files
            + [
                "--template", "plain", "--rounds", "\(rounds)", "--local-steps", "3", "--batch", "4", "--lr", "1e-3",
                "--max-length", "64", "-o", output,
            ] + (seed.map { ["--seed", $0] } ?? []) + more
    }

    private func epsilon(_ flags: String) throws -> Double {
        let arguments = ["dp"] + flags.split(separator: " ").map(String.init) + ["--json", "--quiet"]
        return try #require(try story.run(arguments).json()["epsilon"] as? Double)
    }

    private func description() throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/run/run.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test func epsilonIsThatOfTheAccountant() throws {
        let result = try story.run(tuning("run", Self.records + Self.holders + ["--json", "--quiet"])).json()
        let record = try epsilon("--rate 0.1 --noise 1.5 --rounds 6 --delta 1e-3")
        let holder = try epsilon("--sampler full --noise 2 --rounds 2 --delta 1e-2")
        let byHolder = try #require(result["recordPrivacy"] as? [String: [String: Any]])
        #expect(byHolder.keys.sorted() == Story.holders.sorted())
        for guarantee in byHolder.values {
            #expect(guarantee["epsilon"] as? Double == record)
            #expect(guarantee["sampler"] as? String == "poisson" && guarantee["accountant"] as? String == "pld")
        }
        #expect((result["clientPrivacy"] as? [String: Any])?["epsilon"] as? Double == holder)
        let saved = try description()
        #expect((saved["clientPrivacy"] as? [String: Any])?["epsilon"] as? Double == holder)
        let first = try #require((saved["holders"] as? [[String: Any]])?.first)
        #expect((first["privacy"] as? [String: Any])?["epsilon"] as? Double == record)
        let inspected = try story.run(["inspect", "run", "--json", "--quiet"]).json()
        #expect(inspected["epsilon a record of north"] as? Double == record)
        #expect(inspected["epsilon a data holder"] as? Double == holder)
        let text = try story.run(["inspect", "run"]).output
        #expect(text.contains("a record of lake") && text.contains("all 2 rounds (poisson, pld, add-or-remove-one)"))
        #expect(text.contains("a simulation, and no ε against those who know the seed"))
    }

    @Test func aDrawnCohortIsAccountedAsOfFixedSize() throws {
        let run = try story.run(tuning("run", Self.holders + ["--sample", "2"]))
        #expect(run.output.contains("fixed") && run.output.contains("replace-one"))
        let holder = try epsilon("--sampler fixed --population 3 --cohort 2 --noise 2 --rounds 2 --delta 1e-2")
        let saved = try description()
        #expect((saved["clientPrivacy"] as? [String: Any])?["epsilon"] as? Double == holder)
    }

    @Test func theBitsDoNotDependOnTheThreads() throws {
        for (output, threads) in [("one", "1"), ("three", "3")] {
            let run = try Transcript.run(
                tuning(output, Self.records + Self.holders + ["--quiet"]),
                in: scratch,
                environment: ["FSOT_THREADS": threads]
            )
            #expect(run.status == 0, "\(run.errors)")
        }
        #expect(try story.adapter("one") == story.adapter("three"))
    }

    @Test(arguments: [["--method", "blocks"], ["--method", "lora", "--rank", "2", "--no-masking"]])
    func aStoppedSimulationGoesOnToTheSameBits(_ method: [String]) throws {
        let flags = method + Self.records + Self.holders + ["--quiet"]
        try story.run(tuning("whole", flags, rounds: 12))
        try stop(tuning("run", flags, rounds: 12))
        try story.run(tuning("run", flags + ["--resume"], rounds: 12))
        #expect(try story.adapter("run") == story.adapter("whole"))
        let epsilons = try ["run", "whole"].map { path in
            try story.run(["inspect", path, "--json", "--quiet"]).json()["epsilon a record of hill"] as? Double
        }
        #expect(epsilons[0] == epsilons[1])
        let record = try epsilon("--rate 0.1 --noise 1.5 --rounds 36 --delta 1e-3")
        #expect(epsilons[0] == record)
    }

    @Test func secretNoiseDiffersAndItsKeyLeavesWithTheRun() throws {
        for output in ["one", "two"] {
            try story.run(tuning(output, Self.records + ["--quiet"], seed: nil))
            #expect(try !scratch.content("\(output)/checkpoint").contains("noise.key"))
        }
        #expect(try story.adapter("one") != story.adapter("two"))
        #expect(try !story.run(["inspect", "one"]).output.contains("simulation"))
        let before = try story.adapter("one")
        try story.run(tuning("one", Self.records + ["--quiet", "--resume"], seed: nil))
        #expect(try story.adapter("one") == before)

        try stop(tuning("run", Self.records + ["--quiet"], seed: nil, rounds: 12))
        let key = scratch.path + "/run/checkpoint/noise.key"
        let attributes = try FileManager.default.attributesOfItem(atPath: key)
        #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o077 } == 0)
        let secret = try Data(contentsOf: URL(fileURLWithPath: key))
        #expect(secret.count == 32)
        let resumption = tuning("run", Self.records + ["--quiet", "--resume"], seed: nil, rounds: 12)
        let seeded = tuning("run", Self.records + ["--quiet", "--resume"], seed: "0", rounds: 12)
        #expect(try Transcript.run(seeded, in: scratch).errors.contains("other settings"))
        for damage in [Data(), secret.dropLast()] {
            try damage.write(to: URL(fileURLWithPath: key))
            let refused = try Transcript.run(resumption, in: scratch)
            #expect(refused.status == 1 && refused.errors.contains("noise.key cannot be used: it is damaged"))
        }
        try FileManager.default.removeItem(atPath: key)
        let refused = try Transcript.run(resumption, in: scratch)
        #expect(refused.status == 1 && refused.errors.contains("noise.key cannot be used: it is missing"))
        try secret.write(to: URL(fileURLWithPath: key))
        try story.run(resumption)
        #expect(!FileManager.default.fileExists(atPath: key))
    }

    /// Stops a run with Ctrl-C once its first round is saved.
    private func stop(_ arguments: [String]) throws {
        let stopped = try Transcript.run(arguments, in: scratch) { process, _ in
            let metrics = scratch.path + "/run/metrics.jsonl"
            while process.isRunning, (FileManager.default.contents(atPath: metrics) ?? Data()).isEmpty { usleep(2_000) }
            kill(process.processIdentifier, SIGINT)
        }
        #expect(stopped.status == 130, "\(stopped.errors)")
    }

    @Test(arguments: [
        (["--dp-clip", "1"], "need --dp-noise"),
        (["--dp-noise", "1"], "needs --dp-clip and --dp-delta"),
        (records + ["--sample", "2"], "--dp-noise does not go with --sample"),
        (records + ["--dp-rate", "2"], "sampling rate"),
        (["--dp-noise", "0", "--dp-clip", "1", "--dp-delta", "1e-3"], "noise multiplier"),
        (["--dp-noise", "1", "--dp-clip", "0", "--dp-delta", "1e-3"], "--dp-clip"),
        (["--dp-noise", "1", "--dp-clip", "1", "--dp-delta", "1"], "δ"),
        (["--client-dp-delta", "0.1"], "need --client-dp-noise"),
        (["--client-dp-noise", "1", "--client-dp-clip", "1"], "needs --client-dp-clip and --client-dp-delta"),
        (holders + ["--weights", "records"], "--weights uniform"),
        (holders + ["--clip", "9"], "leave out --clip"),
    ]) func contradictionsAreRefused(flags: [String], reason: String) throws {
        let run = try Transcript.run(tuning("run", flags), in: scratch)
        #expect(run.status == 64)
        #expect(run.errors.contains(reason), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/run"))
    }

    @Test func aLargeDeltaIsNamed() throws {
        let records = ["--dp-noise", "1", "--dp-clip", "1", "--dp-delta", "0.03"]
        let run = try story.run(tuning("run", records, rounds: 1))
        #expect(run.errors.contains("--dp-delta 0.03 is not below one over the 40 records of north"))
    }
}
