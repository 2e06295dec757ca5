import Federation
import Foundation
import Logging
import Synchronization
import Testing

/// Moves half of the way towards a target of its own: the mean of targets is the fixed point.
private struct TargetTrainer: LocalTrainer {
    var targets: [String: [Float]]
    var failing: Set<String> = []
    var poison: Set<String> = []

    func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        if failing.contains(task.holder) { throw CancellationError() }
        if poison.contains(task.holder) { return AdapterState(values: state.values.map { _ in .nan }) }
        let target = targets[task.holder] ?? []
        return AdapterState(values: zip(state.values, target).map { $0 + ($1 - $0) / 2 })
    }
}

private final class MemoryStore: RoundStore {
    let saved = Mutex<[(RoundRecord, AdapterState, RunProgress)]>([])
    func save(_ record: RoundRecord, state: AdapterState, progress: RunProgress) throws {
        saved.withLock { $0.append((record, state, progress)) }
    }
    func save(_ middle: RealignedMiddle) throws {}
}

private struct DistanceJudge: AggregateJudge {
    let target: [Float]
    var rejectsRounds: Set<Int> = []
    func judge(_ state: AdapterState, round: Int) async throws -> Judgement {
        let loss = zip(state.values, target).reduce(0.0) { $0 + Double(abs($1.0 - $1.1)) }
        return Judgement(
            figures: ["plugin.loss": loss],
            validationLoss: loss,
            rejection: rejectsRounds.contains(round) ? "worse than allowed" : nil
        )
    }
}

@Suite struct CoordinatorTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let schema = AdapterSchema([.init(name: "w", shape: [3])])
    private let targets: [String: [Float]] = ["a": [1, 0, 0], "b": [0, 1, 0], "c": [0, 0, 1]]

    private func participants(_ trainer: TargetTrainer) -> [Participant] {
        ["a", "b", "c"].map {
            Participant(name: $0, adapterCount: 3, weight: $0 == "a" ? 2 : 1, trainer: trainer, logger: logger)
        }
    }

    private func coordinator(
        _ trainer: TargetTrainer,
        rounds: Int = 30,
        weights: AveragingWeights = .uniform,
        perRound: Int? = nil,
        from saved: (AdapterState, RunProgress)? = nil,
        judge: (any AggregateJudge)? = nil,
        store: (any RoundStore)? = nil
    ) throws -> Coordinator {
        try Coordinator(
            transport: InMemoryTransport(participants(trainer)),
            configuration: FederationConfiguration(
                rounds: rounds,
                localSteps: 1,
                learningRate: 1,
                participantsPerRound: perRound,
                weights: weights,
                seed: 7
            ),
            schema: schema,
            state: saved?.0 ?? AdapterState(values: [0, 0, 0]),
            progress: saved?.1 ?? RunProgress(),
            judge: judge,
            store: store,
            logger: logger
        )
    }

    @Test func convergesToTheUniformMean() async throws {
        let coordinator = try coordinator(TargetTrainer(targets: targets))
        try await coordinator.run()
        for value in await coordinator.result.values { #expect(abs(value - 1.0 / 3) < 1e-6) }
    }

    @Test func convergesToTheWeightedMean() async throws {
        let coordinator = try coordinator(TargetTrainer(targets: targets), weights: .records)
        try await coordinator.run()
        #expect(abs(await coordinator.result.values[0] - 0.5) < 1e-6)
    }

    @Test func countsEveryByte() async throws {
        let store = MemoryStore()
        let coordinator = try coordinator(TargetTrainer(targets: targets), rounds: 1, store: store)
        try await coordinator.run()
        let record = try #require(store.saved.withLock { $0.first?.0 })
        let header = RoundInstruction(
            round: 1,
            localSteps: 1,
            learningRate: 1,
            isMasked: false,
            stateHash: String(repeating: "0", count: 64)
        )
        // By name first; the adapter goes to those who say that they do not have it.
        let instruct = try Frame(.instruct, header: header).byteCount
        let adapter = try Frame(.instruct, header: header, payload: Data(count: 12)).byteCount
        let result = try Frame(.result, header: RoundOutcome(isAccepted: true), payload: Data(count: 12)).byteCount
        let down = instruct + adapter + Frame(.train).byteCount + result
        #expect(record.traffic.down == 3 * down)
        #expect(record.included == ["a", "b", "c"])
    }

    @Test func leavesOutWhoFailsAndWhoSendsNaN() async throws {
        let store = MemoryStore()
        let trainer = TargetTrainer(targets: targets, failing: ["a"], poison: ["b"])
        let coordinator = try coordinator(trainer, rounds: 1, store: store)
        try await coordinator.run()
        #expect(store.saved.withLock { $0.first?.0.included } == ["c"])
        #expect(await coordinator.result.values == [0, 0, 0.5])
    }

    @Test func stopsWhenNobodyIsLeft() async throws {
        let coordinator = try coordinator(TargetTrainer(targets: targets, failing: ["a", "b", "c"]))
        await #expect(throws: FederationError.tooFewParticipants(round: 1, alive: [], needed: 1)) {
            try await coordinator.run()
        }
    }

    @Test func resumesToTheSameBits() async throws {
        let store = MemoryStore()
        let whole = try coordinator(TargetTrainer(targets: targets), rounds: 9, perRound: 2, store: store)
        try await whole.run()
        let saved = try #require(store.saved.withLock { $0.first { $0.0.round == 4 } })
        let rest = try coordinator(TargetTrainer(targets: targets), rounds: 9, perRound: 2, from: (saved.1, saved.2))
        try await rest.run()
        let (left, right) = (await whole.latest, await rest.latest)
        #expect(left == right)
        // A coordinator that comes back does not know who has the adapter already: the wire may differ, and nothing else.
        var (first, second) = (await whole.progress, await rest.progress)
        (first.traffic, second.traffic) = (TrafficCount(), TrafficCount())
        #expect(first == second)
    }

    @Test func drawsAsManyAsAsked() async throws {
        let store = MemoryStore()
        let coordinator = try coordinator(TargetTrainer(targets: targets), rounds: 40, perRound: 2, store: store)
        try await coordinator.run()
        let draws = store.saved.withLock { $0.map(\.0.invited) }
        #expect(draws.allSatisfy { $0.count == 2 })
        #expect(Set(draws).count == 3)
    }

    @Test func keepsTheBestRoundAndRejects() async throws {
        let judge = DistanceJudge(target: [0.2, 0.2, 0.2], rejectsRounds: [3])
        let store = MemoryStore()
        let coordinator = try coordinator(TargetTrainer(targets: targets), rounds: 5, judge: judge, store: store)
        try await coordinator.run()
        let records = store.saved.withLock { $0 }
        #expect(records[2].0.isAccepted == false && records[2].1 == records[1].1)
        let losses = records.filter { $0.0.isAccepted }.map { ($0.0.figures["plugin.loss"] ?? 9, $0.0.round) }
        #expect(await coordinator.progress.bestRound == losses.min { $0.0 < $1.0 }?.1)
        #expect(await coordinator.result != coordinator.latest)
    }

    @Test func cancellationLeavesNoTraceOfTheRound() async throws {
        let store = MemoryStore()
        let coordinator = try coordinator(TargetTrainer(targets: targets), store: store)
        await #expect(throws: CancellationError.self) { try await coordinator.run(isCancelled: { true }) }
        #expect(store.saved.withLock { $0.isEmpty })
        #expect(await coordinator.latest.values == [0, 0, 0])
    }
}

@Suite struct FrameTests {
    @Test func roundTrips() throws {
        let frame = try Frame(.update, header: UpdateHeader(weight: 2), payload: Data([1, 2, 3]))
        #expect(try Frame(decoding: frame.encoded, from: "x") == frame)
        #expect(frame.encoded.count == frame.byteCount)
    }

    /// A peer that lies about lengths, kinds or the magic number gets an error and never a trap.
    @Test func everyTruncationAndFlipIsRefusedOrRead() throws {
        let bytes = try Frame(.update, header: UpdateHeader(weight: 2), payload: Data([1, 2, 3])).encoded
        for length in 0..<bytes.count {
            #expect(throws: FederationError.self) { try Frame(decoding: bytes.prefix(length), from: "x") }
        }
        for position in 0..<bytes.count {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << bit
                _ = try? Frame(decoding: damaged, from: "x").header(UpdateHeader.self, from: "x")
            }
        }
    }
}
