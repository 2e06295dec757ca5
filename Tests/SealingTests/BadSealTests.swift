import Cryptography
import Foundation
import Sealing
import Testing

/// What a forger, a careless owner or a bad line can do to a sealed file: each has an error of its own, and nothing is left.
@Suite("Bad seals")
struct BadSealTests {
    private let scene: SealedEmulatorTests.Scene
    private var path: String { scene.scratch("z.fsot") }

    init() throws { scene = try SealedEmulatorTests.Scene() }

    private func parts(_ name: String = "x.fsot") throws -> [String: [UInt8]] {
        try TarTests.files(scene.scratch.bytes(name))
    }

    private func write(_ manifest: [UInt8], _ signature: [UInt8], _ payload: [UInt8]) throws {
        let archive = [("manifest.json", manifest), ("manifest.p7s", signature), ("payload.age", payload)]
        try scene.scratch.write(TarTests.archive(archive), to: "z.fsot")
    }

    /// Signs a payload as if the owner had: the manifest says what `change` makes of it.
    private func reseal(
        _ payload: [UInt8],
        by signer: Identity? = nil,
        _ change: (inout [String: Any]) -> Void = { _ in }
    ) throws {
        let signer = signer ?? scene.owner
        let data = Data(try #require(try parts()["manifest.json"]))
        var manifest = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        manifest["payload"] = ["name": "payload.age", "sha256": hex(SHA256.digest(payload)), "size": payload.count]
        manifest["from"] = [
            "name": signer.name, "certificate_sha256": hex(try signer.certificate.fingerprint()),
        ]
        change(&manifest)
        let bytes = Array(try JSONSerialization.data(withJSONObject: manifest))
        try write(bytes, CMSSignature.sign(bytes, by: signer), payload)
    }

    private func hex(_ bytes: [UInt8]) -> String { bytes.hexadecimal }

    /// The age file of a tar of these files, for alice and bob.
    private func payload(_ files: [(String, [UInt8])], to recipients: Int = 2) throws -> [UInt8] {
        try encrypted(TarTests.archive(files), to: recipients)
    }

    private func encrypted(_ plain: [UInt8], to recipients: Int = 2) throws -> [UInt8] {
        let sink = MemorySink()
        let encryptor = try AgeEncryptor(to: scene.holders.prefix(recipients).map(\.age.recipient), sink: sink)
        try plain.withUnsafeBytes { try encryptor.write($0) }
        try encryptor.finish()
        return sink.bytes
    }

    private var sorted: [(String, [UInt8])] { scene.files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    private func expect(_ text: String, trust: SignerTrust = SignerTrust(), as holder: Int = 0) throws {
        let before = try scene.scratch.names
        let error = #expect(throws: SealingError.self) {
            try SealedEmulator.open(
                path,
                into: scene.scratch("out"),
                identity: scene.holders[holder],
                trust: trust
            )
        }
        #expect("\(error.map(String.init(describing:)) ?? "")".contains(text), "\(error.map { "\($0)" } ?? "")")
        #expect(throws: SealingError.self) {
            try SealedEmulator.openInMemory(path, identity: scene.holders[holder], trust: trust)
        }
        #expect(try scene.scratch.names == before)
    }

    // MARK: - The file

    @Test func truncatedAtEveryBoundary() throws {
        try scene.seal()
        let whole = try scene.scratch.bytes("x.fsot")
        var lengths = Set(stride(from: 0, through: whole.count - 1, by: 512))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<40 { lengths.insert(Int.random(in: 0..<whole.count, using: &generator)) }
        for length in lengths {
            try scene.scratch.write(Array(whole[..<length]), to: "z.fsot")
            let error = #expect(throws: SealingError.self, "\(length) bytes") {
                try SealedEmulator.openInMemory(path, identity: scene.holders[0])
            }
            guard case .malformed = error else {
                Issue.record("\(length) bytes: \(String(describing: error))")
                continue
            }
        }
    }

    @Test func reorderedParts() throws {
        try scene.seal()
        let parts = try parts()
        let sink = MemorySink()
        for name in ["manifest.p7s", "manifest.json", "payload.age"] {
            let archive = MemorySink()
            let writer = TarWriter(archive)
            let bytes = try #require(parts[name])
            try writer.append(name: name, size: bytes.count, from: MemorySource(bytes))
            archive.bytes.withUnsafeBytes { sink.write($0) }
        }
        try scene.scratch.write(sink.bytes + [UInt8](repeating: 0, count: 1024), to: "z.fsot")
        try expect("manifest.json is not where it should be")
    }

    @Test func splicedFromTwoSeals() throws {
        try scene.seal("x.fsot")
        try scene.seal("y.fsot")
        let (x, y) = (try parts("x.fsot"), try parts("y.fsot"))
        let manifest = try #require(x["manifest.json"])
        try write(manifest, try #require(y["manifest.p7s"]), try #require(x["payload.age"]))
        try expect("its signature does not fit")
        try write(manifest, try #require(x["manifest.p7s"]), try #require(y["payload.age"]))
        try expect("its payload is not the one that was signed")
    }

    /// Alice opens the payload and wraps its key for Carol too, under the owner's manifest and signature.
    @Test func rewrappedForSomebodyElse() throws {
        try scene.seal()
        let parts = try parts()
        let again = try payload(sorted, to: 3)
        try write(try #require(parts["manifest.json"]), try #require(parts["manifest.p7s"]), again)
        try expect("its payload does not have the size that was signed")
        let same = try payload(sorted)
        try write(try #require(parts["manifest.json"]), try #require(parts["manifest.p7s"]), same)
        try expect("its payload is not the one that was signed")
        try expect("carol is not a recipient of", as: 2)
    }

    // MARK: - The manifest

    @Test func otherRecipientsThanThePayloads() throws {
        try scene.seal()
        try reseal(try payload(sorted, to: 3))
        try expect("is encrypted to others than its manifest says")
        let carol = scene.holders[2].age.recipient.description
        try reseal(try payload(sorted)) { manifest in
            manifest["to"] = [["name": "carol", "age_recipient": carol]]
        }
        try expect("alice is not a recipient of")
        // The manifest names carol, but the payload is not for her: somebody changed one of the two.
        try expect("is encrypted to others than its manifest says", as: 2)
    }

    @Test func somebodyElsesSignature() throws {
        try scene.seal()
        try reseal(try payload(sorted), by: try Identity.generate(name: "mallory"))
        try expect("was sealed by mallory (", trust: SignerTrust(owner: try scene.owner.card))
        let manifest = try #require(try parts()["manifest.json"])
        try write(
            manifest,
            CMSSignature.sign(manifest, by: try Identity.generate(name: "owner")),
            try #require(try parts()["payload.age"])
        )
        try expect("its manifest names another owner than its signature")
    }

    // MARK: - The payload

    @Test func anExtraAndAMissingFile() throws {
        try scene.seal()
        try reseal(try payload(sorted + [("zebra", [1])]))
        try expect("its payload also holds zebra")
        try reseal(try payload(Array(sorted.dropLast())))
        try expect("its payload lacks model.safetensors")
        try reseal(try payload(sorted.map { ($0.0 == "config.json" ? "configs.json" : $0.0, $0.1) }))
        try expect("its payload holds configs.json where the manifest says config.json")
    }

    @Test func otherContentThanTheManifests() throws {
        try scene.seal()
        try reseal(
            try payload(sorted.map { ($0.0, $0.0 == "config.json" ? [UInt8](repeating: 0, count: $0.1.count) : $0.1) })
        )
        try expect("config.json is not the one that was signed")
        try reseal(try payload(sorted.map { ($0.0, $0.0 == "config.json" ? $0.1 + [0] : $0.1) }))
        try expect("bytes in its payload where the manifest says")
    }

    /// Raw headers that ``TarWriter`` would not write.
    @Test(arguments: [
        ("../../etc/cron.d/x", UInt8(ascii: "0"), "its name is not safe"),
        ("/etc/x", UInt8(ascii: "0"), "its name is not safe"),
        ("config.json", UInt8(ascii: "2"), "is not a plain file"),
        ("config.json", UInt8(ascii: "1"), "is not a plain file"),
        ("config.json", UInt8(ascii: "5"), "is not a plain file"),
        ("config.json", UInt8(ascii: "x"), "is not a plain file"),
    ])
    func entriesThatAreNoPlainFiles(_ name: String, _ kind: UInt8, _ text: String) throws {
        try scene.seal()
        let license = try TarTests.archive([("LICENSE", scene.files["LICENSE"] ?? [])]).dropLast(1024)
        let plain = Array(license) + RawTar.header(name: name, size: 0, kind: kind) + [UInt8](repeating: 0, count: 1024)
        try reseal(try encrypted(plain))
        try expect(text)
    }

    @Test func oversizeEntries() throws {
        try scene.seal()
        let license = try TarTests.archive([("LICENSE", scene.files["LICENSE"] ?? [])]).dropLast(1024)
        let huge = RawTar.header(name: "config.json", size: (1 << 33) - 1, kind: UInt8(ascii: "0"))
        try reseal(try encrypted(Array(license) + huge + [UInt8](repeating: 0, count: 2048)))
        try expect("bytes in its payload where the manifest says")
        let parts = try parts()
        let front = RawTar.header(name: "manifest.json", size: 5 << 20, kind: UInt8(ascii: "0"))
        try scene.scratch.write(front + [UInt8](repeating: 32, count: 6 << 20), to: "z.fsot")
        try expect("manifest.json has more than 4194304 bytes")
        let signature = try #require(parts["manifest.json"])
        let archive = [("manifest.json", signature), ("manifest.p7s", [UInt8](repeating: 0, count: 70_000))]
        try scene.scratch.write(TarTests.archive(archive), to: "z.fsot")
        try expect("manifest.p7s has more than 65536 bytes")
    }

    // MARK: - The certificate

    @Test func certificatesOutsideTheirDates() throws {
        try scene.seal()
        try scene.scratch.write(scene.scratch.bytes("x.fsot"), to: "z.fsot")
        let years = 86_400.0 * 3660
        try expect("expired on ", trust: SignerTrust(date: Date(timeIntervalSinceNow: years)))
        try expect("is valid from ", trust: SignerTrust(date: Date(timeIntervalSinceNow: -86_400)))
        try SealedEmulator.open(path, into: scene.scratch("out"), identity: scene.holders[0])
    }

    private func authority(_ name: String = "clinics", in directory: String = "ca") throws -> CertificateAuthority {
        try CertificateAuthority.create(directory: scene.scratch(directory), name: name, passphrase: nil)
    }

    @Test func certificatesOfAnAuthority() throws {
        let authority = try authority()
        let owner = try scene.owner.carrying(authority.issue(to: scene.owner.card, days: 30).certificate)
        #expect(try IdentityCard(decoding: owner.card.encoded(), what: "card").fingerprint == owner.card.fingerprint)
        try scene.seal()
        try reseal(try scene.bytes(of: "payload.age"), by: owner)
        func trust(_ directory: String = "ca", later seconds: Double = 0) throws -> SignerTrust {
            SignerTrust(
                authority: try TrustedAuthority(path: scene.scratch(directory)),
                date: Date(timeIntervalSinceNow: seconds)
            )
        }
        try SealedEmulator.open(path, into: scene.scratch("out"), identity: scene.holders[0], trust: trust())
        try expect("expired on ", trust: trust(later: 86_400 * 31))
        _ = try self.authority("others", in: "others")
        try expect("was not issued by others", trust: trust("others"))
        // An authority of the same name is another one.
        _ = try self.authority("clinics", in: "twins")
        try expect("was not issued by clinics", trust: trust("twins"))
        let list = try authority.revoke(owner.certificate, reason: "key lost")
        #expect(list.number == 1 && list.revoked.map(\.name) == ["owner"])
        try expect("was revoked on ", trust: trust())
        #expect(throws: SealingError.self) { try authority.revoke(owner.certificate, reason: "again") }
        #expect(throws: SealingError.self) { try authority.revoke(scene.owner.certificate, reason: "not ours") }
    }

    @Test func aListThatTheAuthorityDidNotSignIsRefused() throws {
        let authority = try authority()
        _ = try self.authority("others", in: "others")
        let owner = try scene.owner.carrying(authority.issue(to: scene.owner.card, days: 30).certificate)
        try authority.revoke(owner.certificate, reason: "key lost")
        let names = ["revoked.json", "revoked.json.p7s"]
        for name in names { try scene.scratch.write(scene.scratch.bytes("others/\(name)"), to: "ca/\(name)") }
        #expect(throws: SealingError.self) { try TrustedAuthority(path: scene.scratch("ca")) }
        try FileManager.default.removeItem(atPath: scene.scratch("ca/revoked.json"))
        #expect(throws: SealingError.self) { try TrustedAuthority(path: scene.scratch("ca/ca.pem")) }
    }

    @Test func authoritiesIssueOnlyWhatTheyShould() throws {
        let authority = try authority()
        let identity = try Identity.load(scene.scratch("ca/ca.identity"))
        #expect(throws: SealingError.self) { try authority.issue(to: identity.card, days: 1) }
        #expect(throws: SealingError.self) {
            try authority.issue(to: try Identity.generate(name: "clinics").card, days: 1)
        }
        let certificate = try authority.issue(to: scene.owner.card, days: 1).certificate
        #expect(
            !certificate.isAuthority && certificate.isIssued(by: authority.certificate) && !certificate.isSelfSigned
        )
        #expect(throws: SealingError.self) { try scene.holders[0].carrying(certificate) }
        #expect(throws: SealingError.self) {
            try CertificateAuthority(opening: scene.scratch("ca"), identity: scene.owner)
        }
        try scene.seal()
        try reseal(try scene.bytes(of: "payload.age"), by: identity)
        try expect("it was signed by a certificate authority, not by an owner")
    }

    @Test(.enabled(if: Tools.areAllThere, "needs tar, age and openssl"))
    func stockToolsVerifyAnIssuedCertificate() throws {
        let authority = try authority()
        let owner = try scene.owner.carrying(authority.issue(to: scene.owner.card, days: 30).certificate)
        try scene.seal()
        try reseal(try scene.bytes(of: "payload.age"), by: owner)
        let verified = try Tools.run(
            "tar -xf z.fsot && openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json "
                + "-CAfile ca/ca.pem -out /dev/null && openssl verify -CAfile ca/ca.pem ca/issued/*.pem && openssl cms "
                + "-verify -binary -inform DER -in ca/revoked.json.p7s -content ca/revoked.json -CAfile ca/ca.pem -out /dev/null",
            in: scene.scratch.path
        )
        #expect(verified.status == 0, "\(verified.output)")
    }
}

extension SealedEmulatorTests.Scene {
    /// A part of `x.fsot`.
    func bytes(of part: String) throws -> [UInt8] { try TarTests.files(scratch.bytes("x.fsot"))[part] ?? [] }
}

/// ustar headers with whatever is wanted in them.
enum RawTar {
    static func header(name: String, size: Int, kind: UInt8) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            block.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
        }
        func octal(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(name, at: 0)
        put("0000644", at: 100)
        put(octal(size, 11), at: 124)
        put(octal(0, 11), at: 136)
        put("ustar", at: 257)
        put("00", at: 263)
        block[156] = kind
        for index in 148..<156 { block[index] = 32 }
        put(octal(block.reduce(0) { $0 + Int($1) }, 6), at: 148)
        block[154] = 0
        return block
    }
}
