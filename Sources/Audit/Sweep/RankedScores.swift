import Foundation

/// How some attacks rank the records of one vantage point, by no names: all that comparing AUCs of two runs takes, because
/// DeLong's components depend on ranks alone.
public struct RankedScores: Codable, Sendable, Equatable {
    /// SHA-256 of the records, their coins and their order, hexadecimal: only ranks of the same records compare.
    public var records: String
    /// Records trained on; they come first.
    public var members: Int
    /// Records held out.
    public var heldOut: Int
    /// `[records]`, the inclusion coins, numbered as they first occur; nil: each record has one of its own. Base64 as ``Ranks``.
    public var coins: String?
    /// The attacks that are kept.
    public var attacks: [Ranks]

    /// One attack's ranks.
    public struct Ranks: Codable, Sendable, Equatable {
        /// The attack's name.
        public var attack: String
        /// `[records]`, twice the mid-ranks, which are whole numbers: little-endian, 16 bits each where all fit, else 32; base64.
        public var ranks: String
    }

    /// Those that are kept beside the strongest: the strongest differs from run to run, and only one attack's figures compare.
    static let always = ["RATIO", "EZ", "DLOSS", "SPAN"]

    /// Ranks of all scored records.
    ///
    /// - Parameters:
    ///   - samples: the attacks' scores, in the records' order.
    ///   - strongest: kept whatever it is.
    init?(_ samples: [(name: String, sample: LabelledScores)], strongest: String?, order: RecordOrder) {
        let kept = samples.filter { Self.always.contains($0.name) || $0.name == strongest }
        guard let first = kept.first?.sample else { return nil }
        records = order.digest
        members = first.memberCount
        heldOut = first.heldOutCount
        let coins = Self.numbered(order.positions.map { first.clusters[$0] })
        let width = Self.width(of: first.count)
        self.coins = coins == Array(coins.indices) ? nil : Self.encode(coins, width)
        attacks = kept.map { name, sample in
            let ranks = MidRanks.of(sample.scores)
            return Ranks(attack: name, ranks: Self.encode(order.positions.map { Int(2 * ranks[$0]) }, width))
        }
    }

    /// The ranks of an attack as scores, which give every AUC and paired comparison that the scores themselves do.
    ///
    /// - Returns: nil when the attack is not among them.
    /// - Throws: `AuditError.unreadableReport` for damaged ones.
    func sample(of attack: String) throws -> LabelledScores? {
        guard let own = attacks.first(where: { $0.attack == attack }) else { return nil }
        let count = members + heldOut
        guard members > 0, heldOut > 0, let ranks = Self.decode(own.ranks, count),
            let coins = coins.map({ Self.decode($0, count) }) ?? Array(0..<count)
        else {
            throw AuditError.unreadableReport(reason: "the ranks of \(attack) are damaged")
        }
        return try LabelledScores(
            scores: ranks.map { Double($0) / 2 },
            isMember: (0..<count).map { $0 < members },
            clusters: coins
        )
    }

    private static func numbered(_ coins: [Int]) -> [Int] {
        var numbers: [Int: Int] = [:]
        return coins.map { coin in
            let number = numbers[coin] ?? numbers.count
            numbers[coin] = number
            return number
        }
    }

    /// Bytes of a number; the largest is twice the count.
    private static func width(of count: Int) -> Int { 2 * count <= Int(UInt16.max) ? 2 : 4 }

    private static func encode(_ values: [Int], _ width: Int) -> String {
        Data(values.flatMap { value in (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } })
            .base64EncodedString()
    }

    private static func decode(_ text: String, _ count: Int) -> [Int]? {
        let width = width(of: count)
        guard let data = Data(base64Encoded: text), data.count == count * width else { return nil }
        let bytes = [UInt8](data)
        return (0..<count).map { record in
            (0..<width).reduce(0) { $0 | Int(bytes[record * width + $1]) << (8 * $1) }
        }
    }
}
