/// Who is trained on and who is held out, drawn before training: the reason why this audit's false-alarm rates mean anything.
///
/// Every coin is a fair Bernoulli(1/2), so members and held-out records come from one pool, and any difference that a model
/// shows between them comes from the training (Meeus et al. 2024; Zhang et al. 2024).
public struct AuditPlan: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.plan/1"
    /// Fewer coins than this are refused.
    public static let minimumCoins = 20

    /// ``currentSchema`` of the version that drew the plan.
    public var schema: String
    /// The seed of the coins.
    public var seed: UInt64
    /// Hexadecimal; without it nobody can test a guessed record against the digests of a published report.
    public var salt: String
    /// Number of coins.
    public var coinCount: Int
    /// Records whose content appeared before; they share the earlier record's coin.
    public var duplicateCount: Int
    /// The data holders, in the order given.
    public var holders: [Holder]
    /// The records, holder by holder in file order.
    public var records: [Entry]
    /// What the figures of this audit will be too few for.
    public var warnings: [String]

    /// One data holder.
    public struct Holder: Codable, Sendable, Equatable {
        /// The file's name without its extensions; also names its parts in the plan directory.
        public var name: String
        /// The file's name.
        public var file: String
        /// Records in the file.
        public var records: Int
        /// Records that are trained on.
        public var included: Int
        /// Whether the parts hold the file's own bytes (JSONL) or its records rewritten as JSONL (CSV).
        public var isVerbatim: Bool
    }

    /// One record.
    public struct Entry: Codable, Sendable, Equatable {
        /// Position of its holder in ``holders``.
        public var holder: Int
        /// Salted SHA-256 of the record's line in the plan's part, hexadecimal.
        public var digest: String
        /// The coin that decided.
        public var coin: Int
        /// What the coin decided.
        public var isIncluded: Bool
    }

    /// Number of records trained on.
    public var includedCount: Int { records.count { $0.isIncluded } }
    /// Number of records held out.
    public var heldOutCount: Int { records.count - includedCount }
}
