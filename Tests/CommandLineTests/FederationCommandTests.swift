import Foundation
import Testing

/// Consortium, coordinator and data holders as their users run them: processes that share the network and nothing else.
struct FederationCommandTests {
    @Test func thePilotGivesTheAdapterOfTheRunInMemory() throws {
        let scratch = try Scratch()
        let run = try Transcript.run(["pilot", "-n", "3", "--rounds", "2", "--json", "-o", "pilot"], in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        let result = try run.json()
        #expect(result["equalsInMemory"] as? Bool == true)
        let rounds = try #require(result["rounds"] as? [[String: Any]])
        #expect(rounds.count == 2 && rounds.allSatisfy { ($0["included"] as? [String])?.count == 3 })
        // Everybody has the same adapter, and nobody's directory holds another's records or keys.
        let file = "run/adapter/adapter_model.safetensors"
        let adapters = try (1...3).map { try scratch.read("pilot/holder-\($0)/tuning/\(file)", as: Data.self) }
        #expect(Set(adapters).count == 1)
        #expect(
            try scratch.content("pilot/holder-2").sorted() == [
                "consortia", "holder-2.card", "holder-2.identity", "holder-2.jsonl", "tuning",
            ]
        )
        // What is left of the coordinator's work holds no answer of anybody.
        #expect(try scratch.content("pilot/coordinator/incoming").isEmpty)
        #expect(try !scratch.content("pilot/coordinator").contains("journal"))
    }

    /// Keys, a sealed practice emulator and an invitation for four.
    private func consortium(_ scratch: Scratch, members: Int = 4, more: [String] = []) throws -> [String] {
        let names = (1...members).map { "clinic-\($0)" }
        for name in ["owner", "hub", "stranger"] + names {
            #expect(try Transcript.run(["keygen", name, "--no-passphrase", "-q"], in: scratch).status == 0)
        }
        try scratch.addModel()
        var run = try Transcript.run(
            ["compress", "model", "--bottom", "1", "--top", "1", "--report", "none", "-q", "-o", "emulator"],
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        let cards = names.map { $0 + ".card" }
        run = try Transcript.run(
            ["seal", "emulator", "--to"] + cards + ["hub.card", "--sign", "owner.identity", "-q", "-o", "e.fsot"],
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        run = try Transcript.run(
            [
                "federation", "create", "clinics", "--owner", "owner.identity", "--coordinator", "hub.card",
                "--emulator", "e.fsot", "--address", "https://127.0.0.1:8443", "--template", "plain", "--max-length",
                "64", "--local-steps", "3", "--rounds", "3", "--seed", "4", "-o", "c.invite", "--card",
            ] + cards + more,
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        for (index, name) in names.enumerated() {
            let lines = (0..<12).map { #"{"instruction":"What is \#($0) of \#(index)?","output":"It is \#($0 * 7)."}"# }
            try scratch.write(lines.joined(separator: "\n") + "\n", name + ".jsonl")
        }
        return names
    }

    @Test func anInvitationIsCheckedComparedAndAccepted() throws {
        let scratch = try Scratch()
        let names = try consortium(scratch)
        let shown = try Transcript.run(["inspect", "c.invite", "--json"], in: scratch).json()
        #expect(shown["members"] as? [String] == names && shown["epoch"] as? Int == 1)
        let words = try #require(shown["words"] as? String)

        let joined = try Transcript.run(["join", "c.invite", "--identity", "clinic-2.identity"], in: scratch)
        #expect(joined.status == 0 && joined.output.contains(words) && joined.output.contains("threshold 3 of 4"))

        func fails(_ arguments: [String], _ reason: String, status: Int32 = 1) throws {
            let run = try Transcript.run(arguments, in: scratch)
            #expect(run.status == status && run.errors.contains(reason), "\(arguments): \(run.errors)")
            #expect(run.errors.split(separator: "\n").filter { $0.hasPrefix("error:") }.count <= 1)
        }
        try fails(["join", "c.invite", "--identity", "stranger.identity"], "is not in c.invite")
        try fails(["join", "c.invite", "--identity", "clinic-1.identity", "--from", "stranger.card"], "stranger")
        try fails(["join", "nowhere.invite", "--identity", "clinic-1.identity"], "nowhere.invite")
        try scratch.write("minimum_cohort: 9\n", "policy.yaml")
        try fails(["join", "c.invite", "--identity", "clinic-1.identity"], "minimum_cohort is 9")
        try scratch.write("minimum_chort: 9\n", "policy.yaml")
        try fails(["join", "c.invite", "--identity", "clinic-1.identity"], "unknown line minimum_chort")
        try FileManager.default.removeItem(atPath: scratch.path + "/policy.yaml")

        let remove = ["federation", "remove", "c.invite", "--owner", "owner.identity", "-o", "2.invite", "--name"]
        try fails(remove + ["nobody"], "nobody is no member")
        try fails(remove + ["clinic-1", "clinic-2"], "cannot hide one update")
        #expect(try Transcript.run(remove + ["clinic-4"], in: scratch).status == 0)
        #expect(try Transcript.run(["join", "2.invite", "--identity", "clinic-2.identity"], in: scratch).status == 0)
        try fails(["join", "c.invite", "--identity", "clinic-2.identity"], "epoch 2 was accepted already")
        let tune = [
            "tune", "--join", "https://127.0.0.1:1", "--identity", "clinic-2.identity", "--data", "clinic-2.jsonl",
        ]
        try fails(tune + ["--roster", "c.invite", "-o", "run"], "replaced by that of epoch 2")
        try fails(
            [
                "federation", "add", "2.invite", "--owner", "owner.identity", "--card", "stranger.card", "-o",
                "3.invite",
            ],
            "not sealed to stranger"
        )
        try fails(
            [
                "federation", "add", "2.invite", "--owner", "clinic-1.identity", "--card", "clinic-4.card",
                "--emulator", "e.fsot", "-o", "3.invite",
            ],
            "owner"
        )
        let changed = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/2.invite")).map {
            $0 == 0x37 ? 0x38 : $0
        }
        try Data(changed).write(to: URL(fileURLWithPath: scratch.path + "/changed.invite"))
        try fails(["join", "changed.invite", "--identity", "clinic-2.identity"], "changed.invite")
    }

    /// Four members join; the coordinator is killed twice and comes back; one member is killed while it trains.
    @Test func aKilledCoordinatorAndAKilledMemberCostNothingElse() async throws {
        let scratch = try Scratch()
        let names = try consortium(scratch)
        for name in names {
            #expect(
                try Transcript.run(["join", "c.invite", "--identity", name + ".identity"], in: scratch).status == 0
            )
        }
        func serve(_ port: Int, resume: Bool) throws -> Process {
            try Transcript.start(
                [
                    "serve", "--roster", "c.invite", "--identity", "hub.identity", "--emulator", "e.fsot", "--listen",
                    "127.0.0.1:\(port)", "--wait", "120", "-o", "run",
                ] + (resume ? ["--resume"] : []),
                in: scratch,
                log: "serve.log"
            )
        }
        var coordinator = try serve(0, resume: false)
        let port = try await scratch.port(in: "serve.log")
        let members = try names.map { name in
            try Transcript.start(
                [
                    "tune", "--join", "https://127.0.0.1:\(port)", "--roster", "c.invite", "--identity",
                    name + ".identity", "--data", name + ".jsonl", "--patience", "120", "-o", name,
                ],
                in: scratch,
                log: name + ".log"
            )
        }
        // Killed where it stands, twice.
        for rounds in 1...2 {
            while (try? scratch.lines("run/metrics.jsonl").count) ?? 0 < rounds, coordinator.isRunning {
                try await Task.sleep(for: .milliseconds(20))
            }
            kill(coordinator.processIdentifier, SIGKILL)
            coordinator.waitUntilExit()
            coordinator = try serve(port, resume: true)
        }
        coordinator.waitUntilExit()
        let log = try scratch.read("serve.log")
        #expect(coordinator.terminationStatus == 0, "\(log)")
        for (name, member) in zip(names, members) {
            member.waitUntilExit()
            let log = try scratch.read(name + ".log")
            #expect(member.terminationStatus == 0, "\(log)")
        }
        let memory = try Transcript.run(
            ["tune", "emulator", "--data"] + names.map { $0 + ".jsonl" } + [
                "--template", "plain", "--max-length", "64", "--local-steps", "3", "--rounds", "3", "--seed", "4", "-q",
                "-o", "memory",
            ],
            in: scratch
        )
        #expect(memory.status == 0, "\(memory.errors)")
        let file = "/adapter/adapter_model.safetensors"
        let expected = try scratch.read("memory" + file, as: Data.self)
        #expect(try scratch.read("run" + file, as: Data.self) == expected)
        for name in names { #expect(try scratch.read(name + "/run" + file, as: Data.self) == expected) }
    }
}
