/// Who is trained on and who is held out, drawn before training: the reason why this audit's false-alarm rates mean anything.
///
/// Every coin is a Bernoulli of its own with one probability, so members and held-out records come from one pool, and any
/// difference that a model shows between them comes from the training (Meeus et al. 2024; Zhang et al. 2024).
public struct AuditPlan: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.plan/1"
    /// Fewer coins than this are refused.
    public static let minimumCoins = 20
    /// The share that is held out unless somebody asks for more: few data holders give up half of their records.
    public static let defaultHoldout = 0.1

    /// ``currentSchema`` of the version that drew the plan.
    public var schema: String
    /// The seed of the coins.
    public var seed: UInt64
    /// The probability with which a coin holds out, 0 … 1; nil in plans of before it could be chosen, which hold out half.
    public var holdout: Double?
    /// Hexadecimal; without it nobody can test a guessed record against the digests of a published report.
    public var salt: String
    /// Number of coins, canaries' included.
    public var coinCount: Int
    /// Records whose content appeared before; they share the earlier record's coin.
    public var duplicateCount: Int
    /// The data holders, in the order given.
    public var holders: [Holder]
    /// The records, holder by holder in file order; then the canaries.
    public var records: [Entry]
    /// What the figures of this audit will be too few for.
    public var warnings: [String]
    /// Whether no record names a subject, so that the audit is about records and not about people; nil: not known.
    public var isRecordLevel: Bool?

    /// One data holder.
    public struct Holder: Codable, Sendable, Equatable {
        /// The file's name without its extensions; also names its parts in the plan directory.
        public var name: String
        /// The file's name.
        public var file: String
        /// Records in the file, and so without canaries.
        public var records: Int
        /// Records of the file that are trained on.
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
        /// What was planted; nil: a data holder's own record.
        public var canary: Canary?

        /// Lines of the record in the part that its coin puts it into.
        public var copies: Int { isIncluded ? canary?.repetitions ?? 1 : 1 }
    }

    /// Number of records trained on, canaries not counted.
    public var includedCount: Int { records.count { $0.isIncluded && $0.canary == nil } }
    /// Number of records held out, canaries not counted.
    public var heldOutCount: Int { records.count - canaryCount - includedCount }
    /// Number of canaries, included and held out.
    public var canaryCount: Int { records.count { $0.canary != nil } }
    /// The probability with which a coin holds out.
    public var heldOutShare: Double { holdout ?? 0.5 }
    /// Independent coins of the records on either side.
    public var coinCounts: (included: Int, heldOut: Int) {
        let coins = records.filter { $0.canary == nil }.reduce(into: (included: Set<Int>(), heldOut: Set<Int>())) {
            if $1.isIncluded { $0.included.insert($1.coin) } else { $0.heldOut.insert($1.coin) }
        }
        return (coins.included.count, coins.heldOut.count)
    }
    /// The power that the coins leave: the smallest true AUC that they are expected to tell from chance.
    public var smallestDetectableAUC: Double {
        let coins = coinCounts
        return AUC.smallestDetectable(members: coins.included, heldOut: coins.heldOut)
    }
}
