import Cryptography
import Foundation

/// The wire between coordinator and participants: HTTP/1.1 over TLS 1.3, asked by participants only.
///
/// ```
/// GET  /v1/hello                     who speaks: Hello
/// GET  /v1/emulator                  the sealed emulator; Range resumes
/// GET  /v1/question?key=K&offset=O   waits for a question; a question that was received up to O goes on there
/// GET  /v1/answers/K                 how much of an answer has arrived: Received
/// PUT  /v1/answers/K?offset=O&total=T   a piece of an answer of at most 1 MiB
/// ```
/// K is an ``ExchangeKey``. Bodies are ``Frame``s. `fsot-digest` is BLAKE2b-256 of the whole question or answer,
/// `fsot-chunk` that of a piece, both in hexadecimal: TLS protects what travels, these what was cut, resumed and put together.
package enum FederationWire {
    static let version = "fsot/1"
    /// A piece of an answer.
    static let chunkLength = 1 << 20
    /// How long the coordinator lets a participant wait for a question before it answers "nothing yet".
    static let pollSeconds = 20.0

    /// How often a participant that works on an answer calls.
    static let heartbeatSeconds = 10.0

    static let keyField = "fsot-key"
    package static let digestField = "fsot-digest"
    package static let chunkField = "fsot-chunk"
    static let offsetField = "fsot-offset"

    struct Hello: Codable {
        var version: String
        var session: String
        var epoch: Int
        var invitation: String
        var emulatorBytes: Int
    }

    package struct Received: Codable {
        package var received: Int
    }

    /// How the run ended, told to those who ask for the next question.
    struct Ending: Codable {
        var isComplete: Bool
        /// For people; of the coordinator, never of a participant.
        var reason: String
        /// ``AdapterState/fingerprint`` of what the run hands over; nil for a run without a result.
        var adapter: String?
    }

    package static func digest(_ data: Data) -> String {
        let hash = BLAKE2b256()
        data.withUnsafeBytes { hash.update($0) }
        return hash.finalize().hexadecimal
    }
}
