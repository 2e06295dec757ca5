import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A line between participants and coordinator that breaks: each connection is cut once so many bytes went up, or down, as long
/// as limits are left; what passes is kept.
final class FaultyLine: Sendable {
    private struct State {
        var limits: ArraySlice<Int>
        var limitsDown: ArraySlice<Int>
        var down = 0
        var cuts = 0
        var traffic = Data()
        var task: Task<Void, any Error>?
        var listener: (any Channel)?
    }

    private let state: Mutex<State>
    /// Seconds that each piece is held back.
    private let delay: Double

    init(limits: [Int] = [], limitsDown: [Int] = [], delay: Double = 0) {
        state = Mutex(State(limits: limits[...], limitsDown: limitsDown[...]))
        self.delay = delay
    }

    var cuts: Int { state.withLock { $0.cuts } }
    var traffic: Data { state.withLock { $0.traffic } }
    /// Bytes that came down.
    var down: Int { state.withLock { $0.down } }

    /// Listens; connections go on to a port of this machine.
    func listen(to target: Int) async throws -> Int {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let task = Task { [self] in
            try await withThrowingDiscardingTaskGroup { group in
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        group.addTask { try? await self.pass(connection, to: target) }
                    }
                }
                group.cancelAll()
            }
        }
        state.withLock {
            $0.task = task
            $0.listener = listener.channel
        }
        return listener.channel.localAddress?.port ?? 0
    }

    func close() async {
        let (task, listener) = state.withLock { ($0.task, $0.listener) }
        listener?.close(promise: nil)
        _ = await task?.result
    }

    private func pass(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>, to target: Int) async throws {
        let (limit, limitDown) = state.withLock { ($0.limits.popFirst(), $0.limitsDown.popFirst()) }
        let server = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: target) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await client.executeThenClose { fromClient, toClient in
            guard let server else { return }
            try await server.executeThenClose { fromServer, toServer in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        var left = limit ?? .max
                        for try await buffer in fromClient {
                            if self.delay > 0 { try await Task.sleep(for: .seconds(self.delay)) }
                            self.keep(buffer)
                            var buffer = buffer
                            let passed = buffer.readSlice(length: min(left, buffer.readableBytes))
                            if let passed { try await toServer.write(passed) }
                            left -= passed?.readableBytes ?? 0
                            if left == 0 {
                                self.state.withLock { $0.cuts += 1 }
                                throw ChannelError.eof
                            }
                        }
                    }
                    group.addTask {
                        var left = limitDown ?? .max
                        for try await buffer in fromServer {
                            self.keep(buffer)
                            var buffer = buffer
                            let passed = buffer.readSlice(length: min(left, buffer.readableBytes))
                            if let passed { try await toClient.write(passed) }
                            left -= passed?.readableBytes ?? 0
                            self.state.withLock { $0.down += passed?.readableBytes ?? 0 }
                            if left == 0 {
                                self.state.withLock { $0.cuts += 1 }
                                throw ChannelError.eof
                            }
                        }
                    }
                    // One side has ended, or was cut: so has the line.
                    defer { group.cancelAll() }
                    _ = try await group.next()
                }
            }
        }
    }

    private func keep(_ buffer: ByteBuffer) {
        state.withLock { $0.traffic.append(contentsOf: buffer.readableBytesView) }
    }
}
