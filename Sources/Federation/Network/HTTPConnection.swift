import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A response whose body was short enough to be held.
package struct HTTPResponse {
    package let status: HTTPResponseStatus
    package let headers: HTTPHeaders
    package let body: Data

    /// Reads a JSON body.
    ///
    /// - Throws: `FederationError.malformedMessage`.
    package func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: body)
        } catch {
            throw FederationError.malformedMessage(from: "the coordinator", reason: "unreadable JSON")
        }
    }
}

/// A connection to the coordinator on which one request follows the other.
package struct HTTPConnection: ~Copyable {
    private var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    private let host: String

    /// Connects, runs `body`, and closes.
    ///
    /// - Throws: `FederationError.wrongPeer` when the certificate is not the one expected; what `body` throws; otherwise a
    ///   network error, after which another attempt makes sense.
    package static func with<Result: Sendable>(
        _ address: FederationAddress,
        tls: PinnedTLS,
        fingerprint: String,
        _ body: (inout HTTPConnection) async throws -> Result
    ) async throws -> Result {
        let context = try tls.clientContext()
        let peer = PeerName()
        do {
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(.seconds(10))
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            tls.clientHandler(context, fingerprint: fingerprint, peer: peer)
                        )
                        try pipeline.addHandler(IdleStateHandler(allTimeout: .seconds(HTTPServer.idleSeconds)))
                        try pipeline.addHandler(IdleConnectionCloser())
                        try pipeline.addHTTPClientHandlers()
                        return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                            wrappingChannelSynchronously: channel
                        )
                    }
                }
            return try await channel.executeThenClose { inbound, outbound in
                var connection = HTTPConnection(
                    parts: inbound.makeAsyncIterator(),
                    outbound: outbound,
                    host: address.host
                )
                return try await body(&connection)
            }
        } catch {
            if let stranger = peer.stranger {
                throw FederationError.wrongPeer(address: "\(address)", expected: fingerprint, found: stranger)
            }
            throw error
        }
    }

    private init(
        parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>,
        host: String
    ) {
        self.parts = parts
        self.outbound = outbound
        self.host = host
    }

    /// One request and its response.
    ///
    /// - Parameters:
    ///   - limit: bytes of body that are accepted.
    ///   - receive: takes the body's pieces as they come, after the response's head; nil: the body is returned.
    /// - Throws: `FederationError.malformedMessage` for a body that is too long; a network error.
    package mutating func request(
        _ method: HTTPMethod,
        _ uri: String,
        _ fields: [(String, String)] = [],
        body: Data = Data(),
        limit: Int = 1 << 20,
        receive: ((HTTPResponseHead, ByteBuffer) throws -> Void)? = nil
    ) async throws -> HTTPResponse {
        var headers = HTTPHeaders(fields)
        headers.add(name: "host", value: host)
        if method == .PUT { headers.add(name: "content-length", value: "\(body.count)") }
        try await outbound.write(.head(HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)))
        if !body.isEmpty { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
        try await outbound.write(.end(nil))
        var head: HTTPResponseHead?
        var content = Data()
        var count = 0
        while let part = try await parts.next() {
            switch part {
            case .head(let value): head = value
            case .body(let buffer):
                count += buffer.readableBytes
                guard count <= limit else {
                    throw FederationError.malformedMessage(from: "the coordinator", reason: "its answer is too long")
                }
                if let receive, let head, (200..<300).contains(head.status.code) {
                    try receive(head, buffer)
                } else {
                    content.append(contentsOf: buffer.readableBytesView)
                }
            case .end:
                guard let head else { throw ChannelError.eof }
                return HTTPResponse(status: head.status, headers: head.headers, body: content)
            }
        }
        throw ChannelError.eof
    }
}

/// Where a coordinator listens.
public struct FederationAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or an address.
    public let host: String
    /// The port.
    public let port: Int

    /// Reads `https://HOST:PORT`; the port may be left out (8443).
    ///
    /// - Throws: `FederationError.invalidConfiguration`.
    public init(_ text: String) throws {
        guard let components = URLComponents(string: text), components.scheme == "https", let host = components.host,
            !host.isEmpty, ["", "/"].contains(components.path), components.query == nil,
            (1...65535).contains(components.port ?? 8443)
        else {
            throw FederationError.invalidConfiguration(
                reason: "\(text) is no address of a coordinator",
                remedy: "give https://HOST:PORT"
            )
        }
        self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        port = components.port ?? 8443
    }

    /// `https://HOST:PORT`.
    public var description: String { "https://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
