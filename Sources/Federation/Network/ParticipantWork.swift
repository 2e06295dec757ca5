import Foundation
import NIOHTTP1
import Synchronization

/// A question of which the line broke off in the middle.
struct PartialQuestion: Sendable {
    let key: ExchangeKey
    let digest: String
    var bytes: Data

    /// What the coordinator sends now: the question from its beginning, or the rest of `partial`.
    ///
    /// - Throws: `FederationError.malformedMessage`.
    init(_ headers: HTTPHeaders, after partial: PartialQuestion?) throws {
        guard let key = headers.first(name: FederationWire.keyField).flatMap({ ExchangeKey($0) }),
            let digest = headers.first(name: FederationWire.digestField),
            let offset = headers.first(name: FederationWire.offsetField).flatMap({ Int($0) })
        else { throw FederationError.malformedMessage(from: "the coordinator", reason: "a question without a name") }
        self.key = key
        self.digest = digest
        if let partial, partial.key == key, partial.digest == digest, partial.bytes.count == offset {
            bytes = partial.bytes
        } else if offset == 0 {
            bytes = Data()
        } else {
            throw FederationError.malformedMessage(from: "the coordinator", reason: "the rest of another question")
        }
    }
}

/// What a participant has in hand between connections: a question half received, an answer not yet delivered, and the round's
/// answers so far, because a coordinator that was restarted asks again and a state machine answers once.
final class ParticipantWork: Sendable {
    struct Answer: Sendable {
        let key: ExchangeKey
        let digest: String
        let bytes: Data
    }

    private struct State {
        var partial: PartialQuestion?
        var unsent: Answer?
        var running: (key: ExchangeKey, digest: String)?
        var answers: [ExchangeKey: Answer] = [:]
    }

    private let state = Mutex(State())

    var partial: PartialQuestion? { state.withLock { $0.partial } }
    var unsent: Answer? { state.withLock { $0.unsent } }

    func keepPartial(_ partial: PartialQuestion?) { state.withLock { $0.partial = partial } }

    /// Takes an answer that was given before out again; false: the question is new.
    func recall(_ key: ExchangeKey, _ digest: String) -> Bool {
        state.withLock { state in
            guard let answer = state.answers[key], answer.digest == digest else { return false }
            state.unsent = answer
            return true
        }
    }

    func hasAnswer(_ key: ExchangeKey, _ digest: String) -> Bool {
        state.withLock { $0.answers[key]?.digest == digest }
    }

    /// The question that is being worked on.
    var running: (key: ExchangeKey, digest: String)? { state.withLock { $0.running } }

    /// Works on a question, whatever becomes of the line.
    func begin(_ key: ExchangeKey, _ digest: String, _ answer: @escaping @Sendable () async -> Data) {
        state.withLock { $0.running = (key, digest) }
        Task { finish(key, digest, answer: await answer()) }
    }

    private func finish(_ key: ExchangeKey, _ digest: String, answer: Data) {
        state.withLock { state in
            let answer = Answer(key: key, digest: digest, bytes: answer)
            state.answers = state.answers.filter { $0.key.round == key.round && $0.key.attempt == key.attempt }
            state.answers[key] = answer
            state.unsent = answer
            state.running = nil
        }
    }

    func sent(_ key: ExchangeKey) {
        state.withLock { if $0.unsent?.key == key { $0.unsent = nil } }
    }
}
