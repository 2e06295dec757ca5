import AtomicFiles
import Foundation
import Logging
import NIOCore
import NIOHTTP1

/// The coordinator's end of the wire: see ``FederationWire``.
public struct FederationServer: Sendable {
    private let transport: NetworkTransport
    private let hello: FederationWire.Hello
    private let emulatorPath: String
    private let server: HTTPServer
    private let statusServer: HTTPServer?
    private let isCancelled: @Sendable () -> Bool

    /// The port of the participants' listener.
    public var port: Int { server.port }
    /// The port of the status page's listener.
    public var statusPort: Int? { statusServer?.port }

    /// Binds the listeners.
    ///
    /// - Parameters:
    ///   - host, port: for participants; port 0 takes a free one.
    ///   - tls: the coordinator's certificate and key.
    ///   - invitation: whom to let in.
    ///   - emulatorPath: the sealed emulator that participants may fetch.
    ///   - status: address and port of the status page, and what it shows; nil: none.
    ///   - limits: how many connections participants and strangers may hold.
    /// - Throws: `FederationError.cannotListen`, `NIOSSLError`.
    public init(
        host: String,
        port: Int,
        tls: PinnedTLS,
        invitation: SignedInvitation,
        emulatorPath: String,
        transport: NetworkTransport,
        status: (host: String, port: Int, board: StatusBoard)? = nil,
        limits: ConnectionLimits = ConnectionLimits(),
        isCancelled: @escaping @Sendable () -> Bool,
        logger: Logger
    ) async throws {
        self.transport = transport
        self.emulatorPath = emulatorPath
        self.isCancelled = isCancelled
        let hello = FederationWire.Hello(
            version: FederationWire.version,
            session: invitation.content.session,
            epoch: invitation.content.epoch,
            invitation: invitation.digest,
            emulatorBytes: invitation.content.emulator.bytes
        )
        self.hello = hello
        let routes = FederationRoutes(transport: transport, hello: hello, emulatorPath: emulatorPath)
        server = try await HTTPServer(
            host: host,
            port: port,
            tls: (tls, try invitation.content.namesByFingerprint()),
            limits: limits,
            logger: logger
        ) { request, body, responder in
            try await routes.handle(request, &body, responder)
        }
        statusServer =
            if let status {
                try await HTTPServer(host: status.host, port: status.port, logger: logger) { request, body, responder in
                    try await StatusRoutes(board: status.board, transport: transport).handle(request, responder)
                }
            } else { nil }
    }

    /// Serves while `run` runs, then tells the participants how it ended.
    ///
    /// - Parameters:
    ///   - farewell: seconds to wait until those who are there have heard it.
    ///   - adapter: the fingerprint of what the run hands over, so that each knows whether it has it.
    /// - Throws: what `run` throws.
    public func serve<Result: Sendable>(
        farewell: Double = 30,
        adapter: @escaping @Sendable (Result) -> String? = { _ in nil },
        _ run: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            if let statusServer { group.addTask { try await statusServer.run() } }
            group.addTask {
                while !isCancelled() { try await Task.sleep(for: .milliseconds(200)) }
                await transport.cancelAll()
                // The run notices by itself; questions that it still asks end as well.
                while true {
                    try await Task.sleep(for: .milliseconds(200))
                    await transport.cancelAll()
                }
            }
            defer { group.cancelAll() }
            do {
                let result = try await run()
                await transport.end(
                    FederationWire.Ending(isComplete: true, reason: "", adapter: adapter(result)),
                    waiting: farewell
                )
                return result
            } catch {
                // A coordinator that was stopped comes back, and participants wait for it.
                if !isCancelled() {
                    await transport.end(FederationWire.Ending(isComplete: false, reason: "\(error)"), waiting: farewell)
                }
                throw error
            }
        }
    }
}

/// What each address answers.
struct FederationRoutes: Sendable {
    let transport: NetworkTransport
    let hello: FederationWire.Hello
    let emulatorPath: String

    func handle(_ request: HTTPRequest, _ body: inout HTTPBody, _ responder: HTTPResponder) async throws {
        guard let peer = request.peer, let mailbox = transport.mailbox(of: peer) else {
            return try await responder.send(.forbidden)
        }
        let parts = request.path.split(separator: "/")
        guard parts.count >= 2, parts[0] == "v1" else { return try await responder.send(.notFound) }
        switch (request.method, parts[1], parts.count) {
        case (.GET, "hello", 2):
            await mailbox.touch()
            try await responder.send(.ok, json: hello)
        case (.GET, "emulator", 2): try await sendEmulator(request, mailbox, responder)
        case (.GET, "question", 2): try await sendQuestion(request, mailbox, responder)
        case (.GET, "answers", 3):
            guard let key = ExchangeKey(parts[2]), let received = await mailbox.received(key) else {
                return try await responder.send(.gone)
            }
            try await responder.send(.ok, json: FederationWire.Received(received: received))
        case (.PUT, "answers", 3): try await takeChunk(request, String(parts[2]), &body, mailbox, responder)
        default: try await responder.send(.notFound)
        }
    }

    private func sendQuestion(_ request: HTTPRequest, _ mailbox: Mailbox, _ responder: HTTPResponder) async throws {
        switch await mailbox.question(waiting: FederationWire.pollSeconds) {
        case .nothing: try await responder.send(.noContent)
        case .ending(let ending): try await responder.send(.gone, json: ending)
        case .question(let exchange, let digest):
            let key = "\(exchange.key)"
            var offset = 0
            if request.query["key"] == key, request.query["digest"] == digest, let text = request.query["offset"],
                let asked = Int(text), (0...exchange.request.count).contains(asked)
            {
                offset = asked
            }
            await mailbox.count(sent: exchange.request.count - offset)
            try await responder.send(
                .ok,
                [
                    (FederationWire.keyField, key), (FederationWire.digestField, digest),
                    (FederationWire.offsetField, "\(offset)"),
                ],
                body: exchange.request.dropFirst(offset)
            )
        }
    }

    private func takeChunk(
        _ request: HTTPRequest,
        _ name: String,
        _ body: inout HTTPBody,
        _ mailbox: Mailbox,
        _ responder: HTTPResponder
    ) async throws {
        guard let key = ExchangeKey(name), let offset = request.query["offset"].flatMap({ Int($0) }),
            let total = request.query["total"].flatMap({ Int($0) }),
            let digest = request.headers.first(name: FederationWire.digestField), digest.utf8.count == 64,
            let chunkDigest = request.headers.first(name: FederationWire.chunkField)
        else { return try await responder.send(.badRequest) }
        let start: Mailbox.ChunkStart
        do {
            start = try await mailbox.beginChunk(key, offset: offset, total: total, digest: digest)
        } catch is AtomicFileError {
            return try await responder.send(.insufficientStorage)
        }
        switch start {
        case .gone: try await responder.send(.gone)
        case .tooLong: try await responder.send(.payloadTooLarge)
        case .received(let count):
            try await responder.send(.conflict, json: FederationWire.Received(received: count))
        case .accepted(let token):
            do {
                while let piece = try await body.next() {
                    guard try await mailbox.append(piece, token: token) else {
                        return try await responder.send(.payloadTooLarge)
                    }
                }
                guard let received = try await mailbox.endChunk(key, digest: chunkDigest, token: token) else {
                    return try await responder.send(.unprocessableEntity)
                }
                try await responder.send(.ok, json: FederationWire.Received(received: received))
            } catch is AtomicFileError {
                try await responder.send(.insufficientStorage)
            }
        }
    }

    /// The whole sealed emulator, or the rest of it after `Range: bytes=N-`.
    private func sendEmulator(_ request: HTTPRequest, _ mailbox: Mailbox, _ responder: HTTPResponder) async throws {
        guard let file = FileHandle(forReadingAtPath: emulatorPath) else { return try await responder.send(.notFound) }
        defer { try? file.close() }
        let size = Int(try file.seekToEnd())
        var start = 0
        if let range = request.headers.first(name: "range") {
            guard range.hasPrefix("bytes="), range.hasSuffix("-"), let first = Int(range.dropFirst(6).dropLast()),
                (0..<size).contains(first)
            else { return try await responder.send(.rangeNotSatisfiable, [("content-range", "bytes */\(size)")]) }
            start = first
        }
        try file.seek(toOffset: UInt64(start))
        await mailbox.count(sent: size - start)
        try await responder.send(
            start == 0 ? .ok : .partialContent,
            start == 0 ? [] : [("content-range", "bytes \(start)-\(size - 1)/\(size)")],
            length: size - start
        ) { _, count in
            guard let data = try file.read(upToCount: count), !data.isEmpty else { throw ChannelError.eof }
            return data
        }
    }
}
