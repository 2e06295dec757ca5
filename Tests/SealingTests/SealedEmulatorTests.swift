import Cryptography
import Foundation
import Progress
import Sealing
import Testing

@Suite("Sealed emulators")
struct SealedEmulatorTests {
    /// An owner, three data holders, and an emulator directory sealed to the first two.
    final class Scene {
        let scratch: Scratch
        let owner: Identity
        let holders: [Identity]
        let files: [String: [UInt8]]

        init(weights: Int = 3000) throws {
            scratch = try Scratch()
            owner = try Identity.generate(name: "owner")
            holders = try ["alice", "bob", "carol"].map { try Identity.generate(name: $0) }
            files = [
                "config.json": Array("{\"model_type\":\"llama\"}".utf8),
                "emulator.json": Array("{\"release_id\":\"r1\"}".utf8),
                "LICENSE": Array("Apache\n".utf8),
                "model.safetensors": SecureRandom.bytes(weights),
            ]
            for (name, bytes) in files { try scratch.write(bytes, to: "emulator/\(name)") }
        }

        static func description(_ commitment: String = String(repeating: "0a", count: 32)) -> EmulatorDescription {
            EmulatorDescription(
                name: "half",
                releaseID: "r1",
                licence: "Apache-2.0",
                architecture: "llama",
                baseModelCommitment: commitment
            )
        }

        @discardableResult
        func seal(_ output: String = "x.fsot", onProgress: ProgressHandler? = nil) throws -> SealedManifest {
            try SealedEmulator.seal(
                directory: scratch("emulator"),
                to: scratch(output),
                emulator: Self.description(),
                recipients: holders.prefix(2).map { try $0.card },
                signedBy: owner,
                onProgress: onProgress
            )
        }

        @discardableResult
        func open(
            _ name: String = "x.fsot",
            as holder: Int = 0,
            into output: String = "out",
            owner: IdentityCard? = nil
        ) throws -> SealedEmulator.Inspection {
            try SealedEmulator.open(
                scratch(name),
                into: scratch(output),
                identity: holders[holder],
                trust: SignerTrust(owner: owner)
            )
        }

        func content(of directory: String) throws -> [String: [UInt8]] {
            let names = try FileManager.default.contentsOfDirectory(atPath: scratch(directory))
            return try Dictionary(uniqueKeysWithValues: names.map { ($0, try scratch.bytes("\(directory)/\($0)")) })
        }
    }

    @Test(arguments: [0, 100, 300_000])
    func bothRecipientsOpenItAndTheThirdDoesNot(_ weights: Int) throws {
        let scene = try Scene(weights: weights)
        let manifest = try scene.seal()
        for (index, holder) in scene.holders.prefix(2).enumerated() {
            let opened = try scene.open(as: index, into: holder.name, owner: scene.owner.card)
            #expect(opened.manifest == manifest)
            #expect(try opened.signer.fingerprint == scene.owner.card.fingerprint)
            #expect(try scene.content(of: holder.name) == scene.files)
        }
        let path = scene.scratch("x.fsot")
        #expect(throws: SealingError.notARecipient(what: path, identity: "carol")) { try scene.open(as: 2) }
        #expect(try scene.scratch.names == ["alice", "bob", "emulator", "x.fsot"])
    }

    @Test func theManifestSaysWhatArchitecturePromises() throws {
        let scene = try Scene()
        let manifest = try scene.seal()
        let inspection = try SealedEmulator.inspect(scene.scratch("x.fsot"))
        #expect(inspection.manifest == manifest && inspection.signer.name == "owner")
        #expect(manifest.to.map(\.name) == ["alice", "bob"])
        #expect(manifest.files.map(\.name) == ["LICENSE", "config.json", "emulator.json", "model.safetensors"])
        for file in manifest.files {
            let bytes = try #require(scene.files[file.name])
            #expect(file.size == bytes.count)
            #expect(file.sha256 == SHA256.digest(bytes).hexadecimal)
        }
        #expect(manifest.licence.textSHA256 == manifest.files[0].sha256)
        #expect(manifest.releaseID == "r1" && manifest.architecture == "llama")
    }

    /// One bit in each of the archive's 512-byte headers and every few bytes of all contents.
    @Test func everyChangedRegionIsRefusedAndLeavesNothing() throws {
        let scene = try Scene()
        try scene.seal()
        let whole = try scene.scratch.bytes("x.fsot")
        let before = try scene.scratch.names + ["y.fsot"]
        var places = Set(stride(from: 0, to: whole.count, by: 11))
        for start in stride(from: 0, to: whole.count, by: 512) { places.formUnion(start..<min(start + 4, whole.count)) }
        places.formUnion(whole.count - 40..<whole.count)
        for place in places {
            var changed = whole
            changed[place] ^= 1
            try scene.scratch.write(changed, to: "y.fsot")
            #expect(throws: SealingError.self, "byte \(place)") { try scene.open("y.fsot") }
        }
        #expect(try scene.scratch.names == before.sorted())
    }

    @Test func everyCutAndEveryAdditionIsRefused() throws {
        let scene = try Scene()
        try scene.seal()
        let whole = try scene.scratch.bytes("x.fsot")
        for length in Array(stride(from: 0, to: whole.count, by: 97)) + [whole.count - 1, whole.count - 512] {
            try scene.scratch.write(Array(whole[..<length]), to: "y.fsot")
            #expect(throws: SealingError.self, "\(length) bytes") { try scene.open("y.fsot") }
        }
        try scene.scratch.write(whole + [1], to: "y.fsot")
        #expect(throws: SealingError.self) { try scene.open("y.fsot") }
        #expect(try scene.scratch.names == ["emulator", "x.fsot", "y.fsot"])
    }

    /// Somebody with own keys can make a consistent seal, but not the owner's.
    @Test func anotherSignerIsNoticed() throws {
        let scene = try Scene()
        let forger = try Identity.generate(name: "owner")
        try SealedEmulator.seal(
            directory: scene.scratch("emulator"),
            to: scene.scratch("x.fsot"),
            emulator: Scene.description(),
            recipients: [scene.holders[0].card],
            signedBy: forger
        )
        let error = #expect(throws: SealingError.self) { try scene.open(owner: scene.owner.card) }
        if case .wrongSigner = error {} else { Issue.record("\(String(describing: error))") }
        #expect(try scene.open().signer.fingerprint == forger.card.fingerprint)
    }

    /// Parts of two seals by the same owner do not go together.
    @Test func partsCannotBeExchanged() throws {
        let scene = try Scene()
        try scene.seal("x.fsot")
        try scene.seal("y.fsot")
        func parts(_ name: String) throws -> [String: [UInt8]] { try TarTests.files(scene.scratch.bytes(name)) }
        let names = ["manifest.json", "manifest.p7s", "payload.age"]
        let (x, y) = (try parts("x.fsot"), try parts("y.fsot"))
        #expect(x.keys.sorted() == names)
        for exchanged in names {
            let mixed = try names.map { ($0, try #require(($0 == exchanged ? y : x)[$0])) }
            try scene.scratch.write(TarTests.archive(mixed), to: "z.fsot")
            #expect(throws: SealingError.self, "\(exchanged)") { try scene.open("z.fsot") }
        }
        let same = try names.map { ($0, try #require(x[$0])) }
        try scene.scratch.write(TarTests.archive(same + [("zebra", [1])]), to: "z.fsot")
        #expect(throws: SealingError.self) { try scene.open("z.fsot") }
        try scene.scratch.write(TarTests.archive(same), to: "z.fsot")
        try scene.open("z.fsot")
    }

    /// An owner's own signature does not excuse a payload that is not what the manifest says.
    @Test(arguments: ["ledger.json", "../x"])
    func signedManifestsAreStillChecked(_ name: String) throws {
        let scene = try Scene()
        try scene.seal()
        let parts = try TarTests.files(scene.scratch.bytes("x.fsot"))
        func resealed(_ change: (String) -> String) throws {
            let text = String(decoding: try #require(parts["manifest.json"]), as: UTF8.self)
            let manifest = Array(change(text).utf8)
            let archive = try TarTests.archive([
                ("manifest.json", manifest), ("manifest.p7s", CMSSignature.sign(manifest, by: scene.owner)),
                ("payload.age", #require(parts["payload.age"])),
            ])
            try scene.scratch.write(archive, to: "z.fsot")
        }
        try resealed { $0.replacingOccurrences(of: "\"emulator.json\"", with: "\"\(name)\"") }
        #expect(throws: SealingError.self) { try scene.open("z.fsot") }
        try resealed { $0.replacingOccurrences(of: "\"version\" : 1", with: "\"version\" : 9") }
        #expect(throws: SealingError.unknownVersion(what: scene.scratch("z.fsot"), version: 9)) {
            try scene.open("z.fsot")
        }
        try resealed { $0.replacingOccurrences(of: "\"size\" : 3000", with: "\"size\" : 2999") }
        #expect(throws: SealingError.self) { try scene.open("z.fsot") }
        let digest = SHA256.digest(try #require(scene.files["model.safetensors"])).map { String(format: "%02x", $0) }
        try resealed { $0.replacingOccurrences(of: digest.joined(), with: String(repeating: "00", count: 32)) }
        #expect(throws: SealingError.self) { try scene.open("z.fsot") }
        try resealed { $0.replacingOccurrences(of: "\"name\" : \"owner\"", with: "\"name\" : \"other\"") }
        #expect(throws: SealingError.self) { try scene.open("z.fsot") }
        #expect(try scene.scratch.names == ["emulator", "x.fsot", "z.fsot"])
        try resealed { $0 }
        try scene.open("z.fsot")
    }

    @Test(arguments: ["owner.json", ".hidden", "model-00001-of-00002.safetensors", "Config.json"])
    func otherFilesAreRefusedByName(_ name: String) throws {
        let scene = try Scene()
        try scene.scratch.write([1], to: "emulator/\(name)")
        #expect(throws: SealingError.notOnTheAllowList(path: scene.scratch("emulator/\(name)"))) { try scene.seal() }
        #expect(try scene.scratch.names == ["emulator"])
    }

    @Test func linksAndMissingFilesAreRefused() throws {
        let scene = try Scene()
        let manager = FileManager.default
        try manager.removeItem(atPath: scene.scratch("emulator/model.safetensors"))
        #expect(throws: SealingError.missingFile(directory: scene.scratch("emulator"), name: "model.safetensors")) {
            try scene.seal()
        }
        let link = scene.scratch("emulator/model.safetensors")
        try manager.createSymbolicLink(atPath: link, withDestinationPath: "/etc/hostname")
        #expect(throws: SealingError.notOnTheAllowList(path: link)) { try scene.seal() }
        #expect(throws: SealingError.self) {
            try SealedEmulator.seal(
                directory: scene.scratch("nothing"),
                to: scene.scratch("x.fsot"),
                emulator: Scene.description(),
                recipients: [scene.holders[0].card],
                signedBy: scene.owner
            )
        }
    }

    @Test func senselessRequestsAreRefused() throws {
        let scene = try Scene()
        let card = try scene.holders[0].card
        func seal(_ recipients: [IdentityCard], _ emulator: EmulatorDescription = Scene.description()) throws {
            try SealedEmulator.seal(
                directory: scene.scratch("emulator"),
                to: scene.scratch("x.fsot"),
                emulator: emulator,
                recipients: recipients,
                signedBy: scene.owner
            )
        }
        #expect(throws: SealingError.noRecipients) { try seal([]) }
        #expect(throws: SealingError.self) { try seal([card, card]) }
        #expect(throws: SealingError.self) { try seal([card], Scene.description("sha")) }
        #expect(try scene.scratch.names == ["emulator"])
    }

    @Test func theCommitmentNeedsItsKey() throws {
        let scene = try Scene()
        let files = ["emulator/config.json", "emulator/model.safetensors"].map { scene.scratch($0) }
        let keys = try (0..<2).map { _ in try SecretBytes.random(count: BaseModelCommitment.keyLength) }
        let commitment = try BaseModelCommitment.make(files: files, key: keys[0])
        #expect(commitment.count == 64)
        #expect(try BaseModelCommitment.make(files: files, key: keys[0]) == commitment)
        #expect(try BaseModelCommitment.make(files: files, key: keys[1]) != commitment)
        #expect(try BaseModelCommitment.make(files: files.reversed(), key: keys[0]) != commitment)
        let message =
            Array("fsot/base-model/1\n".utf8) + SHA256.digest(try scene.scratch.bytes("emulator/config.json"))
            + SHA256.digest(try scene.scratch.bytes("emulator/model.safetensors"))
        #expect(commitment == HMACSHA256.code(for: message, key: keys[0]).hexadecimal)
    }

    @Test(.enabled(if: Tools.areAllThere, "needs tar, age and openssl"))
    func stockToolsOpenIt() throws {
        let scene = try Scene(weights: 200_000)
        try scene.seal()
        try scene.holders[0].save(to: scene.scratch("alice.identity"))
        try scene.scratch.write(Array(scene.owner.certificate.pem().utf8), to: "owner.pem")
        let unpacked = try Tools.run("tar -tf x.fsot && tar -xf x.fsot", in: scene.scratch.path)
        #expect(unpacked.output == "manifest.json\nmanifest.p7s\npayload.age\n")
        let verification =
            "openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -CAfile owner.pem -out /dev/null"
        let verified = try Tools.run(verification, in: scene.scratch.path)
        #expect(verified.status == 0, "\(verified.output)")
        let opened = try Tools.run(
            "mkdir plain && age -d -i alice.identity payload.age | tar -xf - -C plain",
            in: scene.scratch.path
        )
        #expect(opened.status == 0, "\(opened.output)")
        #expect(try scene.content(of: "plain") == scene.files)
        let changed = try Tools.run("sed -i s/half/full/ manifest.json && \(verification)", in: scene.scratch.path)
        #expect(changed.status != 0)
    }

    /// `openssl cms -sign` makes a signature that ours verifies.
    @Test(.enabled(if: Tools.areAllThere, "needs tar, age and openssl"))
    func signaturesOfOpenSSLVerify() throws {
        let scene = try Scene()
        try scene.owner.save(to: scene.scratch("owner.identity"))
        try scene.scratch.write(Array("report\n".utf8), to: "report.json")
        let line =
            "sed -n 's/^# //p' owner.identity > o.pem && openssl cms -sign -binary -md sha256 -in report.json "
            + "-signer o.pem -inkey o.pem -outform DER -out report.json.p7s"
        let signed = try Tools.run(line, in: scene.scratch.path)
        #expect(signed.status == 0, "\(signed.output)")
        #expect(try CMSSignature.verify(file: scene.scratch("report.json"), signer: scene.owner.card).name == "owner")
    }
}
