import Foundation
import Testing

/// Shadow models and the positive control of a run, by the built binary on a tiny model.
struct ShadowTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story(records: 24)
        scratch = story.scratch
        try story.compress()
        try story.planAndTune()
        let strangers = (0..<12).map { #"{"instruction":"Who is far-\#($0)?","output":"Case \#($0) of nowhere."}"# }
        try scratch.write(strangers.joined(separator: "\n") + "\n", "population.jsonl")
        try scratch.write(
            "name: s\nattacks: [LOSS, RATIO, LIRA, LIRA-OFFLINE, RMIA, RMIA-OFFLINE]\npermutations: 200\n"
                + "bootstrap_replicates: 100\nblind: {buckets: 64}\n",
            "suite.yaml"
        )
    }

    private func shadows(_ more: [String] = []) -> [String] {
        ["audit", "shadows", "run", "--count", "4", "--population", "population.jsonl", "-o", "shadows"] + more
    }

    private func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + path))
    }

    @Test func shadowsAndControlReachTheReport() throws {
        let trained = try story.run(shadows(["--json"]))
        let result = try trained.json()
        let cost = try #require(result["trainingOperations"] as? Double)
        let own = try #require(result["targetOperations"] as? Double)
        // Four trainings on halves of the plan, as the run was on a half.
        #expect(cost > 3 * own && cost < 5 * own, "\(cost) and \(own)")
        #expect(trained.errors.contains("4 shadows for about"))
        let files = try scratch.content("shadows/scores")
        #expect(files == ["0000.json", "0001.json", "0002.json", "0003.json"])
        #expect(try !scratch.read("shadows/scores/0000.json").contains("Who is"), "no text is kept")

        // Taken over, one by one, to the same bits.
        let last = try bytes("shadows/scores/0003.json")
        let refused = try Transcript.run(shadows(), in: scratch)
        #expect(refused.status == 1 && refused.errors.contains("already exists"))
        try FileManager.default.removeItem(atPath: scratch.path + "/shadows/scores/0003.json")
        let early = try Transcript.run(
            ["audit", "run", "run", "--suite", "suite.yaml", "--shadows", "shadows", "-o", "early"],
            in: scratch
        )
        #expect(early.status == 1 && early.errors.contains("1 of 4 are not trained yet"), "\(early.errors)")
        let other = try Transcript.run(shadows(["--resume", "--seed", "9"]), in: scratch)
        #expect(other.status == 1 && other.errors.contains("other settings"), "\(other.errors)")
        let resumed = try story.run(shadows(["--resume"]))
        #expect(resumed.errors.contains("1 are still to train"))
        #expect(try bytes("shadows/scores/0003.json") == last)

        try story.run(["audit", "control", "run", "--times", "8", "--quiet", "-o", "control"])
        let audit = [
            "audit", "run", "run", "--suite", "suite.yaml", "--shadows", "shadows", "--population", "population.jsonl",
            "--control", "control",
        ]
        var reports: [[String: Any]] = []
        for threads in ["1", "3"] {
            let run = try Transcript.run(
                audit + ["-o", "report\(threads)"],
                in: scratch,
                environment: ["FSOT_THREADS": threads]
            )
            #expect([0, 2, 4].contains(run.status), "\(run.errors)")
            #expect(run.output.contains("LIRA-OFFLINE") && run.output.contains("× the training"))
            try story.run(["audit", "render", "report\(threads)", "--check"])
            let json = try JSONSerialization.jsonObject(with: bytes("report\(threads)/report.json"))
            reports.append(try #require(json as? [String: Any]))
        }
        #expect(try bytes("report1/scores.csv") == bytes("report3/scores.csv"), "threads change no score")
        let run = try #require((reports[0]["runs"] as? [[String: Any]])?.first)
        let control = try #require(run["positiveControl"] as? [String: Any])
        let attacks = try #require(control["attacks"] as? [[String: Any]])
        #expect(attacks.compactMap { $0["attack"] as? String } == ["LOSS", "RATIO"])
        let strongest = attacks.compactMap { $0["auc"] as? Double }.max() ?? 0
        #expect(strongest > 0.8, "the control gives its members away: \(strongest)")
        let page = try scratch.read("report1/report.html")
        #expect(page.contains("Positive control") && page.contains("attacker’s work"))
        #expect(!page.contains("A positive control (a deliberately overfitted adapter)"))
    }

    /// The owner plugs the shadows into the full model, and so attacks with them too.
    @Test func pluggedShadowsGiveTheOwnerLiRA() throws {
        let trained = try story.run(shadows(["--model", "model", "--json"]))
        #expect((try trained.json()["pluggedScoringOperations"] as? Double ?? 0) > 0)
        #expect(trained.errors.contains("of it in the full model"), "\(trained.errors)")
        let audit = ["audit", "run", "run", "--suite", "suite.yaml", "--model", "model", "--shadows", "shadows"]
        let run = try story.run(audit + ["--population", "population.jsonl", "-o", "plugged"], expecting: [0, 2, 4])
        #expect(!run.errors.contains("at the owner's"), "\(run.errors)")
        #expect(try attacks(at: "owner", in: "plugged").suffix(4) == ["LIRA", "LIRA-OFFLINE", "RMIA", "RMIA-OFFLINE"])
        let scores = try scratch.read("plugged/scores.csv").split(separator: "\n").filter { $0.contains(",LIRA,") }
        #expect(Set(scores.filter { $0.contains(",owner,") }).count > 40 && scores.contains { $0.contains(",peer,") })

        let unplugged = try story.run(
            ["audit", "shadows", "run", "--count", "4", "--quiet", "-o", "without"]
        )
        #expect(!unplugged.output.contains("plugged in"))
        let none = try story.run(
            ["audit", "run", "run", "--suite", "suite.yaml", "--model", "model", "--shadows", "without", "-o", "none"],
            expecting: [0, 2, 4]
        )
        #expect(none.errors.contains("fsot audit shadows takes --model"), "\(none.errors)")
        #expect(try attacks(at: "owner", in: "none") == ["LOSS", "RATIO"])
    }

    private func attacks(at vantage: String, in report: String) throws -> [String] {
        let json = try JSONSerialization.jsonObject(with: bytes("\(report)/report.json")) as? [String: Any]
        let run = try #require((json?["runs"] as? [[String: Any]])?.first)
        let views = try #require(run["vantages"] as? [[String: Any]])
        let view = try #require(views.first { $0["vantage"] as? String == vantage })
        return try #require(view["attacks"] as? [[String: Any]]).compactMap { $0["attack"] as? String }
    }

    @Test func outsidersVariantsAndContinuationsReachTheReport() throws {
        let strangers = (0..<40).map { #"{"instruction":"Who is away-\#($0)?","output":"Case \#($0 * 31) of far."}"# }
        // One of them is a record of the plan and must not count.
        let known = try #require(try scratch.read("north.jsonl").split(separator: "\n").first)
        try scratch.write((strangers + [String(known)]).joined(separator: "\n") + "\n", "strangers.jsonl")
        try scratch.write(
            "name: d\nattacks: [LOSS, RATIO, QUANTILE, NEIGHBOUR, SAMIA]\npermutations: 200\nbootstrap_replicates: 100\n"
                + "blind: {buckets: 64}\nneighbour: {count: 3}\nsamia: {samples: 2, ngram: 1, zlib: true}\n",
            "drawing.yaml"
        )
        let audit = [
            "audit", "run", "run", "--suite", "drawing.yaml", "--model", "model", "--population", "strangers.jsonl",
        ]
        for threads in ["1", "3"] {
            let run = try Transcript.run(
                audit + ["-o", "drawn\(threads)"],
                in: scratch,
                environment: ["FSOT_THREADS": threads]
            )
            #expect([0, 2, 4].contains(run.status), "\(run.errors)")
            for name in ["QUANTILE", "NEIGHBOUR", "SAMIA"] { #expect(run.output.contains(name)) }
        }
        #expect(try bytes("drawn1/scores.csv") == bytes("drawn3/scores.csv"), "threads change no score")
        let scores = try scratch.read("drawn1/scores.csv")
        for view in [
            "peer,QUANTILE", "peer,NEIGHBOUR", "peer,SAMIA", "owner,QUANTILE", "owner,NEIGHBOUR", "owner,SAMIA",
        ] {
            #expect(scores.contains("run,\(view),"), "\(view)")
        }
        try scratch.write(strangers.prefix(29).joined(separator: "\n") + "\n", "few.jsonl")
        let few = try Transcript.run(
            ["audit", "run", "run", "--suite", "drawing.yaml", "--population", "few.jsonl", "-o", "few"],
            in: scratch
        )
        #expect(few.errors.contains("QUANTILE was not tried"), "\(few.errors)")
        let page = try scratch.read("few/report.html")
        #expect(page.contains("at least 30 records that nobody trained on"))
    }

    @Test func whatDoesNotFitIsSaid() throws {
        for flags in [["--count", "3"], ["--count", "2"], ["--rounds", "0"]] {
            let run = try Transcript.run(["audit", "shadows", "run", "-o", "s"] + flags, in: scratch)
            #expect(run.status == 64 && run.errors.contains(flags[0]), "\(run.errors)")
        }
        let missing = try Transcript.run(
            ["audit", "run", "run", "--suite", "suite.yaml", "--shadows", "nowhere", "-o", "report"],
            in: scratch
        )
        #expect(missing.status == 1 && missing.errors.contains("nowhere"), "\(missing.errors)")
        let times = try Transcript.run(["audit", "control", "run", "--times", "1", "-o", "c"], in: scratch)
        #expect(times.status == 64)
        let without = try Transcript.run(
            ["audit", "run", "run", "--suite", "suite.yaml", "--control", "run", "-o", "report"],
            in: scratch
        )
        #expect(without.errors.contains("none of --control trained longer"), "\(without.errors)")
        #expect(without.errors.contains("LIRA was not tried"))
        #expect(try scratch.read("report/report.html").contains("fsot audit shadows"))
    }
}
