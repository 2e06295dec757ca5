import AtomicFiles
import Cryptography
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Sealing
import Synchronization

/// A participant's end of the wire: fetches questions, hands them to a ``FrameHandler``, brings the answers; over lines that
/// break and a coordinator that is restarted.
public struct FederationClient: Sendable {
    /// Seconds without any contact after which a participant gives up.
    public var patience = 900.0
    /// Bytes of the longest question that can be right.
    public var maximumQuestion = 1 << 33
    private let address: FederationAddress
    private let invitation: SignedInvitation
    private let tls: PinnedTLS
    private let fingerprint: String
    private let isCancelled: @Sendable () -> Bool
    private let logger: Logger

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - address: where the coordinator listens; the invitation's own, or another way to it.
    ///   - invitation: accepted.
    ///   - identity: a member's.
    ///   - isCancelled: asked all the time.
    /// - Throws: `SealingError`, `OpenSSLError`, `NIOSSLError`.
    public init(
        address: FederationAddress,
        invitation: SignedInvitation,
        identity: Identity,
        isCancelled: @escaping @Sendable () -> Bool,
        logger: Logger
    ) throws {
        self.address = address
        self.invitation = invitation
        self.isCancelled = isCancelled
        self.logger = logger
        tls = try PinnedTLS(identity)
        fingerprint = try invitation.content.coordinatorCard().fingerprint
    }

    /// Takes part until the coordinator ends the run.
    ///
    /// - Parameter asked: told each question's key before it is answered.
    /// - Returns: ``AdapterState/fingerprint`` of the adapter that the run hands over, as the coordinator says; nil: it says nothing.
    /// - Throws: `FederationError.endedByCoordinator`, `.unreachable`, `.wrongPeer`; `CancellationError`.
    @discardableResult
    public func run(
        handler: any FrameHandler,
        asked: @escaping @Sendable (ExchangeKey) -> Void = { _ in }
    ) async throws -> String? {
        let work = ParticipantWork()
        let ending = try await retrying { connection, progressed in
            while true {
                if let (key, digest) = work.running {
                    try await wait(for: key, digest, work, over: &connection, progressed)
                } else if let answer = work.unsent {
                    try await send(answer, over: &connection)
                    work.sent(answer.key)
                } else if let question = try await nextQuestion(work, over: &connection) {
                    switch question {
                    case .ending(let ending): return ending
                    case .whole(let key, let digest, let request):
                        if !work.recall(key, digest) {
                            asked(key)
                            work.begin(key, digest) { await handler.handle(request) }
                        }
                    }
                }
                progressed()
            }
        }
        if !ending.isComplete { throw FederationError.endedByCoordinator(reason: ending.reason.withoutControls) }
        return ending.adapter
    }

    /// Fetches the sealed emulator, going on where an earlier attempt stopped, and checks it.
    ///
    /// - Parameters:
    ///   - path: where it is to lie; a part of it lies beside it meanwhile.
    ///   - progress: told bytes.
    /// - Throws: `FederationError.malformedMessage` for another file than the invitation names; as ``run(handler:asked:)``.
    public func fetchEmulator(to path: String, progress: @escaping @Sendable (Int) -> Void) async throws {
        let wanted = invitation.content.emulator
        let part = path + ".part"
        if !FileManager.default.fileExists(atPath: part) {
            guard FileManager.default.createFile(atPath: part, contents: nil, attributes: [.posixPermissions: 0o600])
            else { throw FederationError.invalidRun(path: part, reason: "it cannot be written; check its directory") }
        }
        try await retrying { connection, progressed in
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: part))
            defer { try? file.close() }
            var offset = Int(try file.seekToEnd())
            if offset > wanted.bytes {
                try file.truncate(atOffset: 0)
                offset = 0
            }
            if offset == wanted.bytes { return }
            var position = offset
            let response = try await connection.request(
                .GET,
                "/v1/emulator",
                offset > 0 ? [("range", "bytes=\(offset)-")] : [],
                limit: wanted.bytes
            ) { _, buffer in
                try file.write(contentsOf: Data(buffer.readableBytesView))
                position += buffer.readableBytes
                progressed()
                progress(position)
            }
            guard (200..<300).contains(response.status.code), position == wanted.bytes else {
                throw FederationError.malformedMessage(
                    from: "the coordinator",
                    reason: "it has no emulator of \(wanted.bytes) bytes"
                )
            }
        }
        let hash = try BulkSHA256()
        let content = try Data(contentsOf: URL(fileURLWithPath: part), options: .alwaysMapped)
        try content.withUnsafeBytes { try hash.update($0) }
        guard try hash.finalize().hexadecimal == wanted.sha256 else {
            try? FileManager.default.removeItem(atPath: part)
            throw FederationError.malformedMessage(
                from: "the coordinator",
                reason: "its emulator is not the one of the invitation"
            )
        }
        guard rename(part, path) == 0 else {
            throw FederationError.invalidRun(path: path, reason: String(cString: strerror(errno)))
        }
    }

    // MARK: - One connection

    /// Waits for an answer that is being worked on, and calls the coordinator meanwhile so that it knows. A line that breaks ends
    /// the waiting, not the work: it goes on over the next line.
    private func wait(
        for key: ExchangeKey,
        _ digest: String,
        _ work: ParticipantWork,
        over connection: inout HTTPConnection,
        _ progressed: () -> Void
    ) async throws {
        var slept = 0.0
        while !work.hasAnswer(key, digest) {
            // Legs without training take milliseconds.
            let pause = min(0.5, max(0.001, slept / 4))
            try await Task.sleep(for: .seconds(pause))
            slept += pause
            if slept > FederationWire.heartbeatSeconds {
                slept = 0.001
                _ = try await connection.request(.GET, "/v1/hello")
                progressed()
            }
        }
    }

    private enum Question {
        case whole(ExchangeKey, digest: String, Data)
        case ending(FederationWire.Ending)
    }

    /// Waits for the next question; nil: nothing yet.
    private func nextQuestion(
        _ work: ParticipantWork,
        over connection: inout HTTPConnection
    ) async throws -> Question? {
        let partial = work.partial
        var uri = "/v1/question"
        if let partial { uri += "?key=\(partial.key)&digest=\(partial.digest)&offset=\(partial.bytes.count)" }
        let incoming = Mutex<PartialQuestion?>(nil)
        // A line that breaks before the first byte leaves what the lines before it brought.
        defer { if let more = incoming.withLock({ $0 }) { work.keepPartial(more) } }
        let response = try await connection.request(.GET, uri, limit: maximumQuestion) { head, buffer in
            try incoming.withLock { state in
                if state == nil { state = try PartialQuestion(head.headers, after: partial) }
                state?.bytes.append(contentsOf: buffer.readableBytesView)
            }
        }
        // What comes now is whole, and whatever had come before has had its use.
        work.keepPartial(nil)
        switch response.status {
        case .noContent: return nil
        case .gone: return .ending(try response.json(FederationWire.Ending.self))
        case .ok:
            // A question that had arrived whole before the line broke has no more bytes.
            let question = try incoming.withLock { try $0 ?? PartialQuestion(response.headers, after: partial) }
            incoming.withLock { $0 = nil }
            guard FederationWire.digest(question.bytes) == question.digest else {
                throw FederationError.malformedMessage(from: "the coordinator", reason: "a question's digest is wrong")
            }
            return .whole(question.key, digest: question.digest, question.bytes)
        default:
            throw FederationError.malformedMessage(from: "the coordinator", reason: "status \(response.status.code)")
        }
    }

    /// Sends an answer in pieces, from where the coordinator has it.
    private func send(_ answer: ParticipantWork.Answer, over connection: inout HTTPConnection) async throws {
        let path = "/v1/answers/\(answer.key)"
        let status = try await connection.request(.GET, path)
        // Nobody waits for it any more.
        guard status.status == .ok else { return }
        var offset = try status.json(FederationWire.Received.self).received
        let total = answer.bytes.count
        let digest = FederationWire.digest(answer.bytes)
        var refusals = 0
        while offset < total {
            let piece = Data(answer.bytes.dropFirst(offset).prefix(FederationWire.chunkLength))
            let response = try await connection.request(
                .PUT,
                "\(path)?offset=\(offset)&total=\(total)",
                [(FederationWire.digestField, digest), (FederationWire.chunkField, FederationWire.digest(piece))],
                body: piece
            )
            switch response.status {
            case .ok, .conflict:
                let received = try response.json(FederationWire.Received.self).received
                refusals = received > offset ? 0 : refusals + 1
                offset = received
            case .gone: return
            default: refusals += 1
            }
            if refusals > 3 {
                throw FederationError.malformedMessage(
                    from: "the coordinator",
                    reason: "it does not take our answer (status \(response.status.code))"
                )
            }
        }
    }

    /// Checks that the other side is in the same federation, and in the same epoch of it.
    private func greet(_ connection: inout HTTPConnection) async throws {
        let response = try await connection.request(.GET, "/v1/hello")
        guard response.status == .ok else {
            throw FederationError.unreachable(address: "\(address)", reason: "it is no coordinator of fsot")
        }
        let hello = try response.json(FederationWire.Hello.self)
        guard hello.version == FederationWire.version else {
            throw FederationError.unreachable(
                address: "\(address)",
                reason: "it speaks \(hello.version) and this fsot \(FederationWire.version); update the older one"
            )
        }
        guard hello.session == invitation.content.session, hello.invitation == invitation.digest else {
            throw FederationError.unreachable(
                address: "\(address)",
                reason: hello.session != invitation.content.session
                    ? "it coordinates another consortium; check the address"
                    : "it has the roster of epoch \(hello.epoch) and we that of epoch \(invitation.content.epoch);"
                        + " ask the owner for the newest invitation"
            )
        }
    }

    /// Connects again and again until `body` returns (contact is what `body` says is progress), with growing pauses; the user's wish to stop is heard at any time.
    private func retrying<Result: Sendable>(
        _ body:
            @escaping @Sendable (inout HTTPConnection, _ progressed: @escaping @Sendable () -> Void) async throws ->
            Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                var backoff = Backoff()
                var lastContact = ContinuousClock.now
                while true {
                    let contact = ContactFlag()
                    do {
                        return try await HTTPConnection.with(address, tls: tls, fingerprint: fingerprint) {
                            connection in
                            try await greet(&connection)
                            return try await body(&connection) { contact.set() }
                        }
                    } catch {
                        try Task.checkCancellation()
                        if Self.isFinal(error) { throw error }
                        if contact.isSet {
                            lastContact = .now
                            backoff = Backoff()
                        }
                        logger.debug("connection to \(address) lost: \(error)")
                        if ContinuousClock.now - lastContact > .seconds(patience) {
                            throw FederationError.unreachable(
                                address: "\(address)",
                                reason:
                                    "no contact for \(Int(patience)) seconds (\(Self.reason(error))); check that the"
                                    + " coordinator runs and that this identity is in its roster"
                            )
                        }
                        if backoff.isSlow {
                            logger.warning("\(address) does not answer (\(Self.reason(error))); trying again")
                        }
                        try await Task.sleep(for: .seconds(backoff.next()))
                    }
                }
            }
            group.addTask {
                while !isCancelled() { try await Task.sleep(for: .milliseconds(200)) }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private static func isFinal(_ error: any Error) -> Bool {
        switch error {
        case FederationError.wrongPeer, FederationError.unreachable, FederationError.invalidRun, is CancellationError:
            true
        // This side's own disk: another attempt finds it as it is.
        case is AtomicFileError, is CocoaError, is POSIXError: true
        default: false
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case is NIOConnectionError: "no connection"
        case is NIOSSLError, is BoringSSLError:
            "it hung up in the handshake: it is busy, refused our certificate, or is not the coordinator"
        default: "the connection broke"
        }
    }
}

/// Pauses between attempts: growing up to 15 seconds, each shortened or lengthened at random so that participants that lost
/// their coordinator together do not come back together.
struct Backoff {
    private var seconds = 0.1

    /// Whether the pauses have become noticeable.
    var isSlow: Bool { seconds > 3 }

    mutating func next() -> Double {
        defer { seconds = min(15, seconds * 2) }
        return seconds * Double.random(in: 0.5...1.5)
    }
}

/// Whether anything was achieved over a connection.
private final class ContactFlag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}
