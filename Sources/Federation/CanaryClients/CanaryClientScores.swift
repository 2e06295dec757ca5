import Foundation

/// What a run says about its canary clients: `canary-clients.json`. Coins and cosines, no weights.
public struct CanaryClientScores: Codable, Sendable, Equatable {
    /// The canaries.
    public var canaries: CanaryClients
    /// `[canaries]`: whether it took part.
    public var isIncluded: [Bool]
    /// Rounds of the run.
    public var rounds: Int
    /// Numbers in the adapter.
    public var dimension: Int
    /// `[canaries]`: the cosine of its direction and what the adapter changed by from the first round to the last.
    public var final: [Double]
    /// `[canaries]`: the mean cosine of its direction and the mean updates of the rounds that were meant for it.
    public var byRound: [Double]

    /// Whether rounds drew their participants: canaries that took part may then have been in none. Nil in older files.
    public var isSampled: Bool?

    /// Puts the rounds together.
    ///
    /// - Parameters:
    ///   - products: of every round that had a sum.
    ///   - accepted: rounds whose sum the adapter was moved by.
    ///   - change: ‖θ_T − θ_0‖.
    public init(
        _ canaries: CanaryClients,
        dimension: Int,
        rounds: Int,
        products: [CanaryProducts],
        accepted: Set<Int>,
        change: Double
    ) {
        self.canaries = canaries
        self.dimension = dimension
        self.rounds = rounds
        isIncluded = canaries.isIncluded
        let meant = canaries.rounds(of: rounds)
        func cosine(_ product: Double, _ norm: Double) -> Double { norm > 0 ? max(-1, min(1, product / norm)) : 0 }
        final = (0..<canaries.count).map { index in
            cosine(products.reduce(0) { $0 + (accepted.contains($1.round) ? $1.products[index] : 0) }, change)
        }
        byRound = (0..<canaries.count).map { index in
            let own = products.filter { meant[index].contains($0.round) }
            return own.reduce(0) { $0 + cosine($1.products[index], $1.norm) } / Double(max(1, own.count))
        }
    }
}
