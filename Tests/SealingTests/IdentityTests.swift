import AtomicFiles
import Cryptography
import Foundation
import Sealing
import Testing

@Suite("Identities and cards")
struct IdentityTests {
    private func same(_ left: Identity, _ right: Identity) throws -> Bool {
        try left.name == right.name && left.created == right.created && left.age.text() == right.age.text()
            && left.ed25519.seed == right.ed25519.seed && left.certificate.der() == right.certificate.der()
            && left.certificate.matches(right.signingKey)
    }

    private func passphrase(_ text: String) throws -> SecretBytes { try SecretBytes(copying: Array(text.utf8)) }

    @Test func survivesItsFileAndKeepsItPrivate() throws {
        let scratch = try Scratch()
        let identity = try Identity.generate(name: "alice-1.x_y")
        try identity.save(to: scratch("a.identity"))
        #expect(try same(Identity.load(scratch("a.identity")), identity))
        let mode = try FileManager.default.attributesOfItem(atPath: scratch("a.identity"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: AtomicFileError.self) { try identity.save(to: scratch("a.identity")) }
        #expect(try scratch.names == ["a.identity"])
    }

    @Test func aPassphraseProtectsIt() throws {
        let scratch = try Scratch()
        let identity = try Identity.generate(name: "alice")
        let path = scratch("a.identity")
        try identity.save(to: path, passphrase: passphrase("correct horse"))
        #expect(try same(Identity.load(path, passphrase: passphrase("correct horse")), identity))
        #expect(throws: SealingError.passphraseNeeded(path: path)) { try Identity.load(path) }
        #expect(throws: SealingError.wrongPassphrase(path: path)) {
            try Identity.load(path, passphrase: passphrase("wrong horse"))
        }
        let text = String(decoding: try scratch.bytes("a.identity"), as: UTF8.self)
        #expect(!text.contains("AGE-SECRET") && !text.contains("PRIVATE"))
        try scratch.write(Array(text.replacingOccurrences(of: "\"alice\"", with: "\"malice\"").utf8), to: "b")
        #expect(throws: SealingError.wrongPassphrase(path: scratch("b"))) {
            try Identity.load(scratch("b"), passphrase: passphrase("correct horse"))
        }
        let greedy = text.replacingOccurrences(of: "268435456", with: "1099511627776")
        try scratch.write(Array(greedy.utf8), to: "c")
        #expect(throws: SealingError.self) { try Identity.load(scratch("c"), passphrase: passphrase("correct horse")) }
    }

    @Test(arguments: ["", "a b", "a/b", "ä", String(repeating: "a", count: 65), "a\nb", "a,b"])
    func badNames(_ name: String) {
        #expect(throws: SealingError.badName(name)) { try Identity.generate(name: name) }
    }

    /// Leaving out a line, and putting in another identity's line, are both seen.
    @Test func everyLineOfTheFileCounts() throws {
        let scratch = try Scratch()
        let texts = try ["a", "a"].enumerated().map { index, name in
            try Identity.generate(name: name).save(to: scratch("\(index)"))
            return String(decoding: try scratch.bytes("\(index)"), as: UTF8.self).split(separator: "\n").map(
                String.init
            )
        }
        for index in texts[0].indices {
            try scratch.write(
                Array((texts[0][..<index] + texts[0][(index + 1)...]).joined(separator: "\n").utf8),
                to: "x"
            )
            #expect(throws: (any Error).self, "without \(texts[0][index])") { try Identity.load(scratch("x")) }
            if texts[0][index] == texts[1][index] || texts[0][index].contains("created") { continue }
            var mixed = texts[0]
            mixed[index] = texts[1][index]
            try scratch.write(Array(mixed.joined(separator: "\n").utf8), to: "x")
            #expect(throws: (any Error).self, "with another \(texts[0][index])") { try Identity.load(scratch("x")) }
        }
        let later = texts[0].joined(separator: "\n").replacingOccurrences(of: "identity 1", with: "identity 2")
        try scratch.write(Array(later.utf8), to: "y")
        #expect(throws: SealingError.unknownVersion(what: scratch("y"), version: 2)) { try Identity.load(scratch("y")) }
        #expect(throws: SealingError.self) { try Identity.load(scratch("missing")) }
    }

    @Test func cardsCarryThePublicHalfAndNothingElse() throws {
        let scratch = try Scratch()
        let identity = try Identity.generate(name: "alice")
        try identity.card.save(to: scratch("alice.card"))
        let card = try IdentityCard(path: scratch("alice.card"))
        #expect(card.name == "alice" && card.recipient == identity.age.recipient)
        #expect(card.ed25519PublicKey == identity.ed25519.publicKey)
        #expect(try card.certificate.der() == identity.certificate.der())
        let text = String(decoding: try card.encoded(), as: UTF8.self)
        #expect(!text.contains("SECRET") && !text.contains("PRIVATE"))
        #expect(text == String(decoding: try scratch.bytes("alice.card"), as: UTF8.self))
    }

    @Test func aChangedCardIsRefused() throws {
        let card = try Identity.generate(name: "alice").card
        let other = try Identity.generate(name: "alice").card
        let text = String(decoding: try card.encoded(), as: UTF8.self)
        var changes = [
            text.replacingOccurrences(of: card.recipient.description, with: other.recipient.description),
            text.replacingOccurrences(of: "\"alice\"", with: "\"malice\""),
            text.replacingOccurrences(of: "\"version\" : 1", with: "\"version\" : 2"),
            text.replacingOccurrences(of: "\"version\" : 1", with: "\"version\" : 1, \"more\" : 1"),
            text.replacingOccurrences(
                of: Data(card.ed25519PublicKey).base64EncodedString(),
                with: Data(other.ed25519PublicKey).base64EncodedString()
            ),
            text.replacingOccurrences(of: card.created, with: "2020-01-01T00:00:00Z"),
        ]
        let lines = text.split(separator: "\n")
        let theirs = String(decoding: try other.encoded(), as: UTF8.self).split(separator: "\n")
        for index in lines.indices where lines[index] != theirs[index] && !lines[index].contains("created") {
            var mixed = lines
            mixed[index] = theirs[index]
            changes.append(mixed.joined(separator: "\n"))
        }
        #expect(changes.count >= 11)
        for change in changes {
            #expect(change != text)
            #expect(throws: SealingError.self, "\(change)") {
                try IdentityCard(decoding: Data(change.utf8), what: "alice.card")
            }
        }
    }

    @Test func aCardIsNoIdentityAndNeedsNoPassphrase() throws {
        let scratch = try Scratch()
        try Identity.generate(name: "alice").card.save(to: scratch("alice.card"))
        #expect {
            try Identity.load(scratch("alice.card"))
        } throws: {
            "\($0)".contains("alice.card is no fsot-identity file")
        }
    }

    @Test func reportsAreSigned() throws {
        let scratch = try Scratch()
        let owner = try Identity.generate(name: "auditor")
        try scratch.write(Array("{\"auc\":0.5}\n".utf8), to: "report.json")
        try CMSSignature.sign(file: scratch("report.json"), by: owner)
        let signer = try CMSSignature.verify(file: scratch("report.json"))
        #expect(try signer.name == "auditor" && signer.fingerprint == owner.card.fingerprint)
        #expect(try CMSSignature.verify(file: scratch("report.json"), signer: owner.card) == signer)
        #expect(throws: SealingError.self) {
            try CMSSignature.verify(file: scratch("report.json"), signer: Identity.generate(name: "auditor").card)
        }
        try scratch.write(Array("{\"auc\":0.4}\n".utf8), to: "report.json")
        #expect(throws: SealingError.self) { try CMSSignature.verify(file: scratch("report.json")) }
    }

    @Test(.enabled(if: Tools.areAllThere, "needs tar, age and openssl"))
    func stockToolsReadTheIdentity() throws {
        let scratch = try Scratch()
        let identity = try Identity.generate(name: "alice")
        try identity.save(to: scratch("alice.identity"))
        let recipient = try Tools.run("age-keygen -y alice.identity", in: scratch.path)
        #expect(recipient.output == "\(identity.age.recipient)\n")
        let strip = "sed -n 's/^# //p' alice.identity"
        let key = try Tools.run(
            "\(strip) | openssl pkey -pubout > k && \(strip) | openssl x509 -pubkey -noout | cmp - k",
            in: scratch.path
        )
        #expect(key.status == 0, "\(key.output)")
        let san = try Tools.run("\(strip) | openssl x509 -noout -ext subjectAltName", in: scratch.path)
        #expect(san.output.contains("URI:urn:fsot:alice"))
    }
}
