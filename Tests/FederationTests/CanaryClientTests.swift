import Federation
import Foundation
import Logging
import Synchronization
import Testing

/// Adds a vector of its own to whatever it is given.
private struct ConstantTrainer: LocalTrainer {
    let deltas: [String: [Float]]
    func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        state.moved(by: deltas[task.holder] ?? [])
    }
}

/// Participants that send one random direction, in rounds of the federation itself.
struct CanaryClientTests {
    private static let dimension = 3000
    private static let holders = ["a", "b", "c"]
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static let deltas: [String: [Float]] = Dictionary(
        uniqueKeysWithValues: holders.enumerated().map { number, holder in
            (holder, (0..<dimension).map { Float(0.01 * sin(Double($0 * (number + 2)) + 1)) })
        }
    )

    /// The adapter after each round, and what the witness kept.
    private func run(
        _ canaries: CanaryClients,
        rounds: Int,
        masked: Bool
    ) async throws -> (states: [[Float]], products: [CanaryProducts]) {
        let planted = canaries.isIncluded.indices.filter { canaries.isIncluded[$0] }
        let names = Self.holders + canaries.includedNames
        let masking =
            masked
            ? try SimulatedMasking(names: names, emulatorHash: [UInt8](repeating: 7, count: 32), clip: 4, seed: 1) : nil
        let participants = names.enumerated().map { index, name in
            Participant(
                name: name,
                adapterCount: Self.dimension,
                weight: 1,
                trainer: index < Self.holders.count
                    ? ConstantTrainer(deltas: Self.deltas)
                    : CanaryTrainer(canaries, index: planted[index - Self.holders.count], of: rounds)
                        as any LocalTrainer,
                masking: masking?.participants[index],
                logger: logger
            )
        }
        let kept = Mutex<[CanaryProducts]>([])
        let seen = Mutex<[[Float]]>([])
        let recorder = Recorder { broadcast, aggregate in
            seen.withLock { $0.append(AdapterState(values: broadcast).moved(by: aggregate).values) }
        }
        let coordinator = Coordinator(
            transport: try InMemoryTransport(participants),
            configuration: try FederationConfiguration(rounds: rounds, localSteps: 1, learningRate: 1),
            schema: AdapterSchema([.init(name: "w", shape: [Self.dimension])]),
            state: AdapterState(values: [Float](repeating: 0, count: Self.dimension)),
            masking: masking?.coordinator,
            observer: CanaryWitness(canaries, next: recorder) { products in kept.withLock { $0.append(products) } },
            logger: logger
        )
        try await coordinator.run()
        return (seen.withLock { $0 }, kept.withLock { $0 })
    }

    /// Nothing is lost of a holder's update and nothing of a canary's: the mean is over all of them.
    @Test(arguments: [false, true], CanaryClients.Presence.allCases)
    func theSumIsThatOfHoldersAndCanaries(masked: Bool, presence: CanaryClients.Presence) async throws {
        let canaries = try CanaryClients(count: 8, presence: presence, norm: 2, seed: 3)
        let (states, products) = try await run(canaries, rounds: 2, masked: masked)
        let planted = canaries.isIncluded.indices.filter { canaries.isIncluded[$0] }
        #expect(planted.count > 1 && planted.count < 8)
        var expected = [Double](repeating: 0, count: Self.dimension)
        let meant = canaries.rounds(of: 2)
        for round in 1...2 {
            var sum = [Double](repeating: 0, count: Self.dimension)
            for delta in Self.deltas.values { for index in sum.indices { sum[index] += Double(delta[index]) } }
            for canary in planted where meant[canary].contains(round) {
                let direction = try canaries.direction(canary, dimension: Self.dimension)
                for index in sum.indices { sum[index] += 2 * Double(direction[index]) }
            }
            for index in sum.indices { expected[index] += sum[index] / Double(3 + planted.count) }
            let worst = zip(states[round - 1], expected).map { abs(Double($0) - $1) }.max() ?? 1
            #expect(worst < 1e-6, "round \(round): \(worst)")
        }
        #expect(products.map(\.round) == [1, 2])
    }

    @Test func canariesAreRecognisedWithoutNoise() async throws {
        let canaries = try CanaryClients(count: 40, presence: .once, norm: 1, seed: 5)
        let (states, products) = try await run(canaries, rounds: 3, masked: false)
        let change = try #require(states.last).reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let scores = CanaryClientScores(
            canaries,
            dimension: Self.dimension,
            rounds: 3,
            products: products,
            accepted: [1, 2, 3],
            change: change
        )
        for cosines in [scores.final, scores.byRound] {
            let lowest = zip(cosines, scores.isIncluded).filter(\.1).map(\.0).min() ?? 0
            let highest = zip(cosines, scores.isIncluded).filter { !$0.1 }.map(\.0).max() ?? 1
            #expect(lowest > highest, "\(lowest) and \(highest)")
        }
        // A rejected sum moved nothing.
        let rejected = CanaryClientScores(
            canaries,
            dimension: Self.dimension,
            rounds: 3,
            products: products,
            accepted: [],
            change: 0
        )
        #expect(rejected.final.allSatisfy { $0 == 0 } && rejected.byRound == scores.byRound)
    }

    @Test func coinsRoundsAndDirectionsFollowFromTheSeed() throws {
        let canaries = try CanaryClients(count: 400, presence: .once, norm: 1, seed: 5)
        let same = try CanaryClients(count: 400, presence: .once, norm: 1, seed: 5)
        let other = try CanaryClients(count: 400, presence: .once, norm: 1, seed: 6)
        #expect(canaries.isIncluded == same.isIncluded && canaries.isIncluded != other.isIncluded)
        let included = canaries.isIncluded.count(where: \.self)
        #expect(abs(included - 200) < 50, "fair coins: \(included)")
        let meant = canaries.rounds(of: 4)
        #expect(Set(meant.map(\.lowerBound)) == [1, 2, 3, 4] && meant.allSatisfy { $0.count == 1 })
        #expect(
            try CanaryClients(count: 8, presence: .always, norm: 1, seed: 5).rounds(of: 4)
                == Array(repeating: 1...4, count: 8)
        )
        let direction = try canaries.direction(7, dimension: 5000)
        #expect(try direction == same.direction(7, dimension: 5000) && direction != other.direction(7, dimension: 5000))
        let norm = direction.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(norm - 1) < 1e-5)
        let product = zip(direction, try canaries.direction(8, dimension: 5000)).reduce(0.0) {
            $0 + Double($1.0 * $1.1)
        }
        #expect(abs(product) < 5 / 5000.0.squareRoot())
        for (count, norm) in [(3, 1.0), (10_001, 1), (10, 0), (10, .infinity)] {
            #expect(throws: FederationError.self) {
                try CanaryClients(count: count, presence: .once, norm: norm, seed: 1)
            }
        }
    }
}

/// Hears of every round.
private struct Recorder: RoundObserver {
    let note: @Sendable ([Float], [Float]) -> Void
    func observe(round: Int, broadcast: AdapterState, aggregate: [Float]) async throws {
        note(broadcast.values, aggregate)
    }
}
