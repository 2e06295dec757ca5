/// Which attacks to run and how to judge them: the content of a file in `Attacks/`, which the command line parses.
public struct AttackSuite: Codable, Sendable, Equatable {
    /// The suite's name.
    public var name: String = "quick"
    /// Attack names, see ``AttackRegistry``.
    public var attacks: [String] = AttackRegistry.quick
    /// Observed rounds that are attacked, from the first on: early rounds have the largest gradients.
    public var observedRounds: Int = 1
    /// Share of tokens that MINK and MINK++ look at.
    public var minKFraction: Double = 0.2
    /// The smoothing of EZ, in nats.
    public var ezSmoothing: Double = 0.01
    /// The weight of the variance pooled over all records in LIRA's, in shadow models.
    public var liraPriorDegrees: Double = 4
    /// The γ of RMIA.
    public var rmiaGamma: Double = 1
    /// The a of RMIA-OFFLINE; nil: chosen on the shadow models.
    public var rmiaOfflineA: Double?
    /// What a coordinator does that lies about the adapter, only where an audit is asked to fork the run; nil: the defaults.
    public var active: Active?
    /// The variants of NEIGHBOUR; nil: the defaults.
    public var neighbour: Neighbours?
    /// The continuations of SAMIA; nil: the defaults.
    public var samia: Continuations?
    /// False-positive rates at which the true-positive rate is read.
    public var falsePositiveRates: [Double] = [0.001, 0.01, 0.05]
    /// Resamples for the intervals of the true-positive rates.
    public var bootstrapReplicates: Int = 1000
    /// Deals of the permutation test.
    public var permutations: Int = 2000
    /// Seed of folds, bootstrap and permutations.
    public var seed: UInt64 = 1
    /// Seeded cross-fitting of the baseline that sees no model.
    public var blind = Blind()
    /// What counts as leakage, and when an audit may speak at all.
    public var policy = Policy()

    /// ``active``, or the defaults.
    public var activeSettings: Active { active ?? Active() }

    /// How a malicious coordinator attacks a fork of a run.
    public struct Active: Codable, Sendable, Equatable {
        /// Records that it asks about, as many members as held-out ones of each data holder.
        public var targets: Int = 64
        /// Rounds in which it lies, from the first on.
        public var rounds: Int = 1
        /// By how much each lie raises the targets' mean loss, to first order, in nats a token.
        public var ascent: Double = 1

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey, CaseIterable {
            case targets
            case rounds
            case ascent
        }
    }

    /// Settings of the blind baseline.
    public struct Blind: Codable, Sendable, Equatable {
        /// Hash buckets for words and word pairs.
        public var buckets: Int = 4096
        /// Weight of the squared norm beside the summed logistic loss.
        public var ridge: Double = 1
        /// Folds of the cross-fit.
        public var folds: Int = 5

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey, CaseIterable {
            case buckets
            case ridge
            case folds
        }
    }

    /// Limits that make the verdict.
    public struct Policy: Codable, Sendable, Equatable {
        /// Leakage is above policy when the lower end of an attack's AUC interval exceeds this.
        public var maximumAUCLowerBound: Double = 0.55
        /// The false-positive rate at which the next limit applies.
        public var truePositiveRateLevel: Double = 0.01
        /// Leakage is above policy when the lower end of an attack's true-positive rate exceeds this.
        public var maximumTruePositiveRateLowerBound: Double = 0.05
        /// Both limits count only when the adjusted p-value is below this.
        public var significance: Double = 0.05
        /// The split is not valid when the lower end of the blind baseline's AUC interval exceeds this.
        public var maximumBlindLowerBound: Double = 0.52
        /// The split is not valid when an attack on the untuned model has an adjusted p-value below this.
        public var controlSignificance: Double = 0.01
        /// Fewer coins on either side make an audit inconclusive.
        public var minimumCoinsPerSide: Int = 30
        /// An audit that cannot tell this AUC from chance is inconclusive when it finds nothing.
        public var resolvableAUC: Double = 0.65
        /// An audit that finds nothing is inconclusive when no attack reaches this AUC on its positive control.
        public var minimumControlAUC: Double = 0.7

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey, CaseIterable {
            case maximumAUCLowerBound = "maximum_auc_lower_bound"
            case truePositiveRateLevel = "true_positive_rate_level"
            case maximumTruePositiveRateLowerBound = "maximum_true_positive_rate_lower_bound"
            case significance
            case maximumBlindLowerBound = "maximum_blind_lower_bound"
            case controlSignificance = "control_significance"
            case minimumCoinsPerSide = "minimum_coins_per_side"
            case resolvableAUC = "resolvable_auc"
            case minimumControlAUC = "minimum_control_auc"
        }
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case attacks
        case observedRounds = "observed_rounds"
        case minKFraction = "mink_fraction"
        case ezSmoothing = "ez_smoothing"
        case liraPriorDegrees = "lira_prior_degrees"
        case rmiaGamma = "rmia_gamma"
        case rmiaOfflineA = "rmia_offline_a"
        case active
        case neighbour
        case samia
        case falsePositiveRates = "false_positive_rates"
        case bootstrapReplicates = "bootstrap_replicates"
        case permutations
        case seed
        case blind
        case policy
    }

    /// The built-in quick suite; `Attacks/quick.yaml` says the same.
    public init() {}

    /// The attacks that the suite lists, each once.
    ///
    /// - Throws: `AuditError.unknownAttack`.
    public func makeAttacks() throws -> [any Attack] {
        try attacks.map { try AttackRegistry.attack(named: $0, suite: self) }
    }

    /// Checks every value.
    ///
    /// - Throws: `AuditError.invalidSuite` naming the key, or `.unknownAttack`.
    public func validate() throws {
        func require(_ condition: Bool, _ key: CodingKeys, _ reason: String) throws {
            if !condition { throw AuditError.invalidSuite(key: key.rawValue, reason: reason) }
        }
        func requirePolicy(_ condition: Bool, _ key: Policy.CodingKeys, _ reason: String) throws {
            if !condition { throw AuditError.invalidSuite(key: "policy.\(key.rawValue)", reason: reason) }
        }
        func isShare(_ value: Double) -> Bool { value >= 0 && value <= 1 }
        try require(!attacks.isEmpty, .attacks, "list is empty")
        let names = try makeAttacks().map(\.name)
        try require(Set(names).count == names.count, .attacks, "list names an attack twice")
        try require(observedRounds > 0, .observedRounds, "must be at least 1")
        try require(minKFraction > 0 && minKFraction <= 1, .minKFraction, "must lie in (0, 1]")
        try require(ezSmoothing > 0 && ezSmoothing.isFinite, .ezSmoothing, "must be positive")
        try require(liraPriorDegrees > 0 && liraPriorDegrees.isFinite, .liraPriorDegrees, "must be positive")
        try require(rmiaGamma > 0 && rmiaGamma.isFinite, .rmiaGamma, "must be positive")
        try require(rmiaOfflineA.map(isShare) ?? true, .rmiaOfflineA, "must lie between 0 and 1")
        let active = activeSettings
        try require((4...100_000).contains(active.targets), .active, "targets must be 4 to 100000")
        try require((1...10_000).contains(active.rounds), .active, "rounds must be 1 to 10000")
        try require(active.ascent > 0 && active.ascent.isFinite, .active, "ascent must be positive")
        if let (key, reason) = samplingFault { try require(false, key, reason) }
        let areShares = falsePositiveRates.allSatisfy { $0 > 0 && $0 < 1 }
        try require(!falsePositiveRates.isEmpty && areShares, .falsePositiveRates, "must list rates between 0 and 1")
        try require((100...100_000).contains(bootstrapReplicates), .bootstrapReplicates, "must be 100 to 100000")
        try require((100...100_000).contains(permutations), .permutations, "must be 100 to 100000")
        try require((16...1 << 20).contains(blind.buckets), .blind, "buckets must be 16 to 1048576")
        try require(blind.ridge > 0 && blind.ridge.isFinite, .blind, "ridge must be positive")
        try require((2...20).contains(blind.folds), .blind, "folds must be 2 to 20")
        let shares: [(Double, Policy.CodingKeys)] = [
            (policy.maximumAUCLowerBound, .maximumAUCLowerBound),
            (policy.maximumTruePositiveRateLowerBound, .maximumTruePositiveRateLowerBound),
            (policy.significance, .significance),
            (policy.maximumBlindLowerBound, .maximumBlindLowerBound),
            (policy.controlSignificance, .controlSignificance),
            (policy.resolvableAUC, .resolvableAUC),
            (policy.minimumControlAUC, .minimumControlAUC),
        ]
        for (value, key) in shares { try requirePolicy(isShare(value), key, "must lie between 0 and 1") }
        try requirePolicy(policy.minimumCoinsPerSide >= 2, .minimumCoinsPerSide, "must be at least 2")
        try requirePolicy(
            falsePositiveRates.contains(policy.truePositiveRateLevel),
            .truePositiveRateLevel,
            "must be one of false_positive_rates"
        )
    }
}
