import Federation

/// One run to audit: its facts, the planned records, and what each vantage point sees.
public struct AuditInput: Sendable {
    /// The run's name in the report.
    public var name: String
    /// What the run was.
    public var facts: RunFacts
    /// The planned records, in the plan's order.
    public var records: [AuditedRecord]
    /// One entry a vantage point, aligned with ``records``.
    public var vantages: [VantageObservations]
    /// What was read out of the rounds' updates; nil when it was not tried.
    public var reconstructions: [ReconstructionResult]?
    /// An overfitted adapter on the same records, on which the attacks have to work; nil: none was trained.
    public var positiveControl: PositiveControl?
    /// What a lying coordinator learned on a fork of the run; nil: nobody asked.
    public var active: ActiveEvidence?
    /// What the run's canary clients left; nil: none was planted.
    public var clientCanaries: CanaryClientScores?

    /// What an attacker sees of a positive control.
    public struct PositiveControl: Sendable {
        /// What was done, in one sentence.
        public var description: String
        /// The view, aligned with the records.
        public var view: VantageObservations

        /// Keeps the values.
        public init(description: String, view: VantageObservations) {
            self.description = description
            self.view = view
        }
    }

    /// Keeps the values.
    public init(
        name: String,
        facts: RunFacts,
        records: [AuditedRecord],
        vantages: [VantageObservations],
        reconstructions: [ReconstructionResult]? = nil
    ) {
        self.reconstructions = reconstructions
        self.name = name
        self.facts = facts
        self.records = records
        self.vantages = vantages
    }
}
