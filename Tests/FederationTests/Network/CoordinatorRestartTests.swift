import Federation
import Foundation
import Sealing
import SecureAggregation
import Synchronization
import TestSupport
import Testing

extension NetworkTests {
    /// A coordinator that is killed in any leg goes on in that leg, and nobody has to begin anew.
    @Suite struct CoordinatorRestartTests {
        /// Ends the coordinator's life when an answer to a leg has arrived from so many.
        private struct FatalTransport: Transport {
            let inner: NetworkTransport
            let leg: ExchangeLeg
            let after: Int
            let stop: Atomic64
            let count = Counter()
            var participants: [String] { inner.participants }
            var width: Int { inner.width }
            func present() async throws -> [String] { try await inner.present() }

            func exchange(_ exchange: Exchange, with participant: String) async throws -> Data {
                let answer = try await inner.exchange(exchange, with: participant)
                // Kept on disk by now, and never seen by the state machine of this life.
                if exchange.key.leg == leg, count.next() >= after {
                    stop.set()
                    throw CancellationError()
                }
                return answer
            }
        }

        private final class Counter: Sendable {
            private let state = Mutex(0)
            func next() -> Int {
                state.withLock {
                    $0 += 1
                    return $0
                }
            }
        }

        @Test(arguments: [ExchangeLeg.instruct, .advertise, .share, .mask, .confirm, .unmask, .accept, .result])
        func aRestartGivesTheSameBits(leg: ExchangeLeg) async throws {
            let federation = try TestFederation(members: 4, rounds: 2)
            let trainings = Counter()
            let first = try await CoordinatorLife(federation)
            let port = first.server.port
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                for index in federation.members.indices {
                    let trainer = MovingTrainer(delta: federation.delta(of: index)) { _ = trainings.next() }
                    let participant = try federation.participant(
                        index,
                        memory: TransientRoundMemory(),
                        trainer: trainer
                    )
                    let client = try federation.client(federation.members[index], port: port)
                    group.addTask { try await client.run(handler: participant) }
                }
                let stop = first.stop
                await #expect(throws: (any Error).self) {
                    try await first.run(over: { FatalTransport(inner: $0, leg: leg, after: 2, stop: stop) })
                }
                let second = try await life(federation, port: port)
                let state = try await second.run()
                try await group.waitForAll()
                return state
            }
            #expect(state == (try await federation.inMemory()))
            // Nobody trained twice: the answers that were kept, and those the participants still had, were enough.
            #expect(trainings.next() == 4 * 2 + 1)
        }

        /// The port may need a moment until it is free again.
        private func life(_ federation: TestFederation, port: Int) async throws -> CoordinatorLife {
            for _ in 0..<100 {
                if let life = try? await CoordinatorLife(federation, port: port) { return life }
                try await Task.sleep(for: .milliseconds(100))
            }
            return try await CoordinatorLife(federation, port: port)
        }

        @Test func aRoundWhoseDeadlinesPassedMeanwhileIsBegunAnew() async throws {
            let federation = try TestFederation(members: 3, rounds: 1)
            let first = try await CoordinatorLife(federation)
            let port = first.server.port
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                for index in federation.members.indices {
                    let participant = try federation.participant(index, memory: TransientRoundMemory())
                    let client = try federation.client(federation.members[index], port: port)
                    group.addTask { try await client.run(handler: participant) }
                }
                let stop = first.stop
                await #expect(throws: (any Error).self) {
                    try await first.run(
                        over: { FatalTransport(inner: $0, leg: .share, after: 1, stop: stop) },
                        limits: LegLimits(exchange: 3, training: 3)
                    )
                }
                try await Task.sleep(for: .seconds(10))
                let second = try await life(federation, port: port)
                let state = try await second.run(limits: LegLimits(exchange: 20, training: 20))
                try await group.waitForAll()
                return state
            }
            #expect(state == (try await federation.inMemory()))
        }

        @Test func theJournalKnowsWhoAnsweredAndWhoDidNot() throws {
            let federation = try TestFederation(members: 3)
            let journal = RunJournal(path: federation.folder.path + "/journal")
            let opening = RoundOpening(round: 2, attempt: 99, invited: federation.names, header: nil)
            try journal.begin(opening)
            #expect(try journal.unfinished(round: 2) == opening)
            #expect(try journal.unfinished(round: 3) == nil)
            let key = opening.key(.share)
            let spool = federation.folder.path + "/spool"
            try Data("answer".utf8).write(to: URL(fileURLWithPath: spool))
            #expect(try journal.keep(spool, as: key, of: "clinic-1") == Data("answer".utf8))
            try journal.keepAbsence(key, of: "clinic-2")
            let again = RunJournal(path: journal.path)
            #expect(again.answer(to: key, of: "clinic-1") == .some(Data("answer".utf8)))
            #expect(again.answer(to: key, of: "clinic-2") == .some(.none))
            #expect(again.answer(to: key, of: "clinic-3") == .none)
            try journal.end()
            #expect(try journal.unfinished(round: 2) == nil)
            #expect(again.answer(to: key, of: "clinic-1") == .none)
        }

        @Test func aDamagedJournalIsNamed() throws {
            let federation = try TestFederation(members: 3)
            let path = federation.folder.path + "/journal"
            try RunJournal(path: path).begin(RoundOpening(round: 1, attempt: 1, invited: [], header: nil))
            try Data("{".utf8).write(to: URL(fileURLWithPath: path + "/opening.json"))
            #expect(throws: FederationError.self) { try RunJournal(path: path).unfinished(round: 1) }
        }

        @Test func aParticipantAnswersOnceAlsoAcrossACrash() throws {
            let federation = try TestFederation(members: 3)
            let path = federation.folder.path + "/answered"
            let hash = [UInt8](repeating: 5, count: 32)
            do {
                let memory = try RoundMemoryFile(path: path)
                #expect(try memory.begin(hash) && memory.answer(hash))
            }
            // Half a line, as a crash may leave it.
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("answer 0000".utf8))
            try handle.close()
            let memory = try RoundMemoryFile(path: path)
            #expect(try !memory.begin(hash) && !memory.answer(hash))
            let other = [UInt8](repeating: 6, count: 32)
            #expect(try memory.begin(other) && memory.answer(other) && !memory.answer(other))
        }
    }
}
