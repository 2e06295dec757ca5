import Foundation
import Testing

/// Canary clients from tune to the report, by the built binary on a tiny model.
struct CanaryClientCommandTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story(records: 24)
        scratch = story.scratch
        try story.compress()
    }

    private func tune(_ more: [String], into output: String) -> [String] {
        [
            "tune", "emulator", "--template", "plain", "--rounds", "2", "--local-steps", "2", "--batch", "4", "--lr",
            "1e-3",
            "--max-length", "64", "--seed", "5", "--quiet", "-o", output,
        ] + more
    }

    @Test func theyReachTheReport() throws {
        try story.run(["audit", "plan", "--data"] + story.files + ["--seed", "1", "--holdout", "0.5", "-o", "plan"])
        let flags = [
            "--plan", "plan", "--one-shot-canaries", "40", "--one-shot-presence", "always", "--client-dp-noise", "0.05",
            "--client-dp-clip", "0.5", "--client-dp-delta", "1e-2", "--no-masking",
        ]
        let tuned = try story.run(tune(flags, into: "run"))
        #expect(tuned.output.contains("FINAL-COSINE") && tuned.output.contains("ROUND-COSINE"), "\(tuned.output)")
        #expect(tuned.output.contains("the estimate is no bound"))
        #expect(try scratch.content("run/canaries") == ["0001.json", "0002.json"])
        let inspected = try story.run(["inspect", "run"])
        #expect(inspected.output.contains("canary clients") && inspected.output.contains("of 40 by fair coins"))
        // The same numbers after a stop: a finished run that is gone on with keeps them to the byte.
        let scores = try scratch.read("run/canary-clients.json")
        try story.run(tune(flags + ["--resume"], into: "run"))
        #expect(try scratch.read("run/canary-clients.json") == scores)

        try scratch.write(
            "name: s\nattacks: [LOSS, RATIO]\npermutations: 200\nbootstrap_replicates: 100\nblind: {buckets: 64}\n",
            "suite.yaml"
        )
        let audited = try story.run(
            ["audit", "run", "run", "--suite", "suite.yaml", "-o", "report"],
            expecting: [2, 4]
        )
        #expect(audited.output.contains("canary clients of run") && audited.output.contains("FINAL-COSINE"))
        try story.run(["audit", "render", "report", "--check"])
        for command in [["audit", "shadows", "run", "-o", "s"], ["audit", "control", "run", "-o", "c"]] {
            let refused = try Transcript.run(command, in: scratch)
            #expect(refused.status == 1 && refused.errors.contains("canary clients"), "\(refused.errors)")
        }
        let plugged = try story.run(["plug", "model", "run", "-o", "plugged"])
        #expect(plugged.errors.contains("not an adapter to hand out"), "\(plugged.errors)")
        let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/report/report.json"))
        let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let run = try #require((report["runs"] as? [[String: Any]])?.first)
        let canaries = try #require(run["clientCanaries"] as? [String: Any])
        #expect(canaries["delta"] as? Double == 1e-2 && canaries["norm"] as? Double == 0.5)
        let altered = scores.replacingOccurrences(of: "true", with: "false")
        try scratch.write(altered, "run/canary-clients.json")
        let audit = ["audit", "run", "run", "--suite", "suite.yaml", "-o"]
        let damaged = try Transcript.run(audit + ["damaged"], in: scratch)
        #expect(damaged.status == 1 && damaged.errors.contains("of another run"), "\(damaged.errors)")
        try FileManager.default.removeItem(atPath: scratch.path + "/run/canary-clients.json")
        let missing = try Transcript.run(audit + ["missing"], in: scratch)
        #expect(missing.status == 1 && missing.errors.contains("this file is missing"), "\(missing.errors)")
        let statistics = try #require(canaries["statistics"] as? [[String: Any]])
        #expect(statistics.allSatisfy { ($0["auc"] as? Double ?? 0) > 0.95 }, "hardly any noise: \(statistics)")
    }

    @Test func offUnlessAskedAndRefusedWhereItMeansNothing() throws {
        let data = ["--data"] + story.files
        try story.run(tune(data, into: "plain"))
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/plain/canary-clients.json"))
        #expect(!(try scratch.read("plain/run.json")).contains("canary"))
        for (flags, reason) in [
            (["--one-shot-canaries", "40"], "--one-shot-norm"), (["--one-shot-norm", "1"], "need --one-shot-canaries"),
            (["--one-shot-canaries", "2", "--one-shot-norm", "1"], "not between 4 and 10000"),
            (["--one-shot-canaries", "40", "--one-shot-norm", "500"], "above the clip"),
            (["--one-shot-canaries", "40", "--one-shot-norm", "1", "--weights", "records"], "--weights uniform"),
        ] {
            let run = try Transcript.run(tune(data + flags, into: "refused"), in: scratch)
            #expect(run.status == 64 && run.errors.contains(reason), "\(flags): \(run.errors)")
        }
    }
}
