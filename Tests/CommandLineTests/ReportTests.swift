import Foundation
import Testing

/// The owner's report and policy as an owner meets them.
struct ReportTests {
    private let story: Story
    private let scratch: Scratch
    private let probe = [
        "--probe-data", "lake.jsonl", "--probe-test", "hill.jsonl", "--probe-limit", "12", "--probe-steps", "4",
        "--probe-seeds", "2", "--probe-lr", "1e-3", "--probe-length", "64", "--probe-template", "plain",
    ]

    init() throws {
        story = try Story()
        scratch = story.scratch
    }

    private func compress(_ output: String, _ more: [String] = []) -> [String] {
        [
            "compress", "model", "--bottom", "1", "--top", "1", "--public-data", "north.jsonl", "--distill-tokens",
            "2000", "--seed", "3", "-o", output,
        ] + more
    }

    private func report(_ emulator: String) throws -> [String: Any] {
        let text = try scratch.read("\(emulator).owner/report.json")
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func fullReportHoldsTheProbeAndTheAttacks() throws {
        let run = try story.run(compress("half", ["--report", "full"] + probe))
        #expect(run.errors.contains("the full report will take about"))
        #expect(run.output.contains("transfer") && run.output.contains("recovery"))
        let report = try report("half")
        let tuned = try #require((report["probe"] as? [String: Any])?["runs"] as? [[String: Any]])
        #expect(tuned.count == 2)
        let recovery = try #require(report["recovery"] as? [String: Any])
        #expect((recovery["controls"] as? [Any])?.count == 6)
        #expect(try scratch.read("half.owner/report.html").contains("What an attacker gets back"))
        #expect(
            try scratch.content("half") == [
                "config.json", "emulator.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
            ]
        )
    }

    @Test func quickIsTheDefaultAndNoneIsNothing() throws {
        try story.run(compress("quick"))
        #expect(try report("quick")["probe"] == nil && report("quick")["middle"] != nil)
        try story.run(compress("none", ["--report", "none"]))
        #expect(try scratch.content("none.owner") == ["release.json"])
    }

    /// The emulator's bytes do not depend on what was measured on it.
    @Test func measuringChangesNoWeight() throws {
        try story.run(compress("quick"))
        try story.run(compress("full", ["--report", "full"] + probe))
        func weights(_ name: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/\(name)/model.safetensors"))
        }
        #expect(try weights("quick") == weights("full"))
    }

    /// `report` on a release measures what `compress --report full` did, and takes known pieces over.
    @Test func reportOnAReleaseThatIsThere() throws {
        try story.run(compress("half", ["--report", "full", "--probe-cache", "cache"] + probe))
        let first = try report("half")
        let again = try story.run(
            ["report", "half", "--model", "model", "--public-data", "north.jsonl", "--probe-cache", "cache"] + probe
        )
        #expect(!again.errors.contains("tuning on the emulator"), "a known piece was measured again")
        func losses(_ report: [String: Any]) throws -> NSDictionary {
            let probe = try #require(report["probe"] as? [String: Any])
            return ["runs": try #require(probe["runs"]), "zero": try #require(probe["fullZeroShot"])]
        }
        #expect(try losses(report("half")) == losses(first))
    }

    /// An owner who is also a recipient measures the very file that was sent; the ledger says what all releases give away.
    @Test func reportOnASealedRelease() throws {
        try story.run(["keygen", "owner", "--no-passphrase", "-q"])
        try story.run(compress("first", ["--report", "none"]))
        try story.run(compress("half.fsot", ["--to", "owner.card", "--sign", "owner.identity"]))
        let sealed = ["report", "half.fsot", "--model", "model", "--public-data", "north.jsonl", "--report", "quick"]
        let before = try report("half.fsot")
        let refused = try Transcript.run(sealed, in: scratch)
        #expect(refused.status == 1 && refused.errors.contains("open it with --identity"))
        try story.run(sealed + ["--identity", "owner.identity", "--from", "owner.card"])
        let after = try report("half.fsot")
        #expect((after["exposure"] as? [String: Any])?["releases"] as? Int == 2)
        #expect(
            NSDictionary(dictionary: try #require(after["middle"] as? [String: Any]))
                == NSDictionary(dictionary: try #require(before["middle"] as? [String: Any]))
        )
        let unknown = try story.run(
            sealed + ["--identity", "owner.identity", "--from", "owner.card", "--ledger", "other.jsonl"]
        )
        #expect(unknown.errors.contains("other.jsonl does not know this release"))
        #expect(try report("half.fsot")["exposure"] == nil)
    }

    /// A full report says what a dropped layer was worth, whatever rule dropped it.
    @Test func fullReportLeavesLayersOut() throws {
        try story.run(compress("half", ["--report", "full", "--keep", "0.5", "--recovery-seeds", "0"]))
        let losses = try #require(try report("half")["leaveOneOut"] as? [String: Any])
        #expect((losses["rises"] as? [Double])?.count == 2)
        try story.run(compress("whole", ["--report", "full", "--keep", "1", "--recovery-seeds", "0"]))
        #expect(try report("whole")["leaveOneOut"] == nil)
    }

    @Test(arguments: [["--probe-data", "lake.jsonl"], ["--recovery-tokens", "8"], ["--colluding", "other"]])
    func whatOnlyAFullReportMeasures(_ flags: [String]) throws {
        let run = try Transcript.run(compress("half", flags), in: scratch)
        #expect(run.status == 64 && run.errors.contains("\(flags[0]) is for --report full"))
        #expect(try !scratch.files.contains("half"))
    }

    @Test func aStoppedReportGoesOn() throws {
        let command = compress("half", ["--report", "full", "--quiet"] + probe)
        let pieces = scratch.path + "/half.partial/report"
        let stopped = try Transcript.run(command, in: scratch) { process, _ in
            while process.isRunning, !FileManager.default.fileExists(atPath: pieces) { usleep(500) }
            kill(process.processIdentifier, SIGINT)
        }
        #expect(stopped.status == 130, "\(stopped.errors)")
        #expect(try !scratch.files.contains("half") && !scratch.files.contains("half.owner"))
        try story.run(command + ["--resume"])
        #expect(try report("half")["recovery"] != nil)
        #expect(try !scratch.files.contains("half.partial"))
    }

    @Test func aPolicyRefusesBeforeAnythingIsWritten() throws {
        try scratch.write("maximum_verbatim_share: 0.01\nmaximum_middle_kept: 0.9\n", "policy.yaml")
        let refused = try Transcript.run(compress("half", ["--policy", "policy.yaml", "--quiet"]), in: scratch)
        #expect(refused.status == 1)
        #expect(
            refused.errors.contains("policy.yaml") && refused.errors.contains("maximum_verbatim_share: 0.01, found")
        )
        #expect(!refused.errors.contains("maximum_middle_kept") && refused.errors.contains("--accept-risk"))
        #expect(try !scratch.files.contains("half") && !scratch.files.contains("half.owner"))
        #expect(story.partials.isEmpty)
        let more = refused.errors.contains("--resume") ? ["--resume"] : []
        let accepted = try story.run(compress("half", ["--policy", "policy.yaml", "--accept-risk"] + more))
        #expect(accepted.errors.contains("maximum_verbatim_share"), "the warning is missing")
        let report = try report("half")
        #expect(report["riskAccepted"] as? Bool == true && (report["violations"] as? [Any])?.count == 1)
    }

    /// A line that only `full` measures is refused at once, not after an hour of distilling.
    @Test func linesThatNeedFullSaySo() throws {
        try scratch.write("minimum_transfer: 0.5\n", "policy.yaml")
        let refused = try Transcript.run(compress("half", ["--policy", "policy.yaml"]), in: scratch)
        #expect(refused.status == 1 && refused.errors.contains("--report full with --probe-data"))
        #expect(!refused.errors.contains("reading model"))
    }

    @Test(arguments: [
        ("maximum_transfer: 1\n", "maximum_transfer"), ("minimum_transfer: high\n", "minimum_transfer"), ("", "lines"),
        ("- 1\n", "lines"), ("a: [\n", "lines"),
    ]) func damagedPoliciesAreRefused(_ text: String, _ word: String) throws {
        try scratch.write(text, "policy.yaml")
        let run = try Transcript.run(compress("half", ["--policy", "policy.yaml"]), in: scratch)
        #expect(run.status == 1 && run.errors.contains("policy.yaml") && run.errors.contains(word), "\(run.errors)")
        #expect(try !scratch.files.contains("half"))
    }

    @Test(arguments: [
        ["--probe-steps", "0"], ["--probe-lr", "0"], ["--probe-adapter", "prefix"], ["--probe-test", "hill.jsonl"],
        ["--accept-risk"], ["--probe-proximal=-1"], ["--report", "long"],
    ]) func senselessOptionsAreUsageErrors(_ options: [String]) throws {
        let run = try Transcript.run(compress("half", options), in: scratch)
        #expect(run.status == 64 && run.errors.contains(options[0].split(separator: "=")[0]), "\(run.errors)")
    }

    /// Another emulator's notes beside this one: the layers would be wrong and every figure with them.
    @Test func aReportOfAnotherReleaseIsRefused() throws {
        try story.run(compress("half", ["--report", "none"]))
        try story.run(compress("whole", ["--report", "none", "--keep", "1"]))
        let mixed = ["report", "half", "--model", "model", "--owner-dir", "whole.owner", "--report", "quick"]
        let run = try Transcript.run(mixed, in: scratch)
        #expect(run.status == 1 && run.errors.contains("whole.owner/release.json"), "\(run.errors)")
    }
}
