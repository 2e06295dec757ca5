import AtomicFiles
import Federation
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Sealing
import SecureAggregation
import Synchronization
import TestSupport
import Testing

extension NetworkTests {
    /// Connections, bandwidth and disks that run short, at one participant or by a stranger's doing.
    @Suite struct ScarcityTests {
        /// A connection that says nothing.
        private static func silence(to port: Int, from source: String = "127.0.0.1") async throws -> any Channel {
            try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .bind(to: SocketAddress(ipAddress: source, port: 0))
                .connect(host: "127.0.0.1", port: port).get()
        }

        private static func hello(_ federation: TestFederation, _ port: Int) async throws -> UInt {
            try await HTTPConnection.with(
                FederationAddress("https://127.0.0.1:\(port)"),
                tls: PinnedTLS(federation.members[0]),
                fingerprint: federation.hub.card.fingerprint
            ) { connection in
                try await connection.request(.GET, "/v1/hello").status.code
            }
        }

        @Test func aStrangerThatSaysNothingIsHungUpOn() async throws {
            let federation = try TestFederation(members: 3)
            var limits = ConnectionLimits()
            limits.handshakeSeconds = 0.2
            let life = try await CoordinatorLife(federation, connections: limits)
            try await life.server.serve(farewell: 0) {
                let channel = try await Self.silence(to: life.server.port)
                try await channel.closeFuture.get()
                #expect(try await Self.hello(federation, life.server.port) == 200)
            }
        }

        @Test func silentStrangersDoNotKeepAMemberOut() async throws {
            let federation = try TestFederation(members: 3)
            var limits = ConnectionLimits()
            limits.handshakes = 4
            limits.handshakeSeconds = 600
            let life = try await CoordinatorLife(federation, connections: limits)
            try await life.server.serve(farewell: 0) {
                var strangers: [any Channel] = []
                for _ in 0..<30 { strangers.append(try await Self.silence(to: life.server.port)) }
                // In which order the listener meets them is not said; four stay.
                while strangers.count(where: \.isActive) > 4 { try await Task.sleep(for: .milliseconds(20)) }
                #expect(try await Self.hello(federation, life.server.port) == 200)
                #expect(strangers.count(where: \.isActive) >= 3)
            }
        }

        /// A host that floods takes its own places: who comes from elsewhere over a slow line keeps its turn.
        @Test func aFloodDoesNotEndASlowHandshake() async throws {
            let federation = try TestFederation(members: 3)
            var limits = ConnectionLimits()
            limits.handshakes = 4
            limits.handshakeSeconds = 600
            let life = try await CoordinatorLife(federation, connections: limits)
            try await life.server.serve(farewell: 0) {
                let slow = try await Self.silence(to: life.server.port)
                var strangers: [any Channel] = []
                for _ in 0..<30 { strangers.append(try await Self.silence(to: life.server.port, from: "127.0.0.2")) }
                while strangers.count(where: \.isActive) > 3 { try await Task.sleep(for: .milliseconds(20)) }
                #expect(slow.isActive && strangers.count(where: \.isActive) == 3)
                #expect(try await Self.hello(federation, life.server.port) == 200)
                #expect(slow.isActive)
            }
        }

        /// A connection that is accepted in the moment in which the server stops is closed, and not forgotten.
        @Test func theServerStopsWhileStrangersCall() async throws {
            let federation = try TestFederation(members: 3)
            for _ in 0..<5 {
                let life = try await CoordinatorLife(federation)
                let port = life.server.port
                let flood = Task {
                    while !Task.isCancelled { _ = try? await Self.silence(to: port) }
                }
                try await life.server.serve(farewell: 0) { try await Task.sleep(for: .milliseconds(50)) }
                flood.cancel()
                await flood.value
            }
        }

        /// A member that connects again and again takes its own places, and nobody else's.
        @Test func aMemberHoldsFewConnections() async throws {
            let federation = try TestFederation(members: 3)
            var limits = ConnectionLimits()
            limits.perParticipant = 2
            let life = try await CoordinatorLife(federation, connections: limits)
            let port = life.server.port
            try await life.server.serve(farewell: 0) {
                func connected<Result: Sendable>(
                    _ member: Int,
                    _ body: (inout HTTPConnection) async throws -> Result
                ) async throws -> Result {
                    try await HTTPConnection.with(
                        FederationAddress("https://127.0.0.1:\(port)"),
                        tls: PinnedTLS(federation.members[member]),
                        fingerprint: federation.hub.card.fingerprint,
                        body
                    )
                }
                try await connected(0) { first in
                    #expect(try await first.request(.GET, "/v1/hello").status == .ok)
                    try await connected(1) { other in
                        #expect(try await other.request(.GET, "/v1/hello").status == .ok)
                        try await connected(0) { second in
                            #expect(try await second.request(.GET, "/v1/hello").status == .ok)
                            try await connected(0) { (third: inout HTTPConnection) async throws -> Void in
                                #expect(try await third.request(.GET, "/v1/hello").status == .ok)
                                #expect(try await second.request(.GET, "/v1/hello").status == .ok)
                            }
                        }
                        #expect(try await other.request(.GET, "/v1/hello").status == .ok)
                    }
                    // The oldest of its three was ended for the third.
                    let refused: Bool
                    do {
                        _ = try await first.request(.GET, "/v1/hello")
                        refused = false
                    } catch { refused = true }
                    #expect(refused)
                }
            }
        }

        /// Answers with the number of bytes of the question.
        private struct Counting: FrameHandler {
            let name = "clinic-1"
            func handle(_ request: Data) async -> Data { Data("\(request.count)".utf8) }
        }

        /// Of a question that the line cut, only the rest is sent again.
        @Test func aHalfReceivedQuestionIsGoneOnWith() async throws {
            let federation = try TestFederation(members: 3)
            let life = try await CoordinatorLife(federation)
            let size = 6_000_000
            let line = FaultyLine(limitsDown: [2_000_000, 5_000, 3_000_000])
            let port = try await line.listen(to: life.server.port)
            let request = Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) })
            let answer = try await life.server.serve(farewell: 0) { () -> Data in
                let client = try federation.client(federation.members[0], port: port)
                let running = Task { try? await client.run(handler: Counting()) }
                defer { running.cancel() }
                return try await life.transport.exchange(
                    Exchange(ExchangeKey(round: 1, attempt: 1, leg: .mask), request: request, deadline: nil),
                    with: "clinic-1"
                )
            }
            await line.close()
            #expect(answer == Data("\(size)".utf8))
            #expect(line.cuts == 3)
            // TLS adds a few in a thousand; begun anew it would have been 11 million.
            #expect(line.down < size + 500_000, "\(line.down) bytes came down")
        }

        /// Who trickles is left out when the leg's time is over, and the others' sum is exact.
        @Test func aSlowTrickleHoldsNobodyUp() async throws {
            let federation = try TestFederation(rounds: 1, coordinates: 1_500_000)
            let life = try await CoordinatorLife(federation)
            let line = FaultyLine(delay: 0.5)
            let slow = try await line.listen(to: life.server.port)
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                for index in federation.members.indices {
                    let handler = try federation.participant(index, memory: TransientRoundMemory())
                    let client = try federation.client(
                        federation.members[index],
                        port: index == 2 ? slow : life.server.port
                    )
                    group.addTask { _ = try? await client.run(handler: handler) }
                }
                // 6 MB by pieces of at most 64 kB, two a second, take three quarters of a minute; both limits together are 15 s.
                let state = try await life.run(limits: LegLimits(exchange: 10, training: 5))
                group.cancelAll()
                return state
            }
            await line.close()
            // Dropped before or after the round's header, which decides how finely a number is rounded.
            let expected = try await federation.inMemory(losing: [2])
            #expect(zip(state.values, expected.values).allSatisfy { abs($0 - $1) < 1e-6 })
        }

        /// A round that cannot be noted is not taken part in: nothing could keep it from being answered twice.
        @Test func aParticipantWhoseDiskIsFullLeavesTheRound() async throws {
            let federation = try TestFederation(rounds: 1)
            let life = try await CoordinatorLife(federation)
            let path = federation.folder.path + "/memory"
            let memory = try RoundMemoryFile(path: path)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
            let full = try federation.participant(2, memory: memory)
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                for index in federation.members.indices {
                    let handler =
                        index == 2 ? full : try federation.participant(index, memory: TransientRoundMemory())
                    let client = try federation.client(federation.members[index], port: life.server.port)
                    group.addTask { _ = try? await client.run(handler: handler) }
                }
                let state = try await life.run()
                try await group.waitForAll()
                return state
            }
            let failure = try #require(await full.failure)
            #expect("\(failure)".contains("No space left"), "\(failure)")
            #expect(state == (try await federation.inMemory(losing: [2])))
        }

        @Test func anEmulatorThatDoesNotFitOnTheDiskIsNamed() async throws {
            let emulator = Data(repeating: 5, count: 1_000_000)
            let federation = try TestFederation(members: 3, emulator: emulator)
            let life = try await CoordinatorLife(federation)
            try await life.server.serve(farewell: 0) {
                let client = try federation.client(federation.members[1], port: life.server.port)
                let path = federation.folder.path + "/fetched"
                try FileManager.default.createSymbolicLink(atPath: path + ".part", withDestinationPath: "/dev/full")
                await #expect(throws: (any Error).self) { try await client.fetchEmulator(to: path) { _ in } }
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
    }
}
