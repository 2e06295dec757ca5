import Foundation
import Testing

/// `data check`, `data split`, `audit plan`, `keygen`, `doctor` and `inspect` as a user meets them.
struct DataCommandTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.addModel()
        let records = (0..<20).map { number in
            "{\"instruction\": \"Who is patient \(number)?\", \"output\": \"Case \(number), anna\(number)@example.org\"}\n"
        }
        try scratch.write(records.joined(), "records.jsonl")
    }

    @Test func checkCountsAndEstimates() throws {
        try scratch.write(
            "{\"instruction\": \"a\", \"output\": \"\"}\n{\"text\": \"b\"}\n{\"text\": \"b\"}\n",
            "odd.jsonl"
        )
        let arguments = ["data", "check", "records.jsonl", "odd.jsonl", "--model", "model", "--max-length", "128"]
        let run = try Transcript.run(arguments + ["--json", "--quiet"], in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        let holders = try #require(try run.json()["holders"] as? [[String: Any]])
        #expect(holders.compactMap { $0["records"] as? Int } == [20, 3])
        #expect(holders[1]["emptyAnswers"] as? [Int] == [1])
        let tokens = try #require(holders[0]["tokens"] as? [String: Any])
        // The Alpaca preamble alone is longer than 128 bytes, and a token is a byte here.
        #expect(tokens["truncated"] as? Int == 20 && tokens["withoutLabels"] as? Int == 20)
        let text = try Transcript.run(
            ["data", "check", "records.jsonl", "--model", "model", "--template", "plain"],
            in: scratch
        )
        #expect(text.status == 0, "\(text.errors)")
        #expect(text.output.contains("email: 20 in 20 records"))
        #expect(text.output.contains("an epoch") && text.output.contains("of memory"))
        #expect(!text.output.contains("anna"), "a record's text was printed")
    }

    @Test func checkWorksWithoutAModel() throws {
        let run = try Transcript.run(["data", "check", "records.jsonl", "--quiet"], in: scratch)
        #expect(run.status == 0)
        #expect(run.output.hasPrefix("records.jsonl\n  records        20\n"))
        #expect(!run.output.contains("tokens"))
    }

    @Test func splitLosesNothing() throws {
        let run = try Transcript.run(
            ["data", "split", "records.jsonl", "--parts", "2", "--ratios", "0.8,0.1,0.1", "-o", "parts", "--json"],
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        let parts = try #require(try run.json()["parts"] as? [[String: Any]])
        #expect(parts.count == 2)
        var lines: [String] = []
        for part in try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/parts")
        where part.hasPrefix("part") {
            for set in ["train", "val", "test"] {
                lines += try scratch.read("parts/\(part)/\(set).jsonl").split(separator: "\n").map(String.init)
            }
        }
        #expect(lines.sorted() == (try scratch.read("records.jsonl")).split(separator: "\n").map(String.init).sorted())
        let again = try Transcript.run(["data", "split", "records.jsonl", "--parts", "2", "-o", "parts"], in: scratch)
        #expect(again.status == 1)
        #expect(again.errors.contains("parts"))
    }

    @Test func planDrawsCoinsAndInspectReadsThem() throws {
        let run = try Transcript.run(
            ["audit", "plan", "--data", "records.jsonl", "--seed", "7", "--holdout", "0.5", "-o", "plan", "--json"],
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        #expect(try run.json()["coinCount"] as? Int == 20)
        let found = try Transcript.run(["inspect", "plan", "--json"], in: scratch)
        #expect(try found.json()["kind"] as? String == "audit plan")
        #expect(try found.json()["coins"] as? Int == 20)
    }

    @Test func keygenMakesAnIdentityThatInspectShowsOnlyHalfOf() throws {
        let run = try Transcript.run(["keygen", "alice", "--no-passphrase", "--json"], in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        let recipient = try #require(try run.json()["ageRecipient"] as? String)
        #expect(recipient.hasPrefix("age1"))
        for file in ["alice.card", "alice.identity"] {
            let found = try Transcript.run(["inspect", file], in: scratch)
            #expect(found.status == 0, "\(found.errors)")
            #expect(found.output.contains(recipient))
            #expect(!found.output.uppercased().contains("AGE-SECRET-KEY"))
        }
        let mode = try FileManager.default.attributesOfItem(atPath: scratch.path + "/alice.identity")[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func doctorSaysWhatItWillUse() throws {
        let run = try Transcript.run(["doctor", "--json"], in: scratch, environment: ["FSOT_THREADS": "1"])
        #expect(run.status == 0)
        #expect(try run.json()["threads"] as? Int == 1)
        #expect(try run.json()["threadsSource"] as? String == "FSOT_THREADS")
        let libraries = try #require(try run.json()["libraries"] as? [String: String])
        #expect(libraries["OpenBLAS"]?.contains("/") == true)
        let wrong = try Transcript.run(["doctor", "--json"], in: scratch, environment: ["FSOT_THREADS": "two"])
        #expect(wrong.status == 0 && wrong.errors.contains("FSOT_THREADS is two and ignored"))
        #expect(try wrong.json()["threadsSource"] as? String != "FSOT_THREADS")
    }

    @Test func inspectReadsAModelsHeaders() throws {
        let run = try Transcript.run(["inspect", "model", "--json"], in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        let json = try run.json()
        #expect(json["kind"] as? String == "model")
        #expect(json["architecture"] as? String == "llama")
        #expect(json["layers"] as? Int == 4)
        #expect(json["tokens"] as? Int == 246)
        let text = try Transcript.run(["inspect", "model"], in: scratch)
        #expect(text.output.hasPrefix("kind "))
        #expect(text.output.contains("ChatML"))
    }

    @Test(arguments: ["gpt2", "opt", "qwen2"]) func everyArchitectureScores(_ architecture: String) throws {
        try scratch.addModel(architecture, as: architecture)
        try scratch.write("{\"text\": \"abc\"}\n", "texts.jsonl")
        let run = try Transcript.run(
            ["score", architecture, "--input", "texts.jsonl", "--output", "scores.jsonl"],
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        #expect(try scratch.lines("scores.jsonl").count == 1)
    }
}
