/// What the attacks make of the planted records: apart from all other figures, since canaries are made to be remembered.
public struct CanaryReport: Codable, Sendable, Equatable {
    /// Canaries that were scored.
    public var scored: Int
    /// Canaries of which no token carries loss after truncation.
    public var leftOut: Int
    /// One entry a kind and number of repetitions.
    public var tiers: [Tier]
    /// Lower bounds on ε, one entry a number of repetitions; empty when there are too few canaries.
    public var bounds: [Bound]

    /// Canaries of one kind that are repeated equally often.
    public struct Tier: Codable, Sendable, Equatable {
        /// What they are.
        public var canary: Canary
        /// How many were trained on.
        public var included: Int
        /// Held-out canaries of the kind, whatever their tier: a text that nobody trains on is repeated nowhere.
        public var heldOut: Int
        /// One entry a vantage point; empty with fewer than two canaries on a side.
        public var vantages: [View]
    }

    /// A tier from one vantage point.
    public struct View: Codable, Sendable, Equatable {
        /// From where.
        public var vantage: VantagePoint
        /// The suite's attacks, in its order.
        public var attacks: [AttackEstimate]
        /// The exposure; nil where the attacker has no other model than a peer.
        public var exposure: Bits?

        /// The attack with the smallest adjusted p-value, the larger AUC deciding between equals.
        public var strongest: AttackEstimate? {
            attacks.min { ($0.adjustedPValue ?? 1, -$0.auc) < ($1.adjustedPValue ?? 1, -$1.auc) }
        }
    }

    /// The exposure of the included canaries by perplexity (``Exposure``), the held-out ones of the kind as candidates.
    public struct Bits: Codable, Sendable, Equatable {
        /// Of the middle canary.
        public var median: Double
        /// Of the most exposed one.
        public var largest: Double
        /// What no figure can exceed with so many candidates: log₂ of their number.
        public var most: Double
    }

    /// What the guesses about canaries of one number of repetitions prove.
    public struct Bound: Codable, Sendable, Equatable {
        /// How often an included canary occurs. With 1 the bound is about one record; with k about k records that change
        /// together, for which ε-differential privacy of a record allows k·ε: it refutes nothing that is stated.
        public var repetitions: Int
        /// The bounds.
        public var measurement: PrivacyMeasurement
    }

    /// The bounds that are about one record.
    public var single: PrivacyMeasurement? { bounds.first { $0.repetitions == 1 }?.measurement }
}
