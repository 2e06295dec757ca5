import Foundation
import Testing

/// An active adversary on a fork of a run, by the built binary on a tiny model.
struct ActiveAuditTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story(records: 24)
        scratch = story.scratch
        try story.compress()
        try story.planAndTune()
        try scratch.write(
            "name: s\nattacks: [LOSS, RATIO, ACTIVE-GA, ACTIVE-NORM]\npermutations: 200\nbootstrap_replicates: 100\n"
                + "blind: {buckets: 64}\nactive: {targets: 40, rounds: 1, ascent: 0.5}\n",
            "suite.yaml"
        )
    }

    /// Every file of the run with its bytes.
    private func content() throws -> [String: Data] {
        let root = scratch.path + "/run"
        return try FileManager.default.subpathsOfDirectory(atPath: root).reduce(into: [:]) { files, name in
            files[name] = FileManager.default.contents(atPath: "\(root)/\(name)")
        }
    }

    @Test func aForkIsReportedApart() throws {
        let before = try content()
        let audit = ["audit", "run", "run", "--suite", "suite.yaml"]
        let run = try story.run(audit + ["--active", "-o", "report"], expecting: [0, 2, 4])
        #expect(try content() == before, "the run that is forked is only read")
        #expect(run.errors.contains("40 targets of a lying coordinator on a fork of the run"), "\(run.errors)")
        #expect(run.output.contains("individual, fork") && run.output.contains("Beyond this verdict"), "\(run.output)")
        try story.run(["audit", "render", "report", "--check"])
        let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/report/report.json"))
        let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let entry = try #require((report["runs"] as? [[String: Any]])?.first)
        let active = try #require(entry["active"] as? [String: Any])
        #expect(active["members"] as? Int == 20 && active["heldOut"] as? Int == 20)
        #expect(active["isAlwaysRefused"] as? Bool == true)
        let views = try #require(active["views"] as? [[String: Any]])
        #expect(views.compactMap { $0["vantage"] as? String } == ["individual", "aggregate"])
        let attacks = try #require(views[0]["attacks"] as? [[String: Any]])
        #expect((attacks.compactMap { $0["auc"] as? Double }.max() ?? 0) > 0.7, "\(attacks)")
        // Of a step's gradients and passes, never of the data holders' training.
        #expect(attacks.allSatisfy { ($0["operations"] as? Double ?? 0) > 0 })

        let passive = try story.run(audit + ["-o", "passive"], expecting: [0, 2, 4])
        #expect(passive.status == run.status, "the verdict does not count it")
        #expect(passive.errors.contains("ACTIVE-GA was not tried"))
        #expect(try scratch.read("passive/report.html").contains("give --active"))
    }

    @Test func whatDoesNotFitIsSaid() throws {
        try scratch.write("name: s\nattacks: [LOSS]\n", "plain.yaml")
        let none = try Transcript.run(
            ["audit", "run", "run", "--suite", "plain.yaml", "--active", "-o", "report"],
            in: scratch
        )
        #expect(none.status == 1 && none.errors.contains("lists none of ACTIVE-GA, ACTIVE-NORM"), "\(none.errors)")
        for (setting, key) in [("{targets: 2}", "active"), ("{step: 2}", "active.step"), ("{ascent: 0}", "active")] {
            try scratch.write("name: s\nattacks: [ACTIVE-GA]\nactive: \(setting)\n", "bad.yaml")
            let bad = try Transcript.run(
                ["audit", "run", "run", "--suite", "bad.yaml", "--active", "-o", "report"],
                in: scratch
            )
            #expect(bad.status == 1 && bad.errors.contains("The suite's \(key) "), "\(bad.errors)")
        }
    }
}
