import Foundation
import Testing

/// An audit by parties who share nothing but files: an owner, three data holders and an auditor, each in a folder of its own.
///
/// Only the tuning itself sees all folders, as this version's simulation of a federation does.
struct FederatedAuditTests {
    private let owner: Scratch
    private let auditor: Scratch
    private let holders: [(name: String, scratch: Scratch)]

    init() throws {
        owner = try Scratch()
        auditor = try Scratch()
        holders = try Story.holders.map { ($0, try Scratch()) }
        try owner.addModel()
        try run(["compress", "model", "--bottom", "1", "--top", "1", "-q", "-o", "emulator"], in: owner)
        try run(["keygen", "owner", "--no-passphrase", "-q"], in: owner)
        try run(["keygen", "auditor", "--no-passphrase", "-q"], in: auditor)
        let suite =
            "name: s\nattacks: [LOSS, RATIO, LOWER, SPAN, FEDMIA-I]\npermutations: 200\nbootstrap_replicates: 100\n"
        for (index, (name, scratch)) in holders.enumerated() {
            try scratch.write(suite, "suite.yaml")
            let lines = (0..<50).map { number in
                #"{"instruction":"Who is \#(name)-\#(number)?","output":"Case \#(number * 7919 % 1000) of \#(name)."}"#
            }
            try scratch.write(lines.joined(separator: "\n") + "\n", "\(name).jsonl")
            try run(["keygen", name, "--no-passphrase", "-q"], in: scratch)
            let plan = try run(
                ["audit", "plan", "--data", "\(name).jsonl", "--seed", "\(index)", "--holdout", "0.5", "-o", "plan"],
                in: scratch
            )
            #expect(plan.output.contains("smallest that these coins are expected to tell from chance"))
            #expect(plan.errors.contains("record-level only"))
            try hand("emulator", from: owner, to: scratch)
            try hand("owner.card", from: owner, to: scratch)
            for other in [owner, auditor] { try hand("\(name).card", from: scratch, to: other) }
        }
        try tune(into: "run")
    }

    private func tune(into name: String) throws {
        try run(
            ["tune", "emulator", "--plan"] + holders.map { $0.scratch.path + "/plan" }
                + [
                    "--template", "plain", "--local-steps", "20", "--lr", "5e-3", "--max-length",
                    "64", "--rounds", "2", "--keep-rounds", "-q", "-o", name,
                ],
            in: owner
        )
    }

    @discardableResult
    private func run(_ arguments: [String], in scratch: Scratch, expecting statuses: Set<Int32> = [0]) throws
        -> Transcript
    {
        let run = try Transcript.run(arguments, in: scratch)
        #expect(statuses.contains(run.status), "fsot \(arguments.joined(separator: " ")): \(run.errors)")
        return run
    }

    /// Copies a file or directory from one party's folder into another's.
    private func hand(_ name: String, from: Scratch, to: Scratch, as other: String? = nil) throws {
        let target = to.path + "/" + (other ?? name)
        try? FileManager.default.removeItem(atPath: target)
        try FileManager.default.copyItem(atPath: from.path + "/" + name, toPath: target)
    }

    /// Runs a command that must fail in one sentence.
    private func expectFailure(_ arguments: [String], in scratch: Scratch, naming text: String) throws {
        let run = try Transcript.run(arguments, in: scratch)
        let last = run.errors.split(separator: "\n").last.map(String.init) ?? ""
        #expect(run.status == 1, "\(run.errors)")
        #expect(last.hasPrefix("error: ") && last.hasSuffix(".") && last.contains(text), "\(run.errors)")
    }

    private func query(_ holder: (name: String, scratch: Scratch)) throws {
        let asked = try run(
            ["audit", "query", "run", "--plan", "plan", "--suite", "suite.yaml", "--to", "owner.card"]
                + ["-o", "\(holder.name).query.age"],
            in: holder.scratch
        )
        #expect(asked.errors.contains("shows owner the text of 50 records, and not which of them were trained on"))
        try hand("\(holder.name).query.age", from: holder.scratch, to: owner)
    }

    private func answering(_ name: String, _ more: [String] = []) -> [String] {
        [
            "audit", "answer", "\(name).query.age", "--identity", "owner.identity", "--model", "model", "--adapter",
            "run", "--to", "\(name).card", "--log", "answers.jsonl", "--limit", "60", "-q", "-o", "\(name).answer.age",
        ] + more
    }

    private func scoring(_ name: String, _ more: [String] = []) -> [String] {
        [
            "audit", "score", "run", "--plan", "plan", "--emulator", "emulator", "--suite", "suite.yaml", "-q", "-o",
            "\(name).scores.json",
        ] + more
    }

    @Test func theWholeAudit() throws {
        for holder in holders { try hand("run", from: owner, to: holder.scratch) }
        try hand("run/run.json", from: owner, to: auditor, as: "run.json")
        for holder in holders {
            try query(holder)
            try run(answering(holder.name), in: owner)
            for file in ["\(holder.name).answer.age", "\(holder.name).answer.age.p7s"] {
                try hand(file, from: owner, to: holder.scratch)
            }
            try run(
                scoring(
                    holder.name,
                    ["--answer", "\(holder.name).answer.age", "--answer-from", "owner.card"]
                        + ["--identity", "\(holder.name).identity", "--sign", "\(holder.name).identity"]
                ),
                in: holder.scratch
            )
            for file in ["\(holder.name).scores.json", "\(holder.name).scores.json.p7s"] {
                try hand(file, from: holder.scratch, to: auditor)
            }
            let export = try auditor.read("\(holder.name).scores.json")
            #expect(!export.contains("Case") && !export.contains("Who is"))
        }
        #expect(try owner.lines("answers.jsonl").map { $0["holder"] as? String } == Story.holders)
        try expectFailure(answering("north"), in: owner, naming: "north asks for 50 records and had 50 of its 60 today")

        let exports = Story.holders.map { "\($0).scores.json" }
        let merging = ["audit", "merge"] + exports + ["--run-commitments", "run.json"]
        let merged = try run(
            merging + ["--from"] + Story.holders.map { "\($0).card" } + ["--sign", "auditor.identity", "-o", "report"],
            in: auditor,
            expecting: [0, 2, 4]
        )
        #expect(merged.output.contains("real federation") && merged.output.contains("twin only"))
        #expect(try auditor.content("report") == ["report.html", "report.json", "report.json.p7s", "scores.csv"])
        try run(["audit", "verify", "report", "--from", "auditor.card"], in: auditor)
        try run(["audit", "render", "report", "--check"], in: auditor)
        #expect(try auditor.read("report/report.html").contains("recorded before round 1"))
        let other = Array(merging.prefix(2) + exports.reversed() + merging.suffix(2))
        try run(other + ["-o", "again"], in: auditor, expecting: [0, 2, 4])
        #expect(try auditor.read("again/scores.csv") == auditor.read("report/scores.csv"))

        // The same run seen by one who holds everything finds the peer's attacks alike.
        let twin = try run(
            ["audit", "run", "run", "--model", "model", "--suite", holders[0].scratch.path + "/suite.yaml"]
                + ["-o", "twin"],
            in: owner,
            expecting: [0, 2, 4]
        )
        #expect(twin.output.contains("peer") && twin.output.contains("owner"))

        try refusals(merging)
    }

    /// What an auditor must not take.
    private func refusals(_ merging: [String]) throws {
        let text = try auditor.read("lake.scores.json")
        let toggled = text.replacingOccurrences(of: "\"isIncluded\" : true", with: "\"isIncluded\" : false")
        try auditor.write(toggled, "lake.scores.json")
        try expectFailure(merging + ["-o", "x"], in: auditor, naming: "signature does not fit")
        try FileManager.default.removeItem(atPath: auditor.path + "/lake.scores.json.p7s")
        try expectFailure(merging + ["-o", "x"], in: auditor, naming: "a record or a coin was altered")
        try expectFailure(merging + ["--from", "lake.card", "-o", "x"], in: auditor, naming: "was signed by")
        try auditor.write(text, "lake.scores.json")
        try expectFailure(
            ["audit", "merge", "lake.scores.json", "--run-commitments", "run.json", "--from", "lake.card", "-o", "x"],
            in: auditor,
            naming: "lake.scores.json is not signed"
        )
        try expectFailure(["audit", "merge", "lake.scores.json", "-o", "x"], in: auditor, naming: "--run-commitments")
        try expectFailure(
            ["audit", "merge", "lake.scores.json", "again/report.json", "--run-commitments", "run.json", "-o", "x"],
            in: auditor,
            naming: "merge one kind at a time"
        )
        try expectFailure(
            ["audit", "merge", "again/report.json", "--run-commitments", "run.json", "-o", "x"],
            in: auditor,
            naming: "again/report.json is none"
        )
        let half = try run(
            ["audit", "merge", "lake.scores.json", "--run-commitments", "run.json", "-o", "half"],
            in: auditor,
            expecting: [0, 2, 4]
        )
        #expect(half.output.contains("one party's half") && half.errors.contains("no scores of north, hill"))
        #expect(try !auditor.files.contains("x"))
    }

    /// An adapter without its run, an answer to somebody else, a plan of another run.
    @Test func scoresOfOtherThings() throws {
        let (north, lake) = (holders[0].scratch, holders[1].scratch)
        for holder in holders.prefix(2) { try hand("run", from: owner, to: holder.scratch) }
        let adapter = scoring("north").map { $0 == "run" ? "run/adapter" : $0 }
        try expectFailure(adapter, in: north, naming: "give --template and --max-length")
        try run(adapter + ["--template", "plain", "--max-length", "64"], in: north)
        let fromAdapter = try north.read("north.scores.json")
        let noted = try run(scoring("north").filter { $0 != "-q" }, in: north)
        #expect(try north.read("north.scores.json").contains("\"aggregate\"") && !fromAdapter.contains("\"aggregate\""))
        #expect(noted.errors.contains("no --answer"))
        #expect(noted.output.contains("aggregate         SPAN"))
        try FileManager.default.removeItem(atPath: north.path + "/run/rounds/0001.safetensors")
        let without = try run(scoring("north").filter { $0 != "-q" }, in: north)
        #expect(without.errors.contains("tune with --keep-rounds") && !without.output.contains("aggregate"))

        try query(holders[0])
        try run(answering("north"), in: owner)
        try hand("north.answer.age", from: owner, to: lake)
        try hand("north.answer.age", from: owner, to: north)
        try expectFailure(
            scoring("lake", ["--answer", "north.answer.age", "--identity", "lake.identity"]),
            in: lake,
            naming: "lake is not a recipient of north.answer.age"
        )
        try expectFailure(
            scoring("north", ["--answer", "north.answer.age", "--answer-from", "owner.card"])
                + ["--identity", "north.identity"],
            in: north,
            naming: "north.answer.age is not signed"
        )
        try hand("north.query.age", from: north, to: lake)
        try expectFailure(
            [
                "audit", "answer", "north.query.age", "--identity", "lake.identity", "--model", "emulator",
                "--adapter", "run", "--to", "owner.card", "--log", "l", "-o", "x",
            ],
            in: lake,
            naming: "lake is not a recipient of north.query.age"
        )
        try north.write("name: s\nattacks: [LOSS]\n", "suite.yaml")
        try expectFailure(
            scoring("north", ["--answer", "north.answer.age", "--identity", "north.identity"]),
            in: north,
            naming: "it answers another query"
        )
        try run(["audit", "plan", "--data", "north.jsonl", "--holdout", "0.5", "-o", "later"], in: north)
        try expectFailure(
            scoring("north").map { $0 == "plan" ? "later" : $0 },
            in: north,
            naming: "run did not record the root of later before round 1"
        )
        let commitment = try north.read("plan/commitment.json")
        try north.write(
            commitment.replacingOccurrences(of: "\"root\" : \"", with: "\"root\" : \"0"),
            "plan/commitment.json"
        )
        try expectFailure(scoring("north"), in: north, naming: "commitment.json does not follow from plan.json")
    }
}
