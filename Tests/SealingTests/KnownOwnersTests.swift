import Cryptography
import Foundation
import Sealing
import Testing

@Suite("Owners that were met before")
struct KnownOwnersTests {
    private func signer(_ name: String) throws -> Signer {
        let identity = try Identity.generate(name: name)
        return try CMSSignature.verify(CMSSignature.sign([1], by: identity), over: [1], what: "test")
    }

    @Test func theFirstOneIsPinnedAndStays() throws {
        let scratch = try Scratch()
        let known = KnownOwners(path: scratch("home/fsot/known-owners"))
        let (first, second, other) = (try signer("owner"), try signer("owner"), try signer("other"))
        #expect(try !known.check(first, of: "x.fsot"))
        try known.pin(first, of: "x.fsot")
        try known.pin(first, of: "x.fsot")
        try known.pin(other, of: "x.fsot")
        #expect(try known.check(first, of: "x.fsot") && known.check(other, of: "x.fsot"))
        let error = SealingError.changedOwner(
            what: "x.fsot",
            name: "owner",
            known: first.fingerprint,
            found: second.fingerprint,
            file: known.path
        )
        #expect(throws: error) { try known.check(second, of: "x.fsot") }
        #expect(throws: error) { try known.pin(second, of: "x.fsot") }
        let lines = String(decoding: try scratch.bytes("home/fsot/known-owners"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix("owner \(first.fingerprint) "))
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch("home/fsot"))
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test(arguments: ["owner", "owner abc", "owner \(String(repeating: "G", count: 64))"])
    func damagedFilesAreRefused(_ line: String) throws {
        let scratch = try Scratch()
        try scratch.write(Array("# a comment\n\(line)\n".utf8), to: "known")
        #expect(throws: SealingError.self) { try KnownOwners(path: scratch("known")).fingerprint(of: "owner") }
    }
}
