import Foundation
import TensorEngine

/// One round's sum against every canary's direction: `canaries/NNNN.json`.
public struct CanaryProducts: Codable, Sendable, Equatable {
    /// Counted from 1.
    public var round: Int
    /// `[canaries]`: ⟨c, Δ⟩, Δ the mean update that the round led to, noise and all.
    public var products: [Double]
    /// ‖Δ‖.
    public var norm: Double

    /// Keeps the values.
    public init(round: Int, products: [Double], norm: Double) {
        self.round = round
        self.products = products
        self.norm = norm
    }
}

/// Measures each round's mean update along the canaries' directions, those of canaries that do not take part among them. It sees
/// what every participant is sent, and nothing else.
public actor CanaryWitness: RoundObserver {
    private let canaries: CanaryClients
    private let next: (any RoundObserver)?
    private let keep: @Sendable (CanaryProducts) throws -> Void

    /// - Parameters:
    ///   - canaries: whose directions.
    ///   - next: another observer of the same rounds.
    ///   - keep: stores a round's products.
    public init(
        _ canaries: CanaryClients,
        next: (any RoundObserver)?,
        keep: @escaping @Sendable (CanaryProducts) throws -> Void
    ) {
        self.canaries = canaries
        self.next = next
        self.keep = keep
    }

    /// Measures the round and hands it on.
    ///
    /// - Throws: `CryptographyError`; what keeping it throws.
    public func observe(round: Int, broadcast: AdapterState, aggregate: [Float]) async throws {
        try keep(try Self.measure(canaries, round: round, aggregate: aggregate))
        try await next?.observe(round: round, broadcast: broadcast, aggregate: aggregate)
    }

    /// The products of one update.
    ///
    /// - Throws: `CryptographyError`.
    public static func measure(_ canaries: CanaryClients, round: Int, aggregate: [Float]) throws -> CanaryProducts {
        try aggregate.withUnsafeBufferPointer { update in
            CanaryProducts(
                round: round,
                products: try (0..<canaries.count).map { index in
                    try canaries.direction(index, dimension: update.count).withUnsafeBufferPointer { dot($0, update) }
                },
                norm: dot(update, update).squareRoot()
            )
        }
    }
}
