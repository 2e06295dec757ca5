import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// One request on a connection; its body is read as it arrives and never held whole.
struct HTTPRequest {
    typealias Parts = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    /// The participant of the roster whose certificate the connection has; nil on a listener without TLS.
    let peer: String?
    let method: HTTPMethod
    /// Without the query.
    let path: String
    let query: [String: String]
    let headers: HTTPHeaders

    init(_ head: HTTPRequestHead, peer: String?) {
        self.peer = peer
        method = head.method
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts.first ?? "")
        var query: [String: String] = [:]
        for item in parts.dropFirst().first?.split(separator: "&") ?? [] {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(pair[0])] = pair.count > 1 ? String(pair[1]) : ""
        }
        self.query = query
        headers = head.headers
    }
}

/// Pieces of a request's body as they arrive.
struct HTTPBody {
    private var parts: HTTPRequest.Parts
    private var hasEnded = false

    init(_ parts: HTTPRequest.Parts) { self.parts = parts }

    /// The next piece; nil at the end.
    mutating func next() async throws -> ByteBuffer? {
        if hasEnded { return nil }
        switch try await parts.next() {
        case .body(let buffer): return buffer
        case .end:
            hasEnded = true
            return nil
        case .head, nil: throw ChannelError.eof
        }
    }

    /// Reads over what nobody wanted, and gives the connection back.
    mutating func finish() async throws -> HTTPRequest.Parts {
        while try await next() != nil {}
        return parts
    }
}

/// Sends the response to one request.
struct HTTPResponder {
    /// Slices in which long bodies are written, each after the one before has left: a hundred participants that are sent an
    /// adapter at once must not fill the memory with it.
    static let sliceLength = 1 << 16

    /// Written to directly, and waited for: the writer of `NIOAsyncChannel` takes a whole body before the event loop tells it that
    /// the line is full, which for a hundred participants was 340 MB.
    let channel: any Channel

    func send(_ status: HTTPResponseStatus, _ headers: [(String, String)] = [], body: Data = Data()) async throws {
        try await send(status, headers, length: body.count) { offset, count in
            body[body.startIndex + offset..<body.startIndex + offset + count]
        }
    }

    func send(_ status: HTTPResponseStatus, json: some Encodable) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try await send(status, [("content-type", "application/json")], body: encoder.encode(json))
    }

    /// Sends a body that is read slice by slice.
    ///
    /// - Parameter slice: gives `count` bytes from `offset` on.
    func send(
        _ status: HTTPResponseStatus,
        _ headers: [(String, String)],
        length: Int,
        slice: (_ offset: Int, _ count: Int) throws -> Data
    ) async throws {
        var fields = HTTPHeaders(headers)
        if status != .noContent { fields.replaceOrAdd(name: "content-length", value: "\(length)") }
        try await write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: fields)))
        var offset = 0
        while offset < length {
            let piece = try slice(offset, min(Self.sliceLength, length - offset))
            try await write(.body(.byteBuffer(ByteBuffer(bytes: piece))))
            offset += piece.count
        }
        try await write(.end(nil))
    }

    private func write(_ part: HTTPServerResponsePart) async throws {
        try await channel.writeAndFlush(part).get()
    }
}

/// Listens and hands each request to a handler; one task a connection, so that what one peer does never waits for another.
struct HTTPServer {
    typealias Handler = @Sendable (HTTPRequest, inout HTTPBody, HTTPResponder) async throws -> Void
    private typealias Connection = (
        channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>, peer: PeerName
    )

    /// Seconds without a byte in either direction after which a connection is closed.
    static let idleSeconds: Int64 = 90

    /// Bytes that are read from a line at once.
    private static let readLength = 1 << 14
    /// Pieces that were read and that no one has taken yet. Each holds its buffer, which the decryption doubles: with NIO's ten of
    /// 64 KiB, a hundred participants that upload at once filled 140 MB.
    private static let unreadPieces = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(
        lowWatermark: 1,
        highWatermark: 2
    )

    private let listener: NIOAsyncChannel<Connection, Never>
    private let arrivals: Arrivals
    private let handler: Handler
    private let logger: Logger

    /// The port that was bound: useful when 0 was asked for.
    var port: Int { listener.channel.localAddress?.port ?? 0 }

    /// Binds.
    ///
    /// - Parameters:
    ///   - tls: demands client certificates of `names`; nil: plain HTTP, for the status page on this machine.
    ///   - limits: for connections with TLS.
    /// - Throws: `FederationError.cannotListen`.
    init(
        host: String,
        port: Int,
        tls: (pinned: PinnedTLS, names: [String: String])? = nil,
        limits: ConnectionLimits = ConnectionLimits(),
        logger: Logger,
        handler: @escaping Handler
    ) async throws {
        let context = try tls?.pinned.serverContext()
        let register = ConnectionRegister(limits)
        let arrivals = Arrivals()
        self.arrivals = arrivals
        self.handler = handler
        self.logger = logger
        do {
            listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readLength))
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard arrivals.begin() else {
                            channel.close(promise: nil)
                            throw ChannelError.ioOnClosedChannel
                        }
                        let peer = PeerName()
                        let pipeline = channel.pipeline.syncOperations
                        if let tls, let context {
                            try pipeline.addHandler(tls.pinned.serverHandler(context, names: tls.names, peer: peer))
                            try pipeline.addHandler(register.handler(peer))
                        }
                        try pipeline.addHandler(IdleStateHandler(allTimeout: .seconds(Self.idleSeconds)))
                        try pipeline.addHandler(IdleConnectionCloser())
                        try pipeline.configureHTTPServerPipeline()
                        return (
                            try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(
                                wrappingChannelSynchronously: channel,
                                configuration: .init(backPressureStrategy: Self.unreadPieces)
                            ), peer
                        )
                    }
                }
        } catch {
            throw FederationError.cannotListen(address: "\(host):\(port)", reason: "\(error)")
        }
    }

    /// Serves until the task is cancelled.
    ///
    /// Accepting is a task of its own: NIO does not allow a connection that was accepted to be dropped unserved, which is what
    /// the cancellation of the loop would do. So the listener is closed, and the connections are cancelled after it.
    func run() async throws {
        let accepting = Task { try await accept() }
        let (channel, arrivals) = (listener.channel, arrivals)
        try await withTaskCancellationHandler {
            try await accepting.value
        } onCancel: {
            Task {
                // Nobody may be on the way between the socket and the loop when that ends.
                await arrivals.end()
                channel.close(promise: nil)
            }
        }
    }

    private func accept() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    arrivals.served()
                    group.addTask { await serve(connection) }
                }
            }
            group.cancelAll()
        }
    }

    private func serve(_ connection: Connection) async {
        do {
            try await connection.channel.executeThenClose { inbound, _ in
                var parts = inbound.makeAsyncIterator()
                while let part = try await parts.next() {
                    guard case .head(let head) = part else { continue }
                    var body = HTTPBody(parts)
                    try await handler(
                        HTTPRequest(head, peer: connection.peer.name),
                        &body,
                        HTTPResponder(channel: connection.channel.channel)
                    )
                    parts = try await body.finish()
                    if !head.isKeepAlive { return }
                }
            }
        } catch {
            // Peers come and go: what matters shows as an answer that is missing.
            logger.debug("connection of \(connection.peer.name ?? "a stranger") ended: \(error)")
        }
    }
}

/// Connections that were accepted and that the server's loop has not met yet.
private final class Arrivals: Sendable {
    private let state = Mutex((onTheWay: 0, isOver: false))

    /// Another one; false: the server is stopping.
    func begin() -> Bool {
        state.withLock { state in
            if !state.isOver { state.onTheWay += 1 }
            return !state.isOver
        }
    }

    func served() { state.withLock { $0.onTheWay -= 1 } }

    /// Lets nobody in any more, and waits for those who are.
    func end() async {
        state.withLock { $0.isOver = true }
        // One whose set-up failed never arrives.
        for _ in 0..<200 where state.withLock({ $0.onTheWay }) > 0 { try? await Task.sleep(for: .milliseconds(5)) }
    }
}

/// Closes a connection on which nothing moves any more.
final class IdleConnectionCloser: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
