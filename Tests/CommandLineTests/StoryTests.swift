import Foundation
import Testing

/// The one story, from keys to report, by the built binary on a tiny model.
struct StoryTests {
    @Test func theWholeStory() throws {
        let story = try Story()
        let scratch = story.scratch
        for name in ["owner"] + Story.holders { try story.run(["keygen", name, "--no-passphrase", "--quiet"]) }
        try story.run(["audit", "plan", "--data"] + story.files + ["--seed", "1", "--holdout", "0.5", "-o", "plan"])
        let compressed = try story.run(
            ["compress", "model", "--bottom", "1", "--top", "1", "--keep", "0.5", "--public-data", "generated"]
                + ["--distill-tokens", "1000", "--to"] + Story.holders.map { "\($0).card" }
                + ["--sign", "owner.identity", "-o", "emulator.fsot", "--json", "--quiet"]
        )
        #expect(compressed.errors.isEmpty)
        #expect(try compressed.json()["sourceLayers"] as? [Int] != nil)
        #expect(
            try scratch.content("emulator.fsot.owner") == [
                "commitment.key", "manifest.json", "release.json", "report.html", "report.json",
            ]
        )

        let tune = [
            "tune", "emulator.fsot", "--identity", "lake.identity", "--from", "owner.card", "--plan", "plan",
            "--template", "plain", "--rounds", "2", "--local-steps", "6", "--max-length", "96", "-o", "run",
        ]
        let tuned = try story.run(tune + ["--json"])
        let rounds = try #require(try tuned.json()["rounds"] as? [[String: Any]])
        #expect(rounds.count == 2)
        #expect(rounds.allSatisfy { $0["isMasked"] as? Bool == true && ($0["included"] as? [String])?.count == 3 })
        #expect(try !scratch.files.contains { $0.hasPrefix("run.") }, "the plaintext stays in memory")
        let key = ["--identity", "lake.identity", "--from", "owner.card"]
        try story.run(["open", "emulator.fsot"] + key + ["-o", "opened"])
        #expect(try scratch.content("opened").contains("tokenizer_config.json"))
        let description = try scratch.read("opened/emulator.json")
        #expect(!description.contains("source") && !description.contains("selection"))

        try story.run(["plug", "model", "run", "-o", "plugged"])
        #expect(try scratch.content("plugged").contains("adapter-full"))
        try scratch.write("{\"text\": \"Who is lake-3?\"}\n", "texts.jsonl")
        func scores(_ arguments: [String]) throws -> [Double] {
            try story.run(["score"] + arguments + ["--input", "texts.jsonl", "--output", "scores.jsonl"])
            return try #require(try scratch.lines("scores.jsonl")[0]["logprobs"] as? [Double])
        }
        let plugged = try scores(["plugged"])
        for same in [["model", "--adapter", "run"], ["model", "--adapter", "plugged/adapter-full"]] {
            #expect(try scores(same) == plugged, "\(same)")
        }
        #expect(try scores(["model"]) != plugged)

        let audited = try story.run(
            ["audit", "run", "run", "--model", "model", "-o", "report"] + key,
            expecting: [0, 2, 3, 4]
        )
        #expect(audited.output.contains("peer") && audited.output.contains("owner"))
        #expect(audited.output.contains("report/report.html"))
        try story.run(["audit", "render", "report", "--check"])
        #expect(try !scratch.read("report/report.html").contains("http://"), "the report is one file")

        let kinds = [
            "model": "model", "opened": "emulator", "emulator.fsot": "sealed emulator", "plan": "audit plan",
            "run": "run", "run/adapter": "adapter", "plugged": "model", "plugged/adapter-full": "adapter",
            "report": "report", "owner.card": "card",
        ]
        for (path, kind) in kinds {
            #expect(try story.run(["inspect", path, "--json"]).json()["kind"] as? String == kind, "\(path)")
        }
        #expect(story.partials.isEmpty)
    }

    /// The chat template and the end token go where the model goes: what is tuned in ChatML is asked in ChatML.
    @Test func theTokenizersSettingsTravel() throws {
        let story = try Story()
        try story.compress()
        try story.run(story.tuning(into: "run", ["--rounds", "1", "--template", "chatml", "--method", "lora"]))
        try story.run(["plug", "model", "run", "-o", "plugged"])
        for path in ["emulator", "plugged"] {
            let found = try story.run(["inspect", path, "--json"]).json()
            #expect(found["chat_template"] as? String == "ChatML", "\(path)")
            let answer = ["generate", path, "--chat", "--prompt", "Hi", "--greedy", "--max-tokens", "2", "--json"]
            #expect(try story.run(answer).json()["promptTokens"] as? Int == 21)
        }
    }

    /// Names of one character, which Foundation cannot cut, and directories with a slash at the end.
    @Test func outputsMayHaveShortNames() throws {
        let story = try Story(records: 20)
        try story.run(["compress", "model", "--bottom", "1", "--top", "1", "-q", "-o", "e"])
        try story.run(story.tuning("e", into: "r", ["--rounds", "1", "--local-steps", "1"]))
        try story.run(["plug", "model", "r/", "-o", "p/"])
        try story.run(["audit", "plan", "--data"] + story.files + ["--holdout", "0.5", "-o", "a"])
        try story.run(["keygen", "k", "--no-passphrase"])
        try story.run(["data", "split", "lake.jsonl", "--parts", "2", "-o", "s"])
        try story.scratch.write("{\"text\": \"x\"}\n", "t")
        try story.run(["tokenize", "p", "--input", "t", "--output", "i"])
        #expect(try Set(story.scratch.files).isSuperset(of: ["e", "r", "p", "a", "k.card", "s", "i"]))
    }

    /// Texts longer than the model's positions are cut, not refused: the recipe's length is a limit.
    @Test func longPublicTextIsCutToTheModel() throws {
        let story = try Story()
        try story.scratch.write(String(repeating: "All work and no play. ", count: 60), "public.txt")
        try story.compress(["--public-data", "public.txt", "--distill-tokens", "1200", "--loss", "offsite-tuning"])
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(story.scratch.read("emulator.owner/release.json").utf8))
                as? [String: Any]
        )
        let distillation = try #require(report["distillation"] as? [String: Any])
        #expect(distillation["length"] as? Int == 128 && distillation["loss"] as? String == "offsite-tuning")
    }

    /// What the emulator's owner calls its model, and where it keeps it, stays with the owner.
    @Test func noPathOfTheOwnerTravels() throws {
        let story = try Story()
        for file in ["config.json", "tokenizer_config.json"] {
            let key = file == "config.json" ? "_name_or_path" : "name_or_path"
            let text = try story.scratch.read("model/" + file)
            let start = try #require(text.firstIndex(of: "{"))
            try story.scratch.write(
                "{\"\(key)\": \"/secret/place\"," + text[text.index(after: start)...],
                "model/" + file
            )
        }
        try story.compress()
        for name in try story.scratch.content("emulator") where !name.hasSuffix(".safetensors") {
            #expect(try !story.scratch.read("emulator/" + name).contains("secret"), "\(name)")
        }
    }

    /// Bars are for terminals: with tokens/s there, a line a phase in a log, nothing under --quiet.
    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"),
            "util-linux script makes the terminal"
        )
    )
    func barsAreDrawnOnATerminalOnly() throws {
        let story = try Story(records: 8)
        try story.compress()
        let short = ["--rounds", "1", "--local-steps", "4"]
        let terminal = try Transcript.onTerminal(story.tuning(into: "one", short), in: story.scratch, environment: [:])
        #expect(terminal.contains("█▏ 100 %") && terminal.contains(" tokens/s"))
        #expect(!terminal.contains(" 0.0 tokens/s"))
        // One bar for the whole run, and no line that a terminal of 80 columns would wrap.
        #expect(terminal.contains("tuning, round 1 of 1, north ▕"))
        let lines = terminal.split(whereSeparator: \.isNewline).filter { $0.contains("▕") }
        #expect(!lines.isEmpty && lines.allSatisfy { $0.count < 80 })
        let quiet = try Transcript.onTerminal(
            story.tuning(into: "two", short + ["-q"]),
            in: story.scratch,
            environment: [:]
        )
        #expect(!quiet.contains("▕") && quiet.contains("updates"))
        let log = try story.run(story.tuning(into: "three", short))
        #expect(!log.errors.contains("▕") && !log.errors.contains("\r"))
        #expect(log.errors.contains("tuning, round 1 of 1, north: ") && log.errors.contains(" tokens"))
        #expect(try story.run(story.tuning(into: "four", short + ["-q"])).errors.isEmpty)
    }

    /// What the rounds gave away is kept for the auditor alone, and only when asked.
    @Test func theAuditorSeesTheRounds() throws {
        let story = try Story()
        let scratch = story.scratch
        try story.run(["keygen", "auditor", "--no-passphrase", "-q"])
        try story.run(["keygen", "stranger", "--no-passphrase", "-q"])
        try story.compress()
        try story.run(["audit", "plan", "--data"] + story.files + ["--seed", "1", "--holdout", "0.5", "-o", "plan"])
        let tuning = [
            "tune", "emulator", "--plan", "plan", "--template", "plain", "--rounds", "2", "--local-steps", "2",
            "--batch",
            "2", "--max-length", "64", "--lr", "0.05", "--optimizer", "sgd", "--quiet",
        ]
        try story.run(tuning + ["-o", "silent"])
        #expect(try !scratch.content("silent").contains("observations"))
        try story.run(tuning + ["--observe", "auditor.card", "-o", "run"])
        #expect(
            try scratch.content("run/observations") == ["0001.safetensors.age", "0002.safetensors.age"]
        )
        let suite =
            "name: s\nattacks: [LOSS, DLOSS, SPAN, GRAD-COS, GRAD-NORM, GRAD-DIFF, FEDMIA-I, FEDMIA-II, LOSS-SERIES]\n"
        try scratch.write(suite + "permutations: 200\nbootstrap_replicates: 100\n", "suite.yaml")
        let audit = ["audit", "run", "run", "--suite", "suite.yaml"]
        let closed = try story.run(audit + ["-o", "closed"], expecting: [0, 2, 4])
        #expect(closed.errors.contains("give --identity to attack updates"))
        #expect(!closed.output.contains("individual"))
        let wrong = try Transcript.run(audit + ["--identity", "stranger.identity", "-o", "wrong"], in: scratch)
        #expect(wrong.status == 1 && wrong.errors.contains("stranger is not a recipient"))
        let opened = try story.run(
            audit + [
                "--identity", "auditor.identity", "--compute", "f32", "--sign", "auditor.identity", "--fail-if",
                "auc>0.5", "-o", "opened",
            ],
            expecting: [2]
        )
        #expect(opened.errors.contains("auc>0.5"))
        #expect(try scratch.content("opened") == ["report.html", "report.json", "report.json.p7s", "scores.csv"])
        #expect(try scratch.read("opened/scores.csv").hasPrefix("run,vantage,attack,record,member,score\n"))
        let verified = try story.run(["audit", "verify", "opened", "--from", "auditor.card"])
        #expect(verified.output.contains("signed by auditor") && verified.output.contains("that it was made from"))
        let scores = try scratch.read("opened/scores.csv")
        try scratch.write(scores.replacingOccurrences(of: ",1,", with: ",0,"), "opened/scores.csv")
        let rescored = try Transcript.run(["audit", "verify", "opened"], in: scratch)
        #expect(rescored.status == 1 && rescored.errors.contains("opened/scores.csv was changed"), "\(rescored.errors)")
        try scratch.write(scores, "opened/scores.csv")
        let unsigned = try Transcript.run(["audit", "verify", "run"], in: scratch)
        #expect(unsigned.status == 1 && unsigned.errors.contains("no run/report.json"), "\(unsigned.errors)")
        let other = try Transcript.run(["audit", "verify", "opened", "--from", "stranger.card"], in: scratch)
        #expect(other.status == 1 && other.errors.contains("was sealed by") || other.errors.contains("auditor"))
        let json = try scratch.read("opened/report.json")
        try scratch.write(json.replacingOccurrences(of: "\"auc\" : 0", with: "\"auc\" : 1"), "opened/report.json")
        let edited = try Transcript.run(["audit", "verify", "opened"], in: scratch)
        #expect(edited.status == 1 && edited.errors.contains("opened/report.json"))
        try scratch.write(json, "opened/report.json")
        #expect(opened.output.contains("individual (nobody)"), "the run was masked")
        for name in ["individual", "aggregate", "FEDMIA-II", "SPAN", "GRAD-DIFF"] {
            #expect(opened.output.contains(name))
        }
        try story.run(["audit", "render", "opened", "--check"])
        // A round's file of another round, or cut short.
        let file = scratch.path + "/run/observations/0001.safetensors.age"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        try bytes.dropLast(100).write(to: URL(fileURLWithPath: file))
        let cut = try Transcript.run(audit + ["--identity", "auditor.identity", "-o", "cut"], in: scratch)
        #expect(cut.status == 1 && cut.errors.contains("0001.safetensors.age"), "\(cut.errors)")
    }

}
