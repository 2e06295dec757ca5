import TensorEngine

/// Whom a lying coordinator asks about: of each data holder as many members as held-out records, so that neither the holder nor
/// the share of members tells anything.
public enum ActiveTargets {
    /// Draws targets, one record a coin, canaries not among them.
    ///
    /// - Parameters:
    ///   - records: of the plan.
    ///   - isScorable: `[records]`: whether a token of it carries loss.
    ///   - count: targets in all; fewer where holders run out of either side.
    ///   - seed: same records and seed, same targets.
    /// - Returns: positions of the records, ascending.
    /// - Throws: `AuditError.outOfRange` where not even two members and two held-out records can be drawn.
    public static func draw(
        from records: [AuditedRecord],
        isScorable: [Bool],
        count: Int,
        seed: UInt64
    ) throws -> [Int] {
        var generator = SeededGenerator(seed: seed).derive("active targets")
        var drawnCoins: Set<Int> = []
        var holders: [String: [Bool: [Int]]] = [:]
        for index in records.indices.shuffled(using: &generator) {
            let record = records[index]
            guard isScorable[index], record.canary == nil, drawnCoins.insert(record.coin).inserted else { continue }
            holders[record.holder, default: [:]][record.isMember, default: []].append(index)
        }
        let queues = holders.sorted { $0.key < $1.key }.map { Array(zip($0.value[true] ?? [], $0.value[false] ?? [])) }
        var pairs: [(member: Int, heldOut: Int)] = []
        for turn in 0..<(queues.map(\.count).max() ?? 0) {
            for queue in queues where turn < queue.count && pairs.count < count / 2 {
                pairs.append((queue[turn].0, queue[turn].1))
            }
        }
        guard pairs.count >= 2 else {
            throw AuditError.outOfRange(
                parameter: "number of targets of the active attack",
                value: "\(pairs.count * 2)",
                range: "at least 4, two of them held out by the data holder that has two members"
            )
        }
        return pairs.flatMap { [$0.member, $0.heldOut] }.sorted()
    }
}
