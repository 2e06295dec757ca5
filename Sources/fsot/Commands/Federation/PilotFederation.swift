import AtomicFiles
import Checkpoints
import Cryptography
import Emulators
import Federation
import Foundation
import LanguageModels
import Progress
import Sealing
import TensorEngine
import Training

/// The parties and steps of `fsot pilot`.
struct PilotFederation {
    let command: Pilot
    let path: String
    private var console: Console { command.options.console }
    private var seed: UInt64 { command.training.seed }

    init(_ command: Pilot, path: String) {
        self.command = command
        self.path = path
    }

    private struct Party {
        let name: String
        let home: String
        var identityPath: String { "\(home)/\(name).identity" }
    }

    private struct Result: Encodable {
        var participants: Int
        var rounds: [RoundRecord]
        var seconds: Double
        var equalsInMemory: Bool?
        var directory: String?
    }

    func run() async throws {
        try makeDirectory(path)
        let owner = try party("owner")
        let hub = try party("hub")
        let names = holderNames
        let holders = try names.map { try party($0) }
        step("\(names.count) data holders, an owner and a coordinator have made their keys")

        let emulator = try command.emulator ?? practiceEmulator()
        let records = try recordFiles(names)
        let cards = try holders.map { try Identity.load($0.identityPath).card }
        let hubCard = try Identity.load(hub.identityPath).card
        let sealed = path + "/emulator.fsot"
        let ownerIdentity = try Identity.load(owner.identityPath)
        try seal(emulator, to: sealed, for: cards + [hubCard], by: ownerIdentity)
        let invitation = try invitation(owner: ownerIdentity, hub: hubCard, cards: cards, sealed: sealed)
        let invitePath = path + "/consortium.invite"
        try invitation.write(to: invitePath)
        for party in holders + [hub] { try KnownConsortia(path: party.home + "/consortia").accept(invitation) }
        step("the emulator is sealed to all of them and the invitation signed: \(invitation.words)")

        let start = ContinuousClock.now
        let coordinator = try ChildProcess(
            [
                "serve", "--roster", invitePath, "--identity", hub.identityPath, "--emulator", sealed, "--listen",
                "127.0.0.1:0", "--compute", command.compute.rawValue, "-o", path + "/coordinator",
            ],
            home: hub.home,
            log: path + "/coordinator.log"
        )
        let port = try await coordinator.port()
        step("the coordinator listens on port \(port)")
        let members = try zip(holders, records).map { party, file in
            try ChildProcess(
                [
                    "tune", "--join", "https://127.0.0.1:\(port)", "--roster", invitePath, "--identity",
                    party.identityPath, "--data", file, "--compute", command.compute.rawValue, "-o",
                    "\(party.home)/tuning",
                ],
                home: party.home,
                log: "\(path)/\(party.name).log"
            )
        }
        defer { for child in members + [coordinator] { child.stop() } }
        try await watch(coordinator)
        for (party, child) in zip(holders, members) { try await child.succeed(party.name) }
        let elapsed = ContinuousClock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        step("the run is done; every data holder has the tuned adapter")
        let equals = command.noComparison ? nil : try compare(emulator, records)
        try report(seconds: seconds, equals: equals)
    }

    // MARK: - Before the rounds

    private var holderNames: [String] {
        command.data.count > 1 ? HolderNames.of(command.data) : (1...command.participants).map { "holder-\($0)" }
    }

    private func party(_ name: String) throws -> Party {
        let party = Party(name: name, home: "\(path)/\(name)")
        try makeDirectory(party.home)
        let identity = try Identity.generate(name: name)
        try identity.save(to: party.identityPath)
        try identity.card.save(to: "\(party.home)/\(name).card")
        return party
    }

    private func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: path,
                reason: (error as NSError).localizedDescription
            )
        }
    }

    private func practiceEmulator() throws -> String {
        try PracticeModel.write(to: path + "/model", seed: seed)
        let emulator = path + "/practice-emulator"
        try OwnProgram(console: Console(isQuiet: true, printsJSON: false)).run([
            "compress", path + "/model", "--bottom", "1", "--top", "1", "--keep", "0.5", "--report", "none", "--ledger",
            path + "/ledger.jsonl", "-o", emulator,
        ])
        step("a practice model of random numbers is compressed to half of its middle")
        return emulator
    }

    /// One file a data holder: what was given, dealt out, or sums to practise on.
    private func recordFiles(_ names: [String]) throws -> [String] {
        if command.data.count > 1 { return command.data }
        var lines: [Data]
        if let file = command.data.first {
            let records = try RecordFile.open(file)
            guard !records.isCSV else {
                throw CommandFailure("\(file) is CSV; give JSONL to be dealt out, or a file each.")
            }
            lines = records.records.indices.map { records.source(of: $0) }
            guard lines.count >= names.count else {
                throw CommandFailure("\(file) has \(lines.count) records for \(names.count) data holders; give more.")
            }
        } else {
            var generator = SeededGenerator(seed: seed).derive("practice records")
            lines = (0..<names.count * 24).map { _ in
                let (a, b) = (Int.random(in: 0...99, using: &generator), Int.random(in: 0...99, using: &generator))
                return Data("{\"instruction\": \"What is \(a) plus \(b)?\", \"output\": \"\(a + b)\"}".utf8)
            }
        }
        return try names.enumerated().map { index, name in
            let own = lines.enumerated().filter { $0.offset % names.count == index }.map(\.element)
            let file = "\(path)/\(name)/\(name).jsonl"
            try AtomicFile.write(own.reduce(into: Data()) { $0 += $1 + Data("\n".utf8) }, to: file)
            return file
        }
    }

    private func seal(_ emulator: String, to sealed: String, for cards: [IdentityCard], by owner: Identity) throws {
        let files = CheckpointDirectory(path: emulator)
        try EmulatorContents.check(files)
        let display = console.progress()
        try SealedEmulator.seal(
            directory: emulator,
            to: sealed,
            emulator: EmulatorDescription(
                name: "pilot",
                releaseID: try EmulatorMetadata.read(files).releaseID,
                licence: "proprietary",
                architecture: try ModelConfiguration(json: Checkpoint.open(files).configuration).architecture.rawValue,
                // A commitment to nothing: the pilot's release never leaves this machine.
                baseModelCommitment: BaseModelCommitment.make(
                    digests: [],
                    key: SecretBytes.random(count: BaseModelCommitment.keyLength)
                )
            ),
            recipients: cards,
            signedBy: owner,
            onProgress: display.handler
        )
        display.finish()
    }

    private func invitation(
        owner: Identity,
        hub: IdentityCard,
        cards: [IdentityCard],
        sealed: String
    ) throws -> SignedInvitation {
        var site = try command.training.site(.auto)
        site.precision = .float32
        let content = try Invitation(
            name: "pilot",
            owner: owner.card,
            coordinator: hub,
            address: FederationAddress("https://127.0.0.1:8443"),
            members: cards,
            emulator: .init(sealed: sealed, for: cards + [hub], owner: owner.card),
            training: Invitation.Training(
                site: site,
                federation: command.training.federation(judgeEvery: 1),
                template: command.training.template,
                maximumLength: command.training.maxLength,
                clip: command.training.updateClip,
                weightMaximum: 0,
                quantisation: command.training.quantisation,
                isSeeded: true
            ),
            policy: ParticipantPolicy()
        )
        return try SignedInvitation(content, signedBy: owner)
    }

    // MARK: - The rounds and after

    /// Waits for the coordinator, showing its rounds.
    private func watch(_ coordinator: ChildProcess) async throws {
        let display = console.progress()
        let total = command.training.rounds
        while coordinator.isRunning {
            try Interruption.check()
            let done = (try? RunDirectory.records(at: path + "/coordinator").count) ?? 0
            display.handler(.init(phase: "rounds", completed: done, total: total, unit: "rounds"))
            try await Task.sleep(for: .milliseconds(200))
        }
        display.finish()
        try await coordinator.succeed("the coordinator")
    }

    /// The same run in memory: its adapter must have the same bytes.
    private func compare(_ emulator: String, _ records: [String]) throws -> Bool {
        let run = path + "/in-memory"
        var site: [String] = []
        let options = command.training
        for (flag, value) in [
            ("--method", options.method), ("--rank", "\(options.rank)"), ("--alpha", "\(options.alpha)"),
            ("--template", options.template.rawValue), ("--rounds", "\(options.rounds)"),
            ("--local-steps", "\(options.localSteps)"), ("--batch", "\(options.batch)"),
            ("--max-length", "\(options.maxLength)"), ("--lr", "\(options.learningRate)"),
            ("--clip", "\(options.updateClip)"), ("--optimizer", options.optimizer), ("--seed", "\(seed)"),
            ("--compute", command.compute.rawValue),
        ] { site += [flag, value] }
        site += ["--bits", "\(options.bits)"] + (options.rotate ? ["--rotate"] : [])
        if !options.targets.isEmpty { site += ["--targets"] + options.targets }
        if let sample = options.sample { site += ["--sample", "\(sample)"] }
        try OwnProgram(console: Console(isQuiet: true, printsJSON: false)).run(
            ["tune", emulator, "--data"] + records + site + ["-o", run]
        )
        let file = "/adapter/adapter_model.safetensors"
        let equals = FileManager.default.contentsEqual(atPath: run + file, andPath: path + "/coordinator" + file)
        step(
            equals
                ? "the run in memory gives the same adapter, byte for byte" : "the run in memory gives another adapter"
        )
        return equals
    }

    private func report(seconds: Double, equals: Bool?) throws {
        let records = try RunDirectory.records(at: path + "/coordinator")
        var table = Table(["round", "updates", "norm", "down", "up", "seconds"])
        for record in records {
            table.add([
                "\(record.round)", "\(record.included.count)", String(format: "%.4f", record.updateNorm),
                String(format: "%.2f MB", Double(record.traffic.down) / 1e6),
                String(format: "%.2f MB", Double(record.traffic.up) / 1e6), String(format: "%.1f", record.seconds),
            ])
        }
        let comparison = equals.map { $0 ? "the same, byte for byte" : "DIFFERENT" } ?? "not made"
        try console.result(
            table.text + """

                time              \(String(format: "%.1f", seconds)) s over TLS 1.3
                in memory         \(comparison)
                \(command.output.map { "files             \($0)" } ?? "files             removed; keep them with -o DIR")
                """,
            json: Result(
                participants: command.participants,
                rounds: records,
                seconds: seconds,
                equalsInMemory: equals,
                directory: command.output
            )
        )
        if equals == false {
            throw CommandFailure("The federation and the run in memory differ; report this with the files of -o DIR.")
        }
    }

    private func step(_ text: String) { console.note("· \(text)") }
}
