import Foundation
import Testing

/// Canaries from the plan to the report, by the built binary on a tiny model: by one party, and by parties who share only files.
struct CanaryCommandTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story(records: 30)
        scratch = story.scratch
        try story.compress()
        try scratch.write(
            "name: s\nattacks: [LOSS, RATIO, DLOSS]\nobserved_rounds: 2\npermutations: 200\nbootstrap_replicates: 100\nblind: {buckets: 64}\n",
            "suite.yaml"
        )
    }

    private func plan(_ more: [String]) -> [String] {
        ["audit", "plan", "--data"] + story.files + ["--seed", "2", "--holdout", "0.3"] + more
    }

    private func tune(_ plans: [String], into output: String) throws {
        try story.run(
            ["tune", "emulator", "--plan"] + plans
                + [
                    "--template", "plain", "--rounds", "2", "--local-steps", "30", "--batch", "4", "--lr", "5e-3",
                    "--max-length", "64", "--seed", "5", "--keep-rounds", "--quiet", "-o", output,
                ]
        )
    }

    private func runs(_ report: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/\(report)/report.json"))
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(json["runs"] as? [[String: Any]])
    }

    @Test func onePartyHoldsEverything() throws {
        let kinds = ["--canary-kinds", "random,high-temperature", "--canary-repetitions", "1,8", "--model", "model"]
        let drawn = try story.run(plan(["--canaries", "80"] + kinds + ["-o", "plan"]))
        #expect(drawn.output.contains("of 80 included by fair coins: random × 1"), "\(drawn.output)")
        #expect(drawn.output.contains("high-temperature × 8"))
        let forgotten = try Transcript.run(plan(["--canary-repetitions", "1,8", "-o", "none"]), in: scratch)
        #expect(forgotten.status == 1 && forgotten.errors.contains("--canary-repetitions is for canaries"))
        let inspected = try story.run(["inspect", "plan"])
        #expect(inspected.output.contains("canaries") && inspected.output.contains("80"))
        let commitment = try story.run(["inspect", "plan/commitment.json"])
        #expect(commitment.output.contains("commitment of an audit plan") && commitment.output.contains("record-level"))
        try tune(["plan"], into: "run")
        let audit = try story.run(
            ["audit", "run", "run", "--model", "model", "--suite", "suite.yaml", "-o", "report"],
            expecting: [0, 2, 3, 4]
        )
        #expect(audit.output.contains("canaries of run") && audit.output.contains("ε ≥"))
        #expect(audit.output.contains("for 8 records that change together at δ"))
        try story.run(["audit", "render", "report", "--check"])
        let run = try #require(try runs("report").first)
        let counts = try #require(run["counts"] as? [String: Any])
        #expect((counts["members"] as? Int ?? 0) + (counts["heldOut"] as? Int ?? 0) == 90)
        let canaries = try #require(run["canaries"] as? [String: Any])
        #expect(canaries["scored"] as? Int == 80 && (canaries["tiers"] as? [Any])?.count == 4)
        #expect(try !scratch.read("report/scores.csv").contains(":95,"), "canaries have no line among the records")
        // The same records under other coins, drawn after the training.
        try FileManager.default.removeItem(atPath: scratch.path + "/plan")
        try story.run(plan(["--seed", "3", "-o", "plan"]))
        let redrawn = try Transcript.run(
            ["audit", "run", "run", "--suite", "suite.yaml", "-o", "redrawn"],
            in: scratch
        )
        #expect(redrawn.status == 1 && redrawn.errors.contains("did not record the root of plan"), "\(redrawn.errors)")
        let failing = try Transcript.run(
            ["audit", "merge", "report/report.json", "--fail-if", "auc>0", "-o", "failing"],
            in: scratch
        )
        #expect(failing.status == 2 && failing.errors.contains("auc>0"), "\(failing.errors)")
        try story.run(["audit", "merge", "report/report.json", "--fail-if", "auc>1", "-o", "passing"])
        #expect(try scratch.read("passing/report.html").contains("<h3>Canaries</h3>"))
        let unknown = try Transcript.run(
            ["audit", "merge", "report/report.json", "--fail-if", "tpr@7%>1", "-o", "other"],
            in: scratch
        )
        #expect(unknown.status == 1 && unknown.errors.contains("does not measure"), "\(unknown.errors)")
    }

    @Test func partiesShareOnlyFiles() throws {
        for (index, file) in story.files.enumerated() {
            let name = Story.holders[index]
            let planting = index == 1 ? [] : ["--canaries", "48", "--canary-repetitions", "1,6"]
            try story.run(
                ["audit", "plan", "--data", file, "--seed", "\(index)", "--holdout", "0.3", "-o", "\(name).plan"]
                    + planting
            )
            try story.run(["keygen", name, "--no-passphrase", "-q"])
        }
        try story.run(["keygen", "owner", "--no-passphrase", "-q"])
        try tune(Story.holders.map { "\($0).plan" }, into: "run")
        for name in Story.holders {
            let common = ["--plan", "\(name).plan", "--suite", "suite.yaml"]
            var scoring = ["audit", "score", "run"] + common + ["-q", "--sign", "\(name).identity"]
            if name == "north" {
                try story.run(["audit", "query", "run"] + common + ["--to", "owner.card", "-q", "-o", "q.age"])
                try story.run([
                    "audit", "answer", "q.age", "--identity", "owner.identity", "--model", "model", "--adapter", "run",
                    "--to", "north.card", "--log", "log.jsonl", "-q", "-o", "a.age",
                ])
                scoring += ["--answer", "a.age", "--identity", "north.identity"]
            }
            try story.run(scoring + ["-o", "\(name).scores.json"])
        }
        try inspections()
        let exports = Story.holders.map { "\($0).scores.json" }
        let merging = ["audit", "merge"] + exports + ["--run-commitments", "run/run.json"]
        let merged = try story.run(merging + ["-o", "report"], expecting: [0, 2, 3, 4])
        #expect(merged.output.contains("canaries of run") && merged.output.contains("random"))
        let run = try #require(try runs("report").first)
        let canaries = try #require(run["canaries"] as? [String: Any])
        #expect(canaries["scored"] as? Int == 96)
        let counts = try #require(run["counts"] as? [String: Any])
        #expect((counts["members"] as? Int ?? 0) + (counts["heldOut"] as? Int ?? 0) == 90)
        let vantages = try #require(run["vantages"] as? [[String: Any]])
        #expect((vantages.first { $0["vantage"] as? String == "aggregate" }?["rounds"] as? [Any])?.count == 2)
        // Two plans of 24 that are planted once: one run with 48 fair coins.
        let bounds = try #require(canaries["bounds"] as? [[String: Any]])
        #expect((bounds.first?["measurement"] as? [String: Any])?["canaries"] as? Int == 48)

        let text = try scratch.read("hill.scores.json")
        try FileManager.default.removeItem(atPath: scratch.path + "/hill.scores.json.p7s")
        try scratch.write(
            text.replacingOccurrences(of: "\"repetitions\" : 6", with: "\"repetitions\" : 1"),
            "hill.scores.json"
        )
        let altered = try Transcript.run(merging + ["-o", "x"], in: scratch)
        #expect(altered.status == 1 && altered.errors.contains("a record or a coin was altered"), "\(altered.errors)")
    }

    private func inspections() throws {
        let scores = try story.run(["inspect", "north.scores.json", "--json"]).json()
        #expect(scores["canaries"] as? Int == 48 && scores["records"] as? Int == 30)
        #expect(scores["signature"] as? String == "north" && scores["attacks owner"] as? [String] == ["LOSS", "RATIO"])
        let query = try story.run(["inspect", "q.age", "--identity", "owner.identity"]).output
        #expect(query.contains("query to the model's owner") && query.contains("78, as text"))
        #expect(!query.contains("Case") && !query.contains("Who is"))
        let answer = try story.run(["inspect", "a.age", "--identity", "north.identity"]).output
        #expect(answer.contains("answer of the model's owner") && answer.contains("valid, by owner"))
        let closed = try story.run(["inspect", "q.age"]).output
        #expect(closed.contains("file sealed with age") && closed.contains("recipients  1"))
        let other = try Transcript.run(["inspect", "q.age", "--identity", "north.identity"], in: scratch)
        #expect(other.status == 1 && other.errors.contains("not a recipient"), "\(other.errors)")
    }

    @Test func whatCannotBePlantedIsSaid() throws {
        let cases: [([String], String)] = [
            (["--canaries", "40", "--canary-kinds", "rare"], "--canary-kinds has rare"),
            (["--canaries", "40", "--canary-kinds", "new-token"], "give --model"),
            (["--canaries", "40", "--canary-repetitions", "1,x"], "--canary-repetitions has x"),
            (["--canaries", "5"], "number of canaries is 5"), (["--model", "model"], "give --canaries"),
            (
                ["--canaries", "4000", "--canary-kinds", "new-token", "--model", "model"],
                "words that no record uses for"
            ),
        ]
        for (flags, text) in cases {
            let run = try Transcript.run(plan(flags + ["-o", "plan"]), in: scratch)
            #expect(run.status == 1 && run.errors.contains(text), "\(run.errors)")
            #expect(try !scratch.files.contains("plan"))
        }
    }
}
