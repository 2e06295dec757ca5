import DifferentialPrivacy
import Federation
import Foundation
import Logging
import Synchronization
import Testing

/// Adds a vector of its own to whatever it is given; who has none does not answer.
private struct AddingTrainer: LocalTrainer {
    let deltas: [String: [Float]]
    func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        guard let delta = deltas[task.holder] else { throw CancellationError() }
        return state.moved(by: delta)
    }
}

/// Client-level differential privacy at the coordinator.
struct ClientPrivacyTests {
    private static let count = 2000
    private static let names = ["a", "b", "c", "d"]
    private static let clip = 2.0
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Updates of norms 20, 10, 5 and 0.5: all but the last are clipped.
    private static let deltas: [String: [Float]] = Dictionary(
        uniqueKeysWithValues: zip(names, [20.0, 10, 5, 0.5]).enumerated().map { number, holder in
            let raw = (0..<count).map { sin(Double($0 * (number + 2)) + 1) }
            let norm = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return (holder.0, raw.map { Float($0 / norm * holder.1) })
        }
    )

    private func run(
        _ deltas: [String: [Float]] = Self.deltas,
        noise: Double = 0.01,
        perRound: Int? = nil,
        rounds: Int = 1,
        masked: Bool = false,
        maskedClip: Double = Self.clip,
        key: NoiseKey? = try? NoiseKey(simulationSeed: 1)
    ) async throws -> [Float] {
        let masking =
            masked
            ? try SimulatedMasking(
                names: Self.names,
                emulatorHash: [UInt8](repeating: 7, count: 32),
                clip: maskedClip,
                seed: 1
            ) : nil
        let participants = Self.names.enumerated().map { index, name in
            Participant(
                name: name,
                adapterCount: Self.count,
                weight: 1,
                trainer: AddingTrainer(deltas: deltas),
                masking: masking?.participants[index],
                logger: logger
            )
        }
        let coordinator = Coordinator(
            transport: try InMemoryTransport(participants),
            configuration: try FederationConfiguration(
                rounds: rounds,
                localSteps: 1,
                learningRate: 1,
                participantsPerRound: perRound,
                privacy: ClientPrivacy(noiseMultiplier: noise, clippingNorm: Self.clip, delta: 1e-3)
            ),
            schema: AdapterSchema([.init(name: "w", shape: [Self.count])]),
            state: AdapterState(values: [Float](repeating: 0, count: Self.count)),
            masking: masking?.coordinator,
            noiseKey: key,
            logger: logger
        )
        try await coordinator.run()
        return await coordinator.latest.values
    }

    private func noise(round: Int = 1, deviation: Double) throws -> [Double] {
        var values: [Double] = []
        let key = try NoiseKey(simulationSeed: 1).derive("coordinator/round/\(round)")
        try GaussianNoise(key, standardDeviation: deviation).forEach(Self.count) { values.append($1) }
        return values
    }

    private func clippedSum(of names: [String]) -> [Double] {
        var sum = [Double](repeating: 0, count: Self.count)
        for name in names {
            let delta = (Self.deltas[name] ?? []).map(Double.init)
            let scale = min(1, Self.clip / delta.reduce(0) { $0 + $1 * $1 }.squareRoot())
            for index in sum.indices { sum[index] += scale * delta[index] }
        }
        return sum
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    }

    @Test(arguments: [false, true]) func theMeanIsTheClippedSumWithNoise(masked: Bool) async throws {
        let result = try await run(noise: 0.5, masked: masked)
        let sum = clippedSum(of: Self.names)
        let noise = try noise(deviation: 0.5 * Self.clip)
        for index in result.indices { #expect(abs(Double(result[index]) - (sum[index] + noise[index]) / 4) < 1e-5) }
    }

    @Test(arguments: [false, true]) func whoIsMissingDoesNotChangeTheDivisor(masked: Bool) async throws {
        var deltas = Self.deltas
        deltas["b"] = nil
        let result = try await run(deltas, masked: masked)
        let sum = clippedSum(of: ["a", "c", "d"])
        let noise = try noise(deviation: 0.01 * Self.clip)
        for index in result.indices { #expect(abs(Double(result[index]) - (sum[index] + noise[index]) / 4) < 1e-5) }
    }

    @Test(arguments: [false, true]) func oneHolderMovesTheMeanByAtMostItsClip(masked: Bool) async throws {
        let with = try await run(masked: masked)
        var deltas = Self.deltas
        deltas["a"] = [Float](repeating: 0, count: Self.count)
        let without = try await run(deltas, masked: masked)
        #expect(distance(with, without) <= Self.clip / 4 + 1e-4)
        #expect(distance(with, without) > 0.9 * Self.clip / 4)
    }

    @Test func aDrawnCohortHasNoiseRelativeToTwoClips() async throws {
        let none = Self.deltas.mapValues { $0.map { _ in Float(0) } }
        let result = try await run(none, noise: 1, perRound: 3)
        let noise = try noise(deviation: 2 * Self.clip)
        for index in result.indices { #expect(abs(Double(result[index]) - noise[index] / 3) < 1e-6) }
    }

    @Test func everyRoundHasItsOwnNoise() async throws {
        let none = Self.deltas.mapValues { $0.map { _ in Float(0) } }
        let one = try await run(none, noise: 1)
        let two = try await run(none, noise: 1, rounds: 2)
        let second = try noise(round: 2, deviation: Self.clip)
        for index in one.indices { #expect(abs(Double(two[index] - one[index]) - second[index] / 4) < 1e-5) }
        #expect(try await run(none, noise: 1, rounds: 2) == two)
        #expect(try await run(none, noise: 1, rounds: 2, key: NoiseKey()) != two)
    }

    @Test func refusesWhatWouldVoidTheGuarantee() async throws {
        await #expect(throws: FederationError.self) { try await run(key: nil) }
        let error = await #expect(throws: FederationError.self) { try await run(masked: true, maskedClip: 10) }
        #expect(error?.description.contains("give --clip and --client-dp-clip the same value") == true)
        #expect(throws: FederationError.self) {
            try FederationConfiguration(
                rounds: 1,
                localSteps: 1,
                learningRate: 1,
                weights: .records,
                privacy: ClientPrivacy(noiseMultiplier: 1, clippingNorm: 1, delta: 1e-3)
            )
        }
        for (noise, clip, delta) in [(0.0, 1.0, 1e-3), (1, 0, 1e-3), (1, .infinity, 1e-3), (1, 1, 1)] {
            #expect(throws: (any Error).self) {
                try ClientPrivacy(noiseMultiplier: noise, clippingNorm: clip, delta: delta)
            }
        }
    }

    @Test func aDrawnCohortIsNeverAccountedAsPoisson() throws {
        let privacy = try ClientPrivacy(noiseMultiplier: 2, clippingNorm: 1, delta: 1e-3)
        let fixed = try privacy.guarantee(population: 32, perRound: 8, rounds: 30)
        #expect(fixed.sampler == "fixed" && fixed.accountant == "rdp" && fixed.neighbouring == "replace-one")
        #expect(abs(fixed.epsilon - 5.740771) < 1e-5)
        let full = try privacy.guarantee(population: 32, perRound: 32, rounds: 30)
        #expect(full.sampler == "full" && full.rate == 1 && full.neighbouring == "add-or-remove-one")
        #expect(try privacy.guarantee(population: 32, perRound: nil, rounds: 30) == full)
    }
}
