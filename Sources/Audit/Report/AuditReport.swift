/// Everything that an audit found: the content of `report.json`, from which `report.html` follows byte for byte.
public struct AuditReport: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.audit/1"

    /// ``currentSchema`` of the version that wrote the report.
    public var schema: String
    /// The report's heading.
    public var title: String
    /// When and with what it was made: labelled lines from the caller, such as the command, the version, the plan's digest.
    public var provenance: [RunFacts.Detail]
    /// The suite as it was resolved, seeds included.
    public var suite: AttackSuite
    /// What every attack of the suite does, by name.
    public var attackExplanations: [RunFacts.Detail]
    /// The conclusion over all runs.
    public var verdict: Verdict
    /// One entry a run.
    public var runs: [RunReport]
    /// Runs compared in pairs at the same vantage point by the same attack.
    public var comparisons: [RunComparison]
    /// What the system promises.
    public var promised: [String]
    /// What it does not promise.
    public var notPromised: [String]
    /// What this audit did not test.
    public var notTested: [String]
    /// SHA-256 of the `scores.csv` beside it, hexadecimal; nil where there is none, as of sweeps and merged reports.
    public var scoresDigest: String?

    /// A run with its results.
    public struct RunReport: Codable, Sendable, Equatable {
        /// The run's name.
        public var name: String
        /// What it was.
        public var facts: RunFacts
        /// What its audit stands on.
        public var counts: Counts
        /// The baseline that sees no model.
        public var blind: AttackResult
        /// One entry a vantage point.
        public var vantages: [VantageReport]
        /// Lower bounds on ε; nil when the coins cannot give any.
        public var privacy: PrivacyMeasurement?
        /// Text that was read out of updates; nil when it was not tried.
        public var reconstructions: [ReconstructionResult]?
        /// The attacks on a deliberately overfitted adapter; nil: none was trained.
        public var positiveControl: PositiveControl?
        /// What the attacks make of planted records; nil: none was planted.
        public var canaries: CanaryReport?
        /// The most exposed members; nil in reports of before they were named, and in sweeps.
        public var exposed: [ExposedRecord]?
        /// What a lying coordinator learned on a fork of the run; nil: nobody asked.
        public var active: ActiveReport?
        /// What canary clients say of whole participants; nil: none was planted.
        public var clientCanaries: ClientCanaryReport?
    }

    /// An adapter trained much longer on the same members: attacks that are silent there say nothing by being silent elsewhere.
    public struct PositiveControl: Codable, Sendable, Equatable {
        /// What was done, in one sentence.
        public var description: String
        /// What the training did to the records' perplexity.
        public var fit: Fit
        /// The suite's attacks that the control has the evidence for.
        public var attacks: [AttackResult]

        /// The attack with the largest AUC.
        public var strongest: AttackResult? { attacks.max { $0.auc < $1.auc } }
    }

    /// One vantage point of a run.
    public struct VantageReport: Codable, Sendable, Equatable {
        /// From where.
        public var vantage: VantagePoint
        /// What the tuning did to the records' perplexity.
        public var fit: Fit
        /// The suite's attacks, in its order.
        public var attacks: [AttackResult]
        /// The attacks that need no reference, on the untuned model.
        public var nullControl: [AttackResult]
        /// What each observed round alone gives away; nil where no two rounds were observed.
        public var rounds: [RoundLeak]?
        /// How the main attacks rank the records, by no names, for comparing runs; nil unless asked for.
        public var ranks: RankedScores?

        /// The attack with the smallest adjusted p-value, the larger AUC deciding between equals.
        public var strongest: AttackResult? {
            attacks.min { ($0.adjustedPValue, -$0.auc) < ($1.adjustedPValue, -$1.auc) }
        }
    }

    /// Counts of the records that an audit stands on.
    public struct Counts: Codable, Sendable, Equatable {
        /// Records trained on.
        public var members: Int
        /// Records held out.
        public var heldOut: Int
        /// Independent inclusion coins among the members.
        public var memberCoins: Int
        /// Independent inclusion coins among the held-out records.
        public var heldOutCoins: Int
        /// Records left out because none of their tokens carries loss after truncation.
        public var leftOut: Int
        /// Counts by data holder.
        public var holders: [Holder]
        /// The smallest false-positive rate that the held-out records can resolve, 1/n.
        public var smallestFalsePositiveRate: Double
        /// The smallest true AUC that these counts are expected to tell from chance.
        public var smallestDetectableAUC: Double

        /// One data holder's records.
        public struct Holder: Codable, Sendable, Equatable {
            /// Its name.
            public var name: String
            /// Its records trained on.
            public var members: Int
            /// Its records held out.
            public var heldOut: Int
        }
    }

    /// exp of the mean over records of −LL, before and after tuning.
    public struct Fit: Codable, Sendable, Equatable {
        /// On records trained on, before.
        public var memberPerplexityBefore: Double
        /// On records trained on, after.
        public var memberPerplexityAfter: Double
        /// On held-out records, before.
        public var heldOutPerplexityBefore: Double
        /// On held-out records, after.
        public var heldOutPerplexityAfter: Double
        /// Whether any token's likelihood moved at all.
        public var hasChanged: Bool
    }

    /// One attack's figures.
    public struct AttackResult: Codable, Sendable, Equatable {
        /// The attack's name.
        public var attack: String
        /// Area under the ROC curve, mid-ranks.
        public var auc: Double
        /// 95 % interval of the AUC: DeLong on the logit scale, by coins.
        public var aucInterval: ConfidenceInterval
        /// p-value of "members score higher" by dealing the coins anew, adjusted for all attacks of this table.
        public var adjustedPValue: Double
        /// True-positive rates.
        public var truePositiveRates: [TruePositiveRate]
        /// AUC minus the blind baseline's on the same records; nil for the baseline itself.
        public var minusBlind: Difference?
        /// AUC minus that of the same attack on the untuned model; nil where it cannot be run there.
        public var minusUntuned: Difference?
        /// The ROC curve, thinned for drawing.
        public var curve: [ROCCurve.Point]
        /// Scores of members and held-out records.
        public var histogram: ScoreHistogram
        /// Whether every record has the same score, so that the attack says nothing.
        public var isConstant: Bool
        /// What the attack's evidence costs the attacker, in floating-point operations; nil: nobody counted.
        public var operations: Double?
    }

    /// A true-positive rate at a false-positive rate.
    public struct TruePositiveRate: Codable, Sendable, Equatable {
        /// The false-positive rate, which the threshold does not exceed.
        public var falsePositiveRate: Double
        /// The share of members above the threshold.
        public var value: Double
        /// 95 % bootstrap interval, both sides resampled by coin.
        public var interval: ConfidenceInterval
        /// Whether the held-out records are enough for one of them to be this rate.
        public var isResolvable: Bool
    }

    /// A difference of two AUCs on the same records (paired DeLong).
    public struct Difference: Codable, Sendable, Equatable {
        /// First minus second.
        public var value: Double
        /// 95 % interval.
        public var interval: ConfidenceInterval
        /// Two-sided p-value.
        public var pValue: Double
    }

    /// Two runs compared.
    public struct RunComparison: Codable, Sendable, Equatable {
        /// The vantage point.
        public var vantage: VantagePoint
        /// The attack.
        public var attack: String
        /// The first run's name.
        public var first: String
        /// The second run's name.
        public var second: String
        /// AUC of the first minus AUC of the second.
        public var difference: Difference
        /// The p-value after Holm's adjustment over all comparisons of the report.
        public var adjustedPValue: Double
    }
}
