import Federation
import Foundation
import Logging
import SecureAggregation
import Synchronization
import Testing

/// Adds a vector of its own to whatever it is given.
private struct AddingTrainer: LocalTrainer {
    let deltas: [String: [Float]]
    func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        state.moved(by: deltas[task.holder] ?? [])
    }
}

/// Loses a participant from a given number of exchanges on, and records what the coordinator received.
private final class LossyTransport: Transport {
    let inner: InMemoryTransport
    let victim: String?
    let survivesExchanges: Int
    private let counts = Mutex<[String: Int]>([:])
    let received = Mutex<[Data]>([])

    init(_ inner: InMemoryTransport, victim: String? = nil, survivesExchanges: Int = .max) {
        self.inner = inner
        self.victim = victim
        self.survivesExchanges = survivesExchanges
    }

    var participants: [String] { inner.participants }

    func exchange(_ exchange: Exchange, with participant: String) async throws -> Data {
        let count = counts.withLock { counts in
            counts[participant, default: 0] += 1
            return counts[participant] ?? 0
        }
        if participant == victim, count > survivesExchanges { throw CancellationError() }
        let answer = try await inner.exchange(exchange, with: participant)
        received.withLock { $0.append(answer) }
        return answer
    }
}

@Suite struct MaskedRoundTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let count = 1000
    private static let names = ["a", "b", "c"]
    private static let deltas: [String: [Float]] = Dictionary(
        uniqueKeysWithValues: names.enumerated().map { index, name in
            (name, (0..<count).map { Float(sin(Double($0 * (index + 2)))) * 0.01 })
        }
    )

    private func run(
        losing victim: String? = nil,
        after exchanges: Int = .max,
        rounds: Int = 1,
        weightMaximum: UInt32 = 0,
        weights: [Double] = [1, 1, 1]
    ) async throws -> (coordinator: Coordinator, transport: LossyTransport) {
        let names = Self.names
        let masking = try SimulatedMasking(
            names: names,
            emulatorHash: [UInt8](repeating: 7, count: 32),
            clip: 10,
            weightMaximum: weightMaximum,
            seed: 1
        )
        let trainer = AddingTrainer(deltas: Self.deltas)
        let participants = names.enumerated().map { index, name in
            Participant(
                name: name,
                adapterCount: Self.count,
                weight: weights[index],
                trainer: trainer,
                masking: masking.participants[index],
                logger: logger
            )
        }
        let transport = LossyTransport(
            try InMemoryTransport(participants),
            victim: victim,
            survivesExchanges: exchanges
        )
        let coordinator = Coordinator(
            transport: transport,
            configuration: try FederationConfiguration(
                rounds: rounds,
                localSteps: 1,
                learningRate: 1,
                weights: weightMaximum > 0 ? .records : .uniform
            ),
            schema: AdapterSchema([.init(name: "w", shape: [Self.count])]),
            state: AdapterState(values: [Float](repeating: 0.5, count: Self.count)),
            masking: masking.coordinator,
            logger: logger
        )
        try await coordinator.run()
        return (coordinator, transport)
    }

    private func expect(_ state: AdapterState, meanOf names: [String], weights: [Float]? = nil) {
        let weights = weights ?? names.map { _ in 1 }
        let total = weights.reduce(0, +)
        for index in 0..<Self.count {
            let mean = zip(names, weights).reduce(Float(0)) { $0 + (Self.deltas[$1.0]?[index] ?? 0) * $1.1 } / total
            #expect(abs(state.values[index] - 0.5 - mean) < 1e-6)
        }
    }

    @Test func theMaskedMeanIsTheMean() async throws {
        let (coordinator, _) = try await run(rounds: 1)
        expect(await coordinator.latest, meanOf: Self.names)
    }

    @Test func weightsTravelInsideTheMasks() async throws {
        let (coordinator, _) = try await run(weightMaximum: 100, weights: [10, 30, 60])
        expect(await coordinator.latest, meanOf: Self.names, weights: [10, 30, 60])
    }

    /// The exchanges of a participant: instruct, adapter, R0, R1, R2, R3, R4, R5, result.
    @Test(arguments: [4, 5, 6]) func aHolderMayDropOutLate(exchanges: Int) async throws {
        let (coordinator, _) = try await run(losing: "b", after: exchanges)
        // Before R2 arrives the update is not in the sum; once it has, it stays in.
        expect(await coordinator.latest, meanOf: exchanges == 4 ? ["a", "c"] : Self.names)
    }

    @Test func twoDropoutsEndTheRoundWithoutRevealingAnything() async throws {
        let names = Self.names
        let masking = try SimulatedMasking(
            names: names,
            emulatorHash: [UInt8](repeating: 7, count: 32),
            clip: 10,
            seed: 1
        )
        let alone = Participant(
            name: "a",
            adapterCount: Self.count,
            weight: 1,
            trainer: AddingTrainer(deltas: Self.deltas),
            masking: masking.participants[0],
            logger: logger
        )
        let coordinator = Coordinator(
            transport: try InMemoryTransport([alone]),
            configuration: try FederationConfiguration(rounds: 1, localSteps: 1, learningRate: 1),
            schema: AdapterSchema([.init(name: "w", shape: [Self.count])]),
            state: AdapterState(values: [Float](repeating: 0, count: Self.count)),
            masking: masking.coordinator,
            logger: logger
        )
        await #expect(throws: SecureAggregationError.self) { try await coordinator.run() }
    }

    /// What reaches the coordinator from a holder is not its update: neither as numbers nor as a difference that a
    /// correlation would see.
    @Test func theCoordinatorSeesNoSingleUpdate() async throws {
        let (_, transport) = try await run()
        let vectors = transport.received.withLock { $0.filter { $0.count > 4 * Self.count } }
        #expect(vectors.count == 3)
        for bytes in vectors {
            let words = [UInt8](bytes.suffix(4 * Self.count + 64).prefix(4 * Self.count))
            let mean = words.reduce(0.0) { $0 + Double($1) } / Double(words.count)
            #expect(abs(mean - 127.5) < 6)
        }
    }

    @Test func aHolderWithKeysRefusesTheClear() async throws {
        let masking = try SimulatedMasking(
            names: Self.names,
            emulatorHash: [UInt8](repeating: 7, count: 32),
            clip: 10,
            seed: 1
        )
        let participant = Participant(
            name: "a",
            adapterCount: 2,
            weight: 1,
            trainer: AddingTrainer(deltas: [:]),
            masking: masking.participants[0],
            logger: logger
        )
        let opening = try Frame(
            .instruct,
            header: RoundInstruction(round: 1, localSteps: 1, learningRate: 1, isMasked: false, stateHash: ""),
            payload: Data(count: 8)
        )
        let answer = try Frame(decoding: await participant.handle(opening.encoded), from: "a")
        #expect(answer.kind == .failure)
        #expect(try answer.header(FailureHeader.self, from: "a").code == .refused)
    }

    @Test func resumedRoundsGiveTheSameBits() async throws {
        let (first, _) = try await run(rounds: 3)
        let (second, _) = try await run(rounds: 3)
        let (left, right) = (await first.latest, await second.latest)
        #expect(left == right)
    }
}
