import Cryptography
import Federation
import Foundation
import Sealing
import SecureAggregation
import Synchronization
import TestSupport
import Testing

extension NetworkTests {
    /// Whole runs over TLS on loopback, undisturbed and disturbed: the exact sum of the survivors, or an end that says why.
    @Suite struct NetworkRunTests {
        /// Runs a federation in one life of the coordinator; what each participant ended with.
        private func run(
            _ federation: TestFederation,
            handlers: [Int: any FrameHandler] = [:],
            absent: Set<Int> = [],
            over wrap: @escaping @Sendable (NetworkTransport) -> any Transport = { $0 },
            limits: LegLimits = LegLimits(exchange: 20, training: 20),
            waitSeconds: Double = 120,
            silenceSeconds: Double = 30,
            proxy: FaultyLine? = nil
        ) async throws -> (state: Result<AdapterState, any Error>, participants: [Int: Result<Void, any Error>]) {
            let life = try await CoordinatorLife(
                federation,
                waitSeconds: waitSeconds,
                silenceSeconds: silenceSeconds
            )
            let port = try await proxy?.listen(to: life.server.port) ?? life.server.port
            return try await withThrowingTaskGroup(of: (Int, Result<Void, any Error>).self) { group in
                for index in federation.members.indices where !absent.contains(index) {
                    let handler = try handlers[index] ?? federation.participant(index, memory: TransientRoundMemory())
                    let stop = (handler as? Mortal)?.stop ?? Atomic64()
                    let client = try federation.client(federation.members[index], port: port, stop: stop)
                    group.addTask {
                        do {
                            try await client.run(handler: handler)
                            return (index, .success(()))
                        } catch {
                            return (index, .failure(error))
                        }
                    }
                }
                let state: Result<AdapterState, any Error>
                do {
                    state = .success(try await life.run(over: wrap, limits: limits))
                } catch {
                    state = .failure(error)
                }
                var ends: [Int: Result<Void, any Error>] = [:]
                for try await (index, end) in group { ends[index] = end }
                await proxy?.close()
                return (state, ends)
            }
        }

        @Test func givesTheAdapterOfTheRunInMemoryToTheBit() async throws {
            let federation = try TestFederation()
            let (state, ends) = try await run(federation)
            #expect(try state.get() == (try await federation.inMemory()))
            for end in ends.values { try end.get() }
            // The journal of a finished run is gone.
            #expect(!FileManager.default.fileExists(atPath: federation.folder.path + "/journal"))
        }

        @Test func aMemberThatNeverComesIsDoneWithout() async throws {
            let federation = try TestFederation(rounds: 1)
            let (state, _) = try await run(federation, absent: [1], waitSeconds: 20)
            // It was not in the cohort, and the scale depends on the cohort: the same but for rounding.
            let expected = try await federation.inMemory(losing: [1])
            let found = try state.get()
            for (a, b) in zip(found.values, expected.values) { #expect(abs(a - b) < 1e-6) }
            #expect(found != (try await federation.inMemory()))
        }

        @Test func tooFewMembersEndTheRunWithTheirNames() async throws {
            let federation = try TestFederation(members: 4, rounds: 1)
            let (state, ends) = try await run(federation, absent: [1, 2], waitSeconds: 20)
            #expect(
                throws: FederationError.tooFewCame(
                    present: ["clinic-1", "clinic-4"],
                    absent: ["clinic-2", "clinic-3"],
                    needed: 3
                )
            ) {
                try state.get()
            }
            for end in ends.values { #expect(throws: FederationError.self) { try end.get() } }
        }

        /// Killed: it neither answers nor calls any more.
        @Test(arguments: [ExchangeLeg.instruct, .advertise, .share, .mask, .confirm, .unmask, .accept])
        func aParticipantKilledAtAnyLegChangesTheSumByNothingElse(leg: ExchangeLeg) async throws {
            let federation = try TestFederation(rounds: 1)
            let victim = Mortal(inner: try federation.participant(2, memory: TransientRoundMemory()), dies: leg)
            let (state, ends) = try await run(federation, handlers: [2: victim], silenceSeconds: 8)
            let isInTheSum = [ExchangeLeg.confirm, .unmask, .accept].contains(leg)
            #expect(try state.get() == (try await federation.inMemory(losing: isInTheSum ? [] : [2])))
            for (index, end) in ends where index != 2 { try end.get() }
        }

        @Test func threeParticipantsTolerateNoDropout() async throws {
            let federation = try TestFederation(members: 3, rounds: 1)
            let victim = Mortal(inner: try federation.participant(1, memory: TransientRoundMemory()), dies: .mask)
            let (state, ends) = try await run(federation, handlers: [1: victim], silenceSeconds: 8)
            #expect(throws: SecureAggregationError.tooFew(leg: .masked, count: 2, needed: 3)) { try state.get() }
            for index in [0, 2] {
                #expect(throws: FederationError.self) { try #require(ends[index]).get() }
            }
        }

        @Test func linesThatBreakInTheMiddleOfEachUploadLoseNothing() async throws {
            let federation = try TestFederation(members: 3, rounds: 1, coordinates: 700_000)
            // Masked vectors have 2.8 MB: each takes several pieces and several lines.
            let proxy = FaultyLine(limits: [300_000, 1_400_000, 40_000, 2_000_000, 900_000, 3_000, 1_200_000])
            let (state, ends) = try await run(federation, limits: LegLimits(exchange: 60, training: 60), proxy: proxy)
            #expect(try state.get() == (try await federation.inMemory()))
            for end in ends.values { try end.get() }
            #expect(proxy.cuts >= 6)
        }

        @Test func aHundredParticipantsFinishARound() async throws {
            let federation = try TestFederation(members: 100, rounds: 1, coordinates: 300)
            let (state, ends) = try await run(
                federation,
                limits: LegLimits(exchange: 300, training: 300),
                waitSeconds: 120
            )
            #expect(try state.get() == (try await federation.inMemory()))
            for end in ends.values { try end.get() }
        }

        /// Neither the wire below TLS, nor the disk, nor what others receive holds an update.
        @Test func noPlaintextUpdateIsOnDiskOrInAnAnswer() async throws {
            let federation = try TestFederation(members: 3, rounds: 1)
            // One number for all coordinates, found again wherever it stands: as a float, and as the integers it becomes.
            let planted: Float = 0.012345679
            let needles = try needles(for: planted, federation)
            let seen = Mutex<[Data]>([])
            let handlers: [Int: any FrameHandler] = Dictionary(
                uniqueKeysWithValues: try federation.members.indices.map { index in
                    let trainer = MovingTrainer(delta: [Float](repeating: planted, count: federation.count))
                    let participant = try federation.participant(
                        index,
                        memory: TransientRoundMemory(),
                        trainer: trainer
                    )
                    return (index, Recording(inner: participant) { answer in seen.withLock { $0.append(answer) } })
                }
            )
            let disk = Mutex<[Data]>([])
            let (folder, isWatching) = (federation.folder.path, Atomic64())
            let watcher = Task {
                while !isWatching.isSet {
                    for file in Self.files(below: folder) { disk.withLock { $0.append(file) } }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            let proxy = FaultyLine(limits: [])
            let (state, _) = try await run(federation, handlers: handlers, proxy: proxy)
            isWatching.set()
            try await watcher.value
            let moved = try state.get()
            #expect(abs(moved.values[0] - federation.initial.values[0] - planted) < 1e-6)
            let answers = seen.withLock { $0 }
            let files = disk.withLock { $0 }
            #expect(answers.count >= 21 && files.count > 10 && proxy.traffic.count > 20_000)
            for (where_, haystacks) in [("answers", answers), ("disk", files), ("wire", [proxy.traffic])] {
                for haystack in haystacks {
                    for needle in needles { #expect(haystack.range(of: needle) == nil, "\(where_)") }
                }
            }
            // The needles are right: an update in the clear holds them.
            #expect(AdapterState(values: [Float](repeating: planted, count: 9)).encoded.range(of: needles[0]) != nil)
        }

        /// Four equal coordinates in a row, as floats and as both integers that rounding may give.
        private func needles(for value: Float, _ federation: TestFederation) throws -> [Data] {
            let scale = try RoundHeader.finestScale(participants: federation.members.count, clip: 10)
            let integer = Int32((Double(value) * scale).rounded(.down))
            func bytes(_ word: UInt32) -> Data {
                Data((0..<4).flatMap { _ in withUnsafeBytes(of: word.littleEndian) { Array($0) } })
            }
            return [
                bytes(value.bitPattern), bytes(UInt32(bitPattern: integer)), bytes(UInt32(bitPattern: integer + 1)),
            ]
        }

        private static func files(below path: String) -> [Data] {
            (FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? []).compactMap {
                FileManager.default.contents(atPath: path + "/" + $0)
            }
        }
    }
}

/// A participant whose process ends at a leg: its answer never leaves, and it calls no more.
private struct Mortal: FrameHandler {
    let inner: Participant
    let dies: ExchangeLeg
    let stop = Atomic64()
    var name: String { inner.name }

    func handle(_ request: Data) async -> Data {
        if Disturbed.leg(of: request) == dies {
            stop.set()
            try? await Task.sleep(for: .seconds(60))
        }
        return await inner.handle(request)
    }
}

private struct Recording: FrameHandler {
    let inner: Participant
    let record: @Sendable (Data) -> Void
    var name: String { inner.name }

    func handle(_ request: Data) async -> Data {
        let answer = await inner.handle(request)
        record(answer)
        return answer
    }
}
