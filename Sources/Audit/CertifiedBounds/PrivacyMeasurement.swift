/// Lower bounds on ε that the scores of one run prove or suggest, to stand beside what an accountant states.
///
/// Every record whose coin is its own is a canary of Steinke, Nasr & Jagielski 2023: a fair coin decided before training
/// whether it is in, and the auditor guesses the coins of the highest and the lowest scores.
public struct PrivacyMeasurement: Codable, Sendable, Equatable {
    /// How a bound follows from guesses.
    public enum Method: String, Codable, Sendable, CaseIterable {
        /// ``OneRunBound``: whatever the mechanism.
        case oneRun = "one-run"
        /// ``GaussianOneRunBound``: if its trade-off curve is Gaussian.
        case gaussianOneRun = "f-dp-one-run"
        /// ``ClopperPearsonBound``: a heuristic, since the records of one run share its randomness.
        case clopperPearson = "clopper-pearson"
    }

    /// The best bound of a method at a vantage point.
    public struct LowerBound: Codable, Sendable, Equatable {
        /// From where the records were scored.
        public var vantage: VantagePoint
        /// How the bound follows.
        public var method: Method
        /// The attack whose scores were used.
        public var attack: String
        /// Guesses that were made, half of them "in".
        public var guesses: Int
        /// Guesses that were right.
        public var correct: Int
        /// At least this ε, at ``PrivacyMeasurement/delta``; 0 when nothing is refuted.
        public var epsilon: Double
    }

    /// The δ of the bounds.
    public var delta: Double
    /// Records with a coin of their own.
    public var canaries: Int
    /// Tests that share the significance (Bonferroni): vantage points × attacks × numbers of guesses; twice as many where both
    /// records and canaries are guessed.
    public var tests: Int
    /// One entry a vantage point and method.
    public var lowerBounds: [LowerBound]

    /// Chance to claim too much in all, over all tests of a run.
    public static let significance = 0.05
    /// The δ where none is stated.
    public static let usualDelta = 1e-5
    /// Fewer say nothing.
    static let fewestCanaries = 20
    /// Shares of the canaries that are guessed; the best counts, and all are paid for.
    static let shares = [0.05, 0.1, 0.2, 0.5, 1]

    /// The largest lower bound of the method that holds whatever the mechanism.
    public var proven: LowerBound? {
        lowerBounds.filter { $0.method == .oneRun }.max { $0.epsilon < $1.epsilon }
    }
}

extension RunFacts {
    /// The δ of measured bounds: the largest that is stated about records, or the usual one.
    var boundDelta: Double {
        (protections ?? []).filter { $0.isComparable(to: .record) }.map(\.delta).max() ?? PrivacyMeasurement.usualDelta
    }

    /// A stated upper bound.
    public struct Protection: Codable, Sendable, Equatable {
        /// What the bound is about: one record, or everything that a data holder has.
        public enum Unit: String, Codable, Sendable {
            /// One record of one data holder.
            case record
            /// A data holder.
            case holder
        }

        /// Whom it protects, in words.
        public var protects: String
        /// What may change.
        public var unit: Unit
        /// The largest ε at ``delta``.
        public var epsilon: Double
        /// The chance to be outside of it.
        public var delta: Double
        /// How participants are drawn.
        public var sampler: String
        /// Who counted.
        public var accountant: String
        /// Whether data sets differ by one participant more (add-or-remove-one) or another (replace-one).
        public var neighbouring: String
        /// Whether the noise follows from a seed: then the run is a simulation, and protects nobody who knows the seed.
        public var isNoiseSeeded: Bool

        /// Keeps the values.
        public init(
            protects: String,
            unit: Unit,
            epsilon: Double,
            delta: Double,
            sampler: String,
            accountant: String,
            neighbouring: String,
            isNoiseSeeded: Bool
        ) {
            self.protects = protects
            self.unit = unit
            self.epsilon = epsilon
            self.delta = delta
            self.sampler = sampler
            self.accountant = accountant
            self.neighbouring = neighbouring
            self.isNoiseSeeded = isNoiseSeeded
        }

        /// Whether the inclusion coin of a record, or of a participant, is what the bound is about.
        public func isComparable(to unit: Unit) -> Bool {
            self.unit == unit && neighbouring == "add-or-remove-one"
        }
    }
}

extension AuditReport.RunReport {
    /// The measured lower bound and the stated upper bound, when the first is above the second: one of them is wrong, and it is
    /// not the measurement but with a chance of ``PrivacyMeasurement/significance``.
    public var contradiction: (measured: PrivacyMeasurement.LowerBound, stated: RunFacts.Protection)? {
        contradiction(of: .record) ?? contradiction(of: .holder)
    }

    /// The same about records, or about participants, whom canary clients stand for.
    func contradiction(
        of unit: RunFacts.Protection.Unit
    ) -> (measured: PrivacyMeasurement.LowerBound, stated: RunFacts.Protection)? {
        let stated = (facts.protections ?? []).filter { $0.isComparable(to: unit) }.max { $0.epsilon < $1.epsilon }
        let measured = unit == .record ? measured : clientCanaries?.bounds
        guard let measured = measured?.proven, let stated, measured.epsilon > stated.epsilon else { return nil }
        return (measured, stated)
    }

    /// The larger of what the records' coins and the coins of canaries planted once prove; each of the two has half of the
    /// significance when there are both.
    public var measured: PrivacyMeasurement? {
        [privacy, canaries?.single].compactMap { $0 }.max { ($0.proven?.epsilon ?? 0) < ($1.proven?.epsilon ?? 0) }
    }
}
