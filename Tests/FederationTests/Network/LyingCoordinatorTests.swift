import Cryptography
import Federation
import Foundation
import Sealing
import SecureAggregation
import Synchronization
import TestSupport
import Testing

extension NetworkTests {
    /// A coordinator that lies, over the network: each lie ends in a refusal or in the exact sum, never in a wrong one, and nobody
    /// waits past a deadline.
    @Suite struct LyingCoordinatorTests {
        /// Changes what some participants are asked.
        private struct Lying: Transport {
            let inner: NetworkTransport
            let change: @Sendable (_ exchange: Exchange, _ participant: String) throws -> Data?
            var participants: [String] { inner.participants }
            var width: Int { inner.width }
            func present() async throws -> [String] { try await inner.present() }

            func exchange(_ exchange: Exchange, with participant: String) async throws -> Data {
                let request = try change(exchange, participant) ?? exchange.request
                return try await inner.exchange(
                    Exchange(exchange.key, request: request, deadline: exchange.deadline),
                    with: participant
                )
            }
        }

        /// Runs with a lie; the adapter or the error, and each participant's own last complaint.
        private func run(
            _ federation: TestFederation,
            policy: Void = (),
            limits: LegLimits = LegLimits(exchange: 10, training: 10),
            _ lie: @escaping @Sendable (_ exchange: Exchange, _ participant: String) throws -> Data?
        ) async throws -> (state: Result<AdapterState, any Error>, complaints: [String]) {
            let life = try await CoordinatorLife(federation)
            let participants = try federation.members.indices.map {
                try federation.participant($0, memory: TransientRoundMemory())
            }
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                for (identity, participant) in zip(federation.members, participants) {
                    let client = try federation.client(identity, port: life.server.port)
                    group.addTask { _ = try? await client.run(handler: participant) }
                }
                let state: Result<AdapterState, any Error>
                do {
                    state = .success(try await life.run(over: { Lying(inner: $0, change: lie) }, limits: limits))
                } catch {
                    state = .failure(error)
                }
                try await group.waitForAll()
                return state
            }
            var complaints: [String] = []
            for participant in participants {
                if let failure = await participant.failure { complaints.append("\(failure)") }
            }
            return (state, complaints)
        }

        private static func frame(_ exchange: Exchange) throws -> Frame {
            try Frame(decoding: exchange.request, from: "test")
        }

        /// The question that begins a round, with another adapter.
        private static func instruction(_ exchange: Exchange, with state: AdapterState) throws -> Data {
            let header = try frame(exchange).header(RoundInstruction.self, from: "test")
            return try Frame(.instruct, header: header, payload: state.encoded).encoded
        }

        private static func masked<Message: RoundMessage>(_ exchange: Exchange, _ type: Message.Type) throws -> Message
        {
            try Message(decoding: [UInt8](frame(exchange).payload.dropFirst()))
        }

        private static func question(_ leg: MaskingLeg, _ message: some RoundMessage) -> Data {
            Frame(.secureAggregation, payload: Data([leg.rawValue] + message.encoded())).encoded
        }

        /// Model inconsistency (Pasquini et al. 2022): one participant gets another adapter, so that only its update would not cancel.
        @Test func anotherModelForOneIsRefusedByThatOne() async throws {
            let federation = try TestFederation(rounds: 1)
            let (state, complaints) = try await run(federation) { exchange, name in
                guard exchange.key.leg == .instruct, name == "clinic-3" else { return nil }
                return try Self.instruction(exchange, with: federation.initial.moved(by: federation.delta(of: 1)))
            }
            // The other four are a sum of their own; the fifth never masked.
            let expected = try await federation.inMemory(losing: [2])
            #expect(try state.get() == expected)
            #expect(complaints.count == 1 && complaints[0].contains("emulator's own adapter"))
        }

        @Test func anAdapterThatDoesNotFollowFromTheSumIsRefused() async throws {
            let federation = try TestFederation(rounds: 2)
            let (state, complaints) = try await run(federation) { exchange, _ in
                guard exchange.key.leg == .instruct, exchange.key.round == 2 else { return nil }
                return try Self.instruction(exchange, with: federation.initial.moved(by: federation.delta(of: 1)))
            }
            #expect(throws: SecureAggregationError.self) { try state.get() }
            #expect(complaints.count == 5 && complaints.allSatisfy { $0.contains("does not follow from the sum") })
        }

        @Test func moreStepsThanAgreedAreRefused() async throws {
            let federation = try TestFederation(rounds: 1)
            let (state, complaints) = try await run(federation) { exchange, _ in
                guard exchange.key.leg == .instruct else { return nil }
                let frame = try Self.frame(exchange)
                var header = try frame.header(RoundInstruction.self, from: "t")
                header.localSteps = 500
                return try Frame(.instruct, header: header, payload: frame.payload).encoded
            }
            #expect(throws: SecureAggregationError.self) { try state.get() }
            #expect(complaints.count == 5 && complaints.allSatisfy { $0.contains("invitation") })
        }

        @Test func anUpdateInTheClearIsRefused() async throws {
            let federation = try TestFederation(rounds: 1)
            let (state, complaints) = try await run(federation) { exchange, _ in
                exchange.key.leg == .advertise ? Frame(.train).encoded : nil
            }
            #expect(throws: SecureAggregationError.self) { try state.get() }
            #expect(complaints.count == 5)
        }

        /// A header that was changed after it was signed: a larger clip, a smaller cohort, another threshold.
        @Test(arguments: ["clip", "cohort", "threshold", "survivors", "roster", "state"])
        func aChangedHeaderIsRefused(field: String) async throws {
            let federation = try TestFederation(rounds: 1)
            let hub = federation.hub
            let (state, complaints) = try await run(federation) { exchange, _ in
                guard exchange.key.leg == .advertise else { return nil }
                var header = try Self.masked(exchange, SignedRoundHeader.self).header
                switch field {
                case "clip": (header.clip, header.scale) = (100, header.scale / 20)
                case "cohort":
                    header.cohort = [1, 2]
                    (header.threshold, header.minimumSurvivors) = (2, 2)
                case "threshold": header.threshold = 3
                case "survivors": (header.threshold, header.minimumSurvivors) = (3, 2)
                case "roster": header.rosterHash[0] ^= 1
                default: header.stateHash[0] ^= 1
                }
                // Signed by the coordinator itself: it is the policy that refuses, not the signature.
                return Self.question(.advertise, try SignedRoundHeader(header, signingKey: hub.ed25519))
            }
            #expect(throws: (any Error).self) { try state.get() }
            #expect(complaints.count == 5, "\(complaints)")
        }

        @Test func swappedKeysAreRefused() async throws {
            let federation = try TestFederation(rounds: 1)
            let own = try X25519KeyPair()
            let (state, complaints) = try await run(federation) { exchange, name in
                guard exchange.key.leg == .share, name == "clinic-1" else { return nil }
                var list = try Self.masked(exchange, AdvertisementList.self)
                list.advertisements[1].maskKey = own.publicKey
                return Self.question(.share, list)
            }
            #expect(try state.get() == (try await federation.inMemory(losing: [0])))
            #expect(complaints.count == 1 && complaints[0].contains("signature"), "\(complaints)")
        }

        /// The survivors that it names to some differ from those it names to the others: no story has enough signatures to unmask.
        @Test func survivorsThatDifferAreRefused() async throws {
            let federation = try TestFederation(rounds: 1)
            let (state, _) = try await run(federation) { exchange, name in
                guard exchange.key.leg == .confirm, name == "clinic-1" || name == "clinic-2" else { return nil }
                var list = try Self.masked(exchange, SurvivorList.self)
                list.entries.removeLast()
                return Self.question(.confirm, list)
            }
            #expect(throws: SecureAggregationError.tooFew(leg: .consistent, count: 3, needed: 4)) { try state.get() }
        }

        @Test func bothSharesOfOneAreNotGiven() async throws {
            let federation = try TestFederation(rounds: 1)
            let (state, complaints) = try await run(federation) { exchange, _ in
                guard exchange.key.leg == .unmask else { return nil }
                var request = try Self.masked(exchange, UnmaskRequest.self)
                request.dropouts = [request.survivors[0]]
                return Self.question(.unmask, request)
            }
            // Void: no sum, the adapter stays, and the round is not begun again.
            #expect(try state.get() == federation.initial)
            #expect(complaints.count == 5)
        }

        /// Two sums of one round over two cohorts differ by one update: whoever helped to unmask a round does so once, whatever
        /// header it comes under.
        @Test func aRoundIsSummedOnce() async throws {
            let federation = try TestFederation(rounds: 1)
            let participants = try federation.members.indices.map {
                try federation.participant($0, memory: TransientRoundMemory())
            }
            func play(_ cohort: Range<Int>) async throws -> AdapterState {
                let life = try await CoordinatorLife(federation, waitSeconds: cohort.count == 5 ? 120 : 3)
                return try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in cohort {
                        let client = try federation.client(federation.members[index], port: life.server.port)
                        let participant = participants[index]
                        group.addTask { _ = try? await client.run(handler: participant) }
                    }
                    let state = try await life.run()
                    try await group.waitForAll()
                    return state
                }
            }
            #expect(try await play(0..<5) == (try await federation.inMemory()))
            // The coordinator forgets that there was a round, and does without clinic-5.
            for file in ["/progress", "/progress.state"] {
                try FileManager.default.removeItem(atPath: federation.folder.path + file)
            }
            await #expect(throws: SecureAggregationError.self) { try await play(0..<4) }
            for participant in participants.prefix(4) {
                let complaint = await participant.failure.map { "\($0)" } ?? ""
                #expect(complaint.contains("two sums of one round"), "\(complaint)")
            }
        }

        @Test func aHeaderOfAnotherRoundOrFederationIsRefused() async throws {
            for change in ["round", "session"] {
                let federation = try TestFederation(rounds: 1)
                let hub = federation.hub
                let (state, complaints) = try await run(federation) { exchange, _ in
                    guard exchange.key.leg == .advertise else { return nil }
                    var header = try Self.masked(exchange, SignedRoundHeader.self).header
                    if change == "round" { header.round = 9 } else { header.session[0] ^= 1 }
                    return Self.question(.advertise, try SignedRoundHeader(header, signingKey: hub.ed25519))
                }
                #expect(throws: (any Error).self) { try state.get() }
                #expect(complaints.count == 5, "\(complaints)")
            }
        }

        @Test func aReplayedRoundIsRefused() async throws {
            let federation = try TestFederation(rounds: 2)
            let first = Mutex<Data?>(nil)
            let (state, complaints) = try await run(federation) { exchange, _ in
                guard exchange.key.leg == .advertise else { return nil }
                return first.withLock { kept in
                    if exchange.key.round == 1 { kept = exchange.request }
                    return kept
                }
            }
            #expect(throws: SecureAggregationError.self) { try state.get() }
            #expect(complaints.count == 5)
        }

        /// Delay: a leg that never comes ends at its deadline, and the round with it.
        @Test func aCoordinatorThatDelaysHoldsNobodyPastTheDeadline() async throws {
            let federation = try TestFederation(members: 3, rounds: 1)
            let start = ContinuousClock.now
            let slow = MovingTrainer(delta: federation.delta(of: 0)) { try? await Task.sleep(for: .seconds(90)) }
            let life = try await CoordinatorLife(federation)
            let participants = try federation.members.indices.map {
                try federation.participant($0, memory: TransientRoundMemory(), trainer: $0 == 0 ? slow : nil)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (identity, participant) in zip(federation.members, participants) {
                    let client = try federation.client(identity, port: life.server.port)
                    group.addTask { _ = try? await client.run(handler: participant) }
                }
                await #expect(throws: SecureAggregationError.tooFew(leg: .masked, count: 2, needed: 3)) {
                    try await life.run(limits: LegLimits(exchange: 5, training: 5))
                }
                group.cancelAll()
            }
            #expect(ContinuousClock.now - start < .seconds(89))
        }
    }
}
