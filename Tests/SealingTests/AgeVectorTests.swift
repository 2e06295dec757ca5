import Cryptography
import Foundation
import Sealing
import Testing

/// The X25519 test vectors of C2SP/CCTV, made anew by `Tests/Fixtures/age/generate.py`.
@Suite("age test vectors")
struct AgeVectorTests {
    struct Vector: Decodable, CustomTestStringConvertible {
        let name: String
        let expect: String
        let identity: String
        let file: Data
        let payload: String?

        var testDescription: String { name }
    }

    static let vectors: [Vector] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/age/vectors.json")
        guard let data = try? Data(contentsOf: path) else { return [] }
        return (try? JSONDecoder().decode([Vector].self, from: data)) ?? []
    }()

    @Test func theyAreAllThere() {
        #expect(Self.vectors.count == 50)
        #expect(Self.vectors.filter { $0.expect == "success" }.count == 7)
    }

    @Test(arguments: vectors) func outcome(_ vector: Vector) throws {
        let identity = try AgeIdentity(text: Array(vector.identity.utf8))
        let file = Array(vector.file)
        guard vector.expect != "success" else {
            let plaintext = try AgeTests.decrypt(file, identity)
            let digest = SHA256.digest(plaintext).hexadecimal
            #expect(digest == vector.payload)
            return
        }
        let error = try #require(throws: SealingError.self) { try AgeTests.decrypt(file, identity) }
        if vector.expect == "no match" {
            #expect(error == .notARecipient(what: "test.age", identity: "me"))
        } else {
            guard case .malformed(_, let reason) = error else {
                Issue.record("\(vector.name): \(error)")
                return
            }
            let isPayload = reason.contains("payload was changed") || reason.contains("last chunk")
            #expect(isPayload == (vector.expect == "payload failure"), "\(reason)")
            if vector.expect == "HMAC failure" { #expect(reason == "its age header does not carry the right code") }
        }
    }
}
