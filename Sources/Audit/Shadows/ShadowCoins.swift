import TensorEngine

/// Fresh inclusion coins for shadow models, in pairs: what one of a pair trains on, the other does not (Carlini et al. 2022).
///
/// They follow from the records' ties and a seed alone. The coins of the plan are no input: shadows that knew them would hand
/// the attack its answer.
public struct ShadowCoins: Sendable, Equatable {
    /// The fewest shadows: two that trained on a record and two that did not give each side a variance.
    public static let fewest = 4

    /// `[shadows][records]`; every record is in exactly half of the shadows.
    public let isIncluded: [[Bool]]

    /// Draws the coins, for each pair half of every data holder's.
    ///
    /// - Parameters:
    ///   - ties: the plan's coin number of each record: records with one number are included together.
    ///   - holders: each record's data holder.
    ///   - shadows: an even number, at least ``fewest``.
    ///   - seed: same ties and seed, same coins.
    /// - Throws: `AuditError.outOfRange`; `.oneSidedHolder` when a shadow would leave a holder nothing to train on.
    public init(ties: [Int], holders: [String], shadows: Int, seed: UInt64) throws {
        guard shadows >= Self.fewest, shadows.isMultiple(of: 2) else {
            throw AuditError.outOfRange(
                parameter: "number of shadows",
                value: "\(shadows)",
                range: "even and at least \(Self.fewest)"
            )
        }
        var coinsOfHolder: [(holder: String, coins: [Int])] = []
        var seen: Set<Int> = []
        for (tie, holder) in zip(ties, holders) where seen.insert(tie).inserted {
            if let index = coinsOfHolder.firstIndex(where: { $0.holder == holder }) {
                coinsOfHolder[index].coins.append(tie)
            } else {
                coinsOfHolder.append((holder, [tie]))
            }
        }
        let generator = SeededGenerator(seed: seed)
        var isIncluded: [[Bool]] = []
        for pair in 0..<shadows / 2 {
            var draws = generator.derive("shadow coins, pair \(pair)")
            var included: Set<Int> = []
            for (_, coins) in coinsOfHolder {
                let half = (coins.count + (draws.next() >> 63 == 1 ? 1 : 0)) / 2
                included.formUnion(coins.shuffled(using: &draws).prefix(half))
            }
            let first = ties.map { included.contains($0) }
            isIncluded += [first, first.map { !$0 }]
        }
        for row in isIncluded {
            let served = Set(zip(row, holders).filter(\.0).map(\.1))
            if let name = holders.first(where: { !served.contains($0) }) {
                throw AuditError.oneSidedHolder(name: name)
            }
        }
        self.isIncluded = isIncluded
    }
}
