import Cryptography
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
    /// Participants that misbehave, and callers that are none: the others' sum is exact all the same.
    @Suite struct HostileParticipantTests {
        /// A round in which clinic-3's answer to one leg is changed.
        private func round(
            _ leg: ExchangeLeg,
            federation: TestFederation,
            limits: LegLimits = LegLimits(exchange: 10, training: 10),
            _ change: @escaping @Sendable (Data) async -> Data
        ) async throws -> AdapterState {
            let life = try await CoordinatorLife(federation)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                for index in federation.members.indices {
                    let participant = try federation.participant(index, memory: TransientRoundMemory())
                    let handler: any FrameHandler =
                        index == 2 ? Disturbed(inner: participant, leg: leg, change: change) : participant
                    let client = try federation.client(federation.members[index], port: life.server.port)
                    group.addTask { _ = try? await client.run(handler: handler) }
                }
                let state = try await life.run(limits: limits)
                try await group.waitForAll()
                return state
            }
        }

        private static func change<Message: RoundMessage>(
            _ answer: Data,
            _ type: Message.Type,
            _ body: (inout Message) -> Void
        ) -> Data {
            guard let frame = try? Frame(decoding: answer, from: "test"),
                var message = try? Message(decoding: [UInt8](frame.payload))
            else { return answer }
            body(&message)
            return Frame(.secureAggregation, payload: Data(message.encoded())).encoded
        }

        @Test(arguments: ["length", "signature", "other round", "noise", "cut"])
        func aBadVectorIsLeftOut(kind: String) async throws {
            let federation = try TestFederation(rounds: 1)
            let stranger = try Ed25519SigningKey()
            let state = try await round(.mask, federation: federation) { answer in
                switch kind {
                case "length": Self.change(answer, MaskedInput.self) { $0.words.removeLast() }
                case "signature":
                    Self.change(answer, MaskedInput.self) { $0.signature = (try? stranger.sign([1])) ?? [] }
                case "other round": Self.change(answer, MaskedInput.self) { $0.roundHash[0] ^= 1 }
                case "noise": Data((0..<answer.count).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                default: answer.prefix(answer.count / 2)
                }
            }
            #expect(state == (try await federation.inMemory(losing: [2])))
        }

        @Test func someoneElsesVectorIsLeftOut() async throws {
            let federation = try TestFederation(rounds: 1)
            let state = try await round(.mask, federation: federation) { answer in
                Self.change(answer, MaskedInput.self) { $0.id = 1 }
            }
            #expect(state == (try await federation.inMemory(losing: [2])))
        }

        /// Shares that do not fit what was committed to are found out, and others are taken.
        @Test func badSharesAreFoundOut() async throws {
            let federation = try TestFederation(rounds: 1)
            let key = federation.members[2].ed25519
            let state = try await round(.unmask, federation: federation) { answer in
                Self.change(answer, UnmaskAnswer.self) { answer in
                    for index in answer.seedShares.indices { answer.seedShares[index].bytes[0] ^= 1 }
                    answer.signature = (try? key.sign(answer.signedBytes)) ?? []
                }
            }
            #expect(state == (try await federation.inMemory()))
        }

        @Test func aNaNNeverLeavesTheParticipant() async throws {
            let federation = try TestFederation(rounds: 1)
            let life = try await CoordinatorLife(federation)
            var participants: [Participant] = []
            for index in federation.members.indices {
                var delta = federation.delta(of: index)
                if index == 2 { delta[5] = .nan }
                participants.append(
                    try federation.participant(
                        index,
                        memory: TransientRoundMemory(),
                        trainer: MovingTrainer(delta: delta)
                    )
                )
            }
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                for (identity, participant) in zip(federation.members, participants) {
                    let client = try federation.client(identity, port: life.server.port)
                    group.addTask { _ = try? await client.run(handler: participant) }
                }
                let state = try await life.run()
                try await group.waitForAll()
                return state
            }
            #expect(state == (try await federation.inMemory(losing: [2])))
            #expect(await participants[2].failure is FederationError)
        }

        // MARK: - Callers

        /// What a raw connection of a member gets, while a question waits for it.
        private func withQuestion(
            _ body: @escaping @Sendable (inout HTTPConnection, ExchangeKey) async throws -> Void
        ) async throws -> (answer: Data?, federation: TestFederation) {
            let federation = try TestFederation(members: 3)
            let life = try await CoordinatorLife(federation)
            let key = ExchangeKey(round: 1, attempt: 7, leg: .mask)
            let answer = try await life.server.serve(farewell: 0) { () -> Data? in
                async let answer = life.transport.exchange(
                    Exchange(key, request: Data(repeating: 1, count: 3_000_000), deadline: Self.soon(120)),
                    with: "clinic-1"
                )
                try await HTTPConnection.with(
                    FederationAddress("https://127.0.0.1:\(life.server.port)"),
                    tls: PinnedTLS(federation.members[0]),
                    fingerprint: federation.hub.card.fingerprint
                ) { connection in
                    _ = try await connection.request(.GET, "/v1/question", limit: .max)
                    try await body(&connection, key)
                }
                // Those who wait for an answer that never comes are told so.
                await life.transport.cancelAll()
                return try? await answer
            }
            return (answer, federation)
        }

        private static func soon(_ seconds: Double) -> UInt64 {
            UInt64((Date().timeIntervalSince1970 + seconds) * 1000)
        }

        private static func put(
            _ connection: inout HTTPConnection,
            _ key: String,
            offset: Int,
            total: Int,
            piece: Data,
            whole: Data,
            chunkDigest: String? = nil
        ) async throws -> HTTPResponse {
            try await connection.request(
                .PUT,
                "/v1/answers/\(key)?offset=\(offset)&total=\(total)",
                [
                    (FederationWire.digestField, FederationWire.digest(whole)),
                    (FederationWire.chunkField, chunkDigest ?? FederationWire.digest(piece)),
                ],
                body: piece
            )
        }

        @Test func piecesArriveInOrderWholeAndOnce() async throws {
            let whole = Data((0..<1_100_000 / 1000 * 2).map { UInt8(truncatingIfNeeded: $0) })
            let (answer, _) = try await withQuestion { connection, key in
                let first = Data(whole.prefix(1000))
                let rest = Data(whole.dropFirst(1000))
                func put(_ offset: Int, _ piece: Data, digest: String? = nil) async throws -> (UInt, Int?) {
                    let response = try await Self.put(
                        &connection,
                        "\(key)",
                        offset: offset,
                        total: whole.count,
                        piece: piece,
                        whole: whole,
                        chunkDigest: digest
                    )
                    return (response.status.code, try? response.json(FederationWire.Received.self).received)
                }
                // A piece that was changed on the way counts for nothing.
                #expect(try await put(0, first, digest: String(repeating: "0", count: 64)) == (422, nil))
                #expect(try await put(1000, rest) == (409, 0))
                #expect(try await put(0, first) == (200, 1000))
                #expect(try await put(0, first) == (409, 1000))
                // Longer than announced.
                #expect(try await put(1000, rest + rest).0 == 413)
                #expect(try await put(1000, rest) == (200, whole.count))
                // The same upload twice: it has arrived, and changes nothing.
                #expect(try await put(0, first) == (409, whole.count))
                let status = try await connection.request(.GET, "/v1/answers/\(key)")
                #expect(try status.json(FederationWire.Received.self).received == whole.count)
            }
            #expect(answer == whole)
        }

        @Test func anAnswerThatIsNotWhatWasAnnouncedCountsForNothing() async throws {
            let (answer, _) = try await withQuestion { connection, key in
                let piece = Data("other content".utf8)
                let response = try await Self.put(
                    &connection,
                    "\(key)",
                    offset: 0,
                    total: piece.count,
                    piece: piece,
                    whole: Data("announced".utf8)
                )
                #expect(response.status.code == 422)
                let status = try await connection.request(.GET, "/v1/answers/\(key)")
                #expect(try status.json(FederationWire.Received.self).received == 0)
            }
            #expect(answer == nil)
        }

        @Test(arguments: [
            ("/v1/answers/1-7-mask?offset=0&total=99999999999", 413), ("/v1/answers/1-7-mask?offset=0&total=-5", 413),
            ("/v1/answers/1-7-mask?offset=x&total=5", 400), ("/v1/answers/../../etc?offset=0&total=5", 404),
            ("/v1/answers/1-7-share?offset=0&total=5", 410), ("/v1/answers/1-8-mask?offset=0&total=5", 410),
            ("/v1/answers/nonsense?offset=0&total=5", 400), ("/v2/answers/1-7-mask?offset=0&total=5", 404),
        ])
        func nonsenseIsRefused(uri: String, code: Int) async throws {
            _ = try await withQuestion { connection, _ in
                let response = try await connection.request(
                    .PUT,
                    uri,
                    [
                        (FederationWire.digestField, String(repeating: "0", count: 64)),
                        (FederationWire.chunkField, String(repeating: "0", count: 64)),
                    ],
                    body: Data("12345".utf8)
                )
                #expect(Int(response.status.code) == code)
            }
        }

        /// A full disk ends the run with its name instead of dropping one participant after the other.
        @Test func aFullDiskEndsTheRunAndSaysSo() async throws {
            let federation = try TestFederation(members: 3, rounds: 1)
            let incoming = federation.folder.path + "/incoming"
            try FileManager.default.createDirectory(atPath: incoming, withIntermediateDirectories: true)
            for name in federation.names {
                try FileManager.default.createSymbolicLink(
                    atPath: incoming + "/" + name,
                    withDestinationPath: "/dev/full"
                )
            }
            let life = try await CoordinatorLife(federation)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in federation.members.indices {
                    let participant = try federation.participant(index, memory: TransientRoundMemory())
                    let client = try federation.client(federation.members[index], port: life.server.port)
                    group.addTask { _ = try? await client.run(handler: participant) }
                }
                do {
                    _ = try await life.run()
                    Issue.record("the run ended well on a full disk")
                } catch {
                    #expect("\(error)".contains("No space left"), "\(error)")
                }
                group.cancelAll()
            }
        }

        @Test func aStrangerDoesNotGetIn() async throws {
            let federation = try TestFederation(members: 3)
            let life = try await CoordinatorLife(federation)
            try await life.server.serve(farewell: 0) {
                let stranger = try TestFederation(members: 3).members[0]
                await #expect(throws: (any Error).self) {
                    try await HTTPConnection.with(
                        FederationAddress("https://127.0.0.1:\(life.server.port)"),
                        tls: PinnedTLS(stranger),
                        fingerprint: federation.hub.card.fingerprint
                    ) { connection in _ = try await connection.request(.GET, "/v1/hello") }
                }
            }
        }

        @Test func anotherCoordinatorIsNotSpokenTo() async throws {
            let federation = try TestFederation(members: 3)
            let life = try await CoordinatorLife(federation)
            try await life.server.serve(farewell: 0) {
                let other = try TestFederation(members: 3)
                let client = try other.client(other.members[0], port: life.server.port)
                let handler = try other.participant(0, memory: TransientRoundMemory())
                await #expect {
                    try await client.run(handler: handler)
                } throws: { error in
                    if case FederationError.wrongPeer = error { true } else { false }
                }
            }
        }

        @Test func anOlderRosterIsToldSo() async throws {
            let federation = try TestFederation(members: 3)
            let life = try await CoordinatorLife(federation)
            let next = try SignedInvitation(
                federation.invitation.content.next(
                    after: federation.invitation.digest,
                    members: federation.members.map { try $0.card },
                    emulator: federation.invitation.content.emulator
                ),
                signedBy: federation.owner
            )
            try await life.server.serve(farewell: 0) {
                let client = try FederationClient(
                    address: FederationAddress("https://127.0.0.1:\(life.server.port)"),
                    invitation: next,
                    identity: federation.members[0],
                    isCancelled: { false },
                    logger: federation.logger
                )
                let handler = try federation.participant(0, memory: TransientRoundMemory())
                await #expect {
                    try await client.run(handler: handler)
                } throws: { "\($0)".contains("epoch 1") }
            }
        }

        /// The emulator is fetched over lines that break, and is whole at the end or not there.
        @Test func theEmulatorIsFetchedOverBrokenLines() async throws {
            let emulator = Data((0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
            let federation = try TestFederation(members: 3, emulator: emulator)
            let life = try await CoordinatorLife(federation)
            try await life.server.serve(farewell: 0) {
                let client = try federation.client(federation.members[1], port: life.server.port)
                let path = federation.folder.path + "/fetched"
                // What an attempt that was cut short has left.
                try emulator.prefix(1_234_567).write(to: URL(fileURLWithPath: path + ".part"))
                let positions = Mutex<[Int]>([])
                try await client.fetchEmulator(to: path) { position in positions.withLock { $0.append(position) } }
                #expect(FileManager.default.contents(atPath: path) == emulator)
                #expect(positions.withLock { $0.first ?? 0 } > 1_234_567)

                try Data(repeating: 0, count: 99).write(to: URL(fileURLWithPath: path + "2.part"))
                await #expect(throws: FederationError.self) { try await client.fetchEmulator(to: path + "2") { _ in } }
                #expect(!FileManager.default.fileExists(atPath: path + "2"))
            }
        }

        @Test func theStatusPageShowsRoundsAndNoUpdate() async throws {
            let federation = try TestFederation(members: 3, rounds: 2)
            let board = StatusBoard(name: "<clinics>", rounds: 2, completed: [])
            let life = try await CoordinatorLife(federation, status: board)
            let port = try #require(life.server.statusPort)
            // Plain sockets: URLSession would make libcurl a condition for the tests.
            @Sendable func get(_ path: String) async throws -> String {
                let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connect(host: "127.0.0.1", port: port) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                        }
                    }
                return try await channel.executeThenClose { inbound, outbound in
                    try await outbound.write(
                        ByteBuffer(string: "GET \(path) HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
                    )
                    var answer = ""
                    for try await buffer in inbound { answer += String(buffer: buffer) }
                    let parts = answer.components(separatedBy: "\r\n\r\n")
                    #expect(parts[0].hasPrefix("HTTP/1.1 200"))
                    return parts.dropFirst().joined(separator: "\r\n\r\n")
                }
            }
            try await life.server.serve(farewell: 0) {
                #expect(try await get("/healthz") == "ok\n")
                for nonsense in ["=", "==", "&", "=v", "a=&=&&"] {
                    #expect(try await get("/healthz?\(nonsense)") == "ok\n", "\(nonsense)")
                }
                let page = try await get("/")
                #expect(page.contains("&lt;clinics&gt;") && page.contains("not yet seen") && !page.contains("<script"))
                #expect(try await get("/metrics").contains("fsot_participant_present{participant=\"clinic-2\"} 0"))
            }
        }
    }
}
