import DifferentialPrivacy
import Foundation
import TensorEngine

/// Canary clients of a simulation: participants without records, each of which sends one random direction as its update, or by a
/// fair coin does not take part at all. Andrew, Kairouz, Oh, Oprea, McMahan & Suriyakumar 2024 ("One-shot Empirical Privacy
/// Estimation for Federated Learning"). Whoever sees what the rounds led to asks which directions are in it.
///
/// Coins, rounds and directions follow from a seed: of a simulation nobody keeps a secret.
public struct CanaryClients: Codable, Sendable, Equatable {
    /// In how many rounds an included canary sends its direction.
    public enum Presence: String, Codable, Sendable, CaseIterable {
        /// In one, drawn for it; in the others it sends zeros. Andrew et al.'s clients are in one round each.
        case once
        /// In each, as a data holder does, which is what the guarantee of all rounds together is about.
        case always
    }

    /// How many coins are flipped: canaries that take part and canaries that do not.
    public var count: Int
    /// In how many rounds one sends its direction.
    public var presence: Presence
    /// Euclidean norm of what it sends: the clip where holders are protected by one.
    public var norm: Double
    /// What everything follows from.
    public var seed: UInt64

    /// The fewest coins that say anything.
    public static let fewest = 4

    /// Makes canaries.
    ///
    /// - Throws: `FederationError.invalidConfiguration`.
    public init(count: Int, presence: Presence, norm: Double, seed: UInt64) throws {
        guard count >= Self.fewest, count <= 10_000 else {
            throw FederationError.invalidConfiguration(
                reason: "--one-shot-canaries \(count) is not between \(Self.fewest) and 10000",
                remedy: "give about as many as data holders, and 20 for a bound"
            )
        }
        guard norm > 0, norm.isFinite else {
            throw FederationError.invalidConfiguration(
                reason: "--one-shot-norm \(norm) is not a positive number",
                remedy: "give the norm of a data holder's update"
            )
        }
        self.count = count
        self.presence = presence
        self.norm = norm
        self.seed = seed
        let included = isIncluded.count(where: \.self)
        guard included > 1, count - included > 1 else {
            throw FederationError.invalidConfiguration(
                reason: "the coins put \(included) of \(count) canary clients in, and on either side there must be two",
                remedy: "give more --one-shot-canaries, or another --seed"
            )
        }
    }

    /// `[canaries]`: whether it takes part, by a fair coin each.
    public var isIncluded: [Bool] {
        var coins = SeededGenerator(seed: seed).derive("canary clients, coins")
        return (0..<count).map { _ in coins.next() >> 63 == 1 }
    }

    /// `[canaries]`: the rounds in which it sends its direction, or would have sent it.
    public func rounds(of total: Int) -> [ClosedRange<Int>] {
        var draws = SeededGenerator(seed: seed).derive("canary clients, rounds")
        return (0..<count).map { _ in
            switch presence {
            case .always: return 1...total
            case .once:
                let round = Int.random(in: 1...total, using: &draws)
                return round...round
            }
        }
    }

    /// The name of a canary in the roster.
    public func name(_ index: Int) -> String { "canary-client-\(index + 1)" }

    /// Names of those that take part.
    public var includedNames: [String] { isIncluded.indices.filter { isIncluded[$0] }.map(name) }

    /// A canary's direction: uniform on the unit sphere.
    ///
    /// - Parameter dimension: numbers in the adapter.
    /// - Throws: `CryptographyError`.
    public func direction(_ index: Int, dimension: Int) throws -> [Float] {
        let key = try NoiseKey(simulationSeed: seed).derive("canary client/\(index)")
        var values = [Float](repeating: 0, count: dimension)
        var squared = 0.0
        try GaussianNoise(key, standardDeviation: 1).forEach(dimension) { position, value in
            values[position] = Float(value)
            squared += value * value
        }
        let scale = Float(1 / squared.squareRoot())
        for position in values.indices { values[position] *= scale }
        return values
    }
}

/// A canary client's part in a round: no training, one direction.
public struct CanaryTrainer: LocalTrainer {
    private let canaries: CanaryClients
    private let index: Int
    private let rounds: ClosedRange<Int>

    /// - Parameters:
    ///   - canaries: all of them.
    ///   - index: which one this is.
    ///   - total: rounds of the run.
    public init(_ canaries: CanaryClients, index: Int, of total: Int) {
        self.canaries = canaries
        self.index = index
        rounds = canaries.rounds(of: total)[index]
    }

    /// The state moved by the direction in this canary's rounds, and as it is in the others.
    ///
    /// - Throws: `CryptographyError`.
    public func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        guard rounds.contains(task.round) else { return state }
        let norm = Float(canaries.norm)
        let direction = try canaries.direction(index, dimension: state.values.count)
        return state.moved(by: direction.map { norm * $0 })
    }

    /// It has no emulator.
    public func adopt(_ middle: RealignedMiddle) async throws {}
}
