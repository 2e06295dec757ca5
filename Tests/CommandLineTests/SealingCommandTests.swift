import Checkpoints
import Foundation
import Testing

/// `keygen`, `export`, `ca`, `seal` and `open` as owners and data holders meet them.
struct SealingCommandTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story(records: 8)
        scratch = story.scratch
    }

    private func keys(_ names: String...) throws {
        for name in names { try story.run(["keygen", name, "--no-passphrase", "-q"]) }
    }

    private func seal(
        _ emulator: String = "emulator",
        to recipients: [String] = ["alice"],
        by owner: String = "owner",
        as output: String = "x.fsot"
    ) throws {
        try story.run(
            ["seal", emulator, "--to"] + recipients.map { "\($0).card" }
                + ["--sign", "\(owner).identity", "-q", "-o", output]
        )
    }

    private func open(_ more: [String] = [], _ sealed: String = "x.fsot", into output: String = "out") -> [String] {
        ["open", sealed, "--identity", "alice.identity", "-o", output, "-q"] + more
    }

    /// Runs a command that must fail in one sentence and leave everything as it was.
    private func expectFailure(_ arguments: [String], naming text: String, status: Int32 = 1) throws {
        let before = try scratch.files
        let run = try Transcript.run(arguments, in: scratch)
        #expect(run.status == status, "\(run.errors)")
        let last = run.errors.split(separator: "\n").last.map(String.init) ?? ""
        #expect(last.hasPrefix("error: ") && last.hasSuffix(".") && last.contains(text), "\(run.errors)")
        #expect(try scratch.files == before)
        #expect(story.partials.isEmpty)
    }

    private func mode(_ name: String) throws -> Int {
        try #require(
            try FileManager.default.attributesOfItem(atPath: scratch.path + "/" + name)[.posixPermissions] as? Int
        )
    }

    @Test func whatIsSealedComesOut() throws {
        try keys("owner", "alice", "bob")
        try story.compress()
        try seal(to: ["alice", "bob"])
        #expect(try scratch.content("x.fsot.owner") == ["commitment.key", "manifest.json", "release.json"])
        #expect(try mode("x.fsot.owner/commitment.key") == 0o600)
        let opened = try story.run(open(["--from", "owner.card", "--json"]))
        #expect(try opened.json()["owner"] as? String == "owner")
        for name in try scratch.content("emulator") {
            let (before, after) = (scratch.path + "/emulator/" + name, scratch.path + "/out/" + name)
            #expect(FileManager.default.contentsEqual(atPath: before, andPath: after), "\(name)")
        }
        #expect(try scratch.content("out") == scratch.content("emulator"))
        try expectFailure(open(["--from", "owner.card"]), naming: "out already exists")
        try expectFailure(
            ["open", "x.fsot", "--identity", "owner.identity", "-o", "o", "-q"],
            naming: "owner is not a recipient of x.fsot"
        )
        try expectFailure(["open", "x.fsot", "-o", "o", "-q"], naming: "open it with --identity")
        try expectFailure(["open", "y.fsot", "--identity", "alice.identity", "-o", "o", "-q"], naming: "y.fsot")
    }

    /// The first seal of a name is remembered with its fingerprint; another signer of that name is refused from then on.
    @Test func ownersAreRemembered() throws {
        try keys("owner", "alice")
        try story.compress()
        try seal()
        let first = try story.run(open())
        #expect(first.errors.contains("is the first seal of owner, fingerprint "))
        #expect(try story.run(open(into: "again")).errors.isEmpty)
        let home = scratch.home + "/known-owners"
        let known = try String(contentsOfFile: home, encoding: .utf8)
        let card = try story.run(["inspect", "owner.card", "--json"]).json()
        #expect(known.hasPrefix("owner \(try #require(card["certificate_sha256"] as? String)) "))
        #expect(known.split(separator: "\n").count == 1)

        try FileManager.default.createDirectory(atPath: scratch.path + "/evil", withIntermediateDirectories: false)
        try story.run(["keygen", "evil/owner", "--no-passphrase", "-q"])
        try seal(by: "evil/owner", as: "evil.fsot")
        try expectFailure(open([], "evil.fsot", into: "o"), naming: "remove the line of owner from")
        try expectFailure(open(["--from", "owner.card"], "evil.fsot", into: "o"), naming: "not by owner (")
        try expectFailure(
            story.tuning("evil.fsot", into: "o", ["--identity", "alice.identity", "-q"]),
            naming: "remove the line of owner from"
        )
        #expect(try String(contentsOfFile: home, encoding: .utf8) == known)
        try story.run(open(["--from", "evil/owner.card"], "evil.fsot", into: "o"))
        #expect(try String(contentsOfFile: home, encoding: .utf8) == known, "--from says whom to trust, once")
    }

    @Test func passphrasesComeFromFiles() throws {
        try scratch.write("correct horse\nsecond line\n", "p")
        try scratch.write("wrong horse\n", "q")
        try scratch.write("\n", "empty")
        try story.run(["keygen", "alice", "--passphrase-file", "p"])
        #expect(try mode("alice.identity") == 0o600)
        #expect(try !scratch.read("alice.identity").contains("AGE-SECRET"))
        let key = ["export", "alice.identity", "--age-key", "-o", "k"]
        try expectFailure(key, naming: "give --passphrase-file FILE or set FSOT_PASSPHRASE_FILE", status: 64)
        try expectFailure(key + ["--passphrase-file", "q"], naming: "check the passphrase")
        try expectFailure(key + ["--passphrase-file", "empty"], naming: "has no passphrase")
        try expectFailure(key + ["--passphrase-file", "nowhere"], naming: "nowhere")
        let run = try Transcript.run(key, in: scratch, environment: ["FSOT_PASSPHRASE_FILE": "p"])
        #expect(run.status == 0, "\(run.errors)")
        try expectFailure(["keygen", "bob"], naming: "--no-passphrase to leave the identity unprotected", status: 64)
    }

    @Test func keysAndCertificatesAreExported() throws {
        try keys("alice")
        let pem = try story.run(["export", "alice.card", "--certificate"]).output
        #expect(pem.hasPrefix("-----BEGIN CERTIFICATE-----\n") && pem.hasSuffix("-----END CERTIFICATE-----\n"))
        #expect(try story.run(["export", "alice.identity", "--certificate"]).output == pem)
        let key = try story.run(["export", "alice.identity", "--age-key"])
        #expect(key.output.contains("\nAGE-SECRET-KEY-1") && key.output.hasPrefix("# created: "))
        #expect(!key.errors.contains("chmod 600"), "the file behind standard output is made private")
        try story.run(["export", "alice.identity", "--age-key", "-o", "alice-age.txt"])
        #expect(try scratch.read("alice-age.txt") == key.output)
        #expect(try mode("alice-age.txt") == 0o600)
        try expectFailure(["export", "alice.identity", "--age-key", "-o", "alice-age.txt"], naming: "already exists")
        try expectFailure(["export", "alice.card", "--age-key"], naming: "alice.card")
        try expectFailure(["export", "model/config.json", "--certificate"], naming: "model/config.json")
    }

    /// What the issue shows, with Debian's own tools.
    @Test(.enabled(if: StockTools.areAllThere, "needs tar, age, openssl and sh"))
    func stockToolsOpenWhatTheCommandsWrite() throws {
        try keys("owner", "alice")
        try story.compress()
        try seal()
        try story.run(["export", "alice.identity", "--age-key", "-o", "alice-age.txt"])
        try scratch.write(try story.run(["export", "owner.card", "--certificate"]).output, "owner.pem")
        let verified = try StockTools.run(
            "tar xf x.fsot && openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json "
                + "-CAfile owner.pem -out /dev/null && age -d -i alice-age.txt payload.age | tar t",
            in: scratch.path
        )
        #expect(verified.status == 0, "\(verified.output)")
        for name in try scratch.content("emulator") { #expect(verified.output.contains("\(name)\n")) }
        let text = try StockTools.run("openssl x509 -in owner.pem -noout -text", in: scratch.path).output
        #expect(text.contains("CA:FALSE") && text.contains("URI:urn:fsot:owner") && text.contains("Digital Signature"))
        #expect(!text.contains("Extended Key Usage") && text.contains("prime256v1"))
    }

    @Test func aConsortiumSaysWhoIsTrusted() throws {
        try keys("owner", "alice", "stranger")
        try story.run(["ca", "init", "ca", "--name", "clinics", "--no-passphrase"])
        #expect(try mode("ca/ca.identity") == 0o600)
        try story.run(["ca", "issue", "owner.card", "--ca", "ca", "--days", "30", "-o", "owner.pem"])
        try expectFailure(["keygen", "stranger", "--certificate", "owner.pem"], naming: "was not issued for the key")
        try story.run(["keygen", "owner", "--certificate", "owner.pem"])
        #expect(try mode("owner.identity") == 0o600)
        try story.compress()
        try seal()
        try seal(by: "stranger", as: "stranger.fsot")
        try story.run(open(["--ca", "ca"], into: "a"))
        try story.run(open(["--ca", "ca/ca.pem", "--from", "owner.card"], into: "b"))
        try expectFailure(open(["--ca", "ca"], "stranger.fsot"), naming: "was not issued by clinics")
        try expectFailure(open(["--ca", "owner.pem"]), naming: "owner.pem")
        try expectFailure(["ca", "revoke", "stranger.card", "--ca", "ca"], naming: "clinics did not issue it")

        try story.run(["ca", "revoke", "owner.pem", "--ca", "ca", "--reason", "key lost"])
        try expectFailure(open(["--ca", "ca"]), naming: "was revoked on ")
        try expectFailure(open(["--ca", "ca"]), naming: "(key lost); do not use it")
        try expectFailure(["ca", "revoke", "owner.card", "--ca", "ca"], naming: "it is revoked already")
        let list = try scratch.read("ca/revoked.json")
        try scratch.write(list.replacingOccurrences(of: "key lost", with: "all well"), "ca/revoked.json")
        try expectFailure(open(["--ca", "ca"]), naming: "ca/revoked.json")
        try expectFailure(
            ["ca", "issue", "owner.card", "--ca", "emulator", "-o", "y"],
            naming: "emulator has no ca.identity"
        )
    }

    @Test func aDirectoryThatHoldsMoreThanAnEmulatorIsNotSealed() throws {
        try keys("owner", "alice")
        try story.compress()
        let path = scratch.path + "/emulator/model.safetensors"
        let seal = ["seal", "emulator", "--to", "alice.card", "--sign", "owner.identity", "-q", "-o", "x.fsot"]
        let original = try Data(contentsOf: URL(fileURLWithPath: path))
        func rewrite(
            metadata: [String: String] = [:],
            _ change: (inout [SafetensorsWriter.Entry]) throws -> Void
        ) throws {
            try original.write(to: URL(fileURLWithPath: path))
            let file = try SafetensorsFile(path: path)
            var entries = try file.tensorNames.map {
                SafetensorsWriter.Entry(name: $0, shape: try file.info($0).shape, values: try file.values($0))
            }
            try change(&entries)
            try SafetensorsWriter.write(entries, metadata: metadata, to: path)
        }
        try rewrite { $0.append(.init(name: "model.layers.9.mlp.up_proj.weight", shape: [1], values: [1])) }
        try expectFailure(seal, naming: "model.layers.9.mlp.up_proj.weight")
        try rewrite { $0.append(.init(name: "model.layers.0.self_attn.rotary_emb.inv_freq", shape: [1], values: [1])) }
        try expectFailure(seal, naming: "rotary_emb.inv_freq")
        try rewrite { $0.removeAll { $0.name == "model.layers.1.mlp.up_proj.weight" } }
        try expectFailure(seal, naming: "model.layers.1.mlp.up_proj.weight")
        try rewrite {
            $0.removeAll { $0.name == "model.norm.weight" }
            $0.append(.init(name: "model.norm.weight", shape: [3], values: [1, 1, 1]))
        }
        try expectFailure(seal, naming: "model.norm.weight")
        try rewrite(metadata: ["source_layers": "4,7"]) { _ in }
        try expectFailure(seal, naming: "carries the metadata source_layers")
        try original.write(to: URL(fileURLWithPath: path))
        let description = try scratch.read("emulator/emulator.json")
        try scratch.write(
            description.replacingOccurrences(of: "{\n", with: "{\n\"kept_layers\": [1],\n"),
            "emulator/emulator.json"
        )
        try expectFailure(seal, naming: "it has a key that this version does not know")
        try scratch.write(description, "emulator/emulator.json")
        try scratch.write("secret", "emulator/release.json")
        try expectFailure(seal, naming: "release.json is not a file that a sealed emulator may hold")
        try FileManager.default.removeItem(atPath: scratch.path + "/emulator/release.json")
        try story.run(seal)
    }
}

/// The stock tools that open what we seal.
enum StockTools {
    static let areAllThere = ["sh", "age", "openssl", "tar"].allSatisfy { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// Runs a shell line in `directory`; returns its status and what it printed.
    static func run(_ line: String, in directory: String) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec 2>&1; \(line)"]
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
