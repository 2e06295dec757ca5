/// What shadow models say about one record: adapters trained as the audited one was, half of them with the record.
public struct ShadowEvidence: Sendable, Equatable {
    /// `[shadows]`: whether the shadow trained on the record.
    public var isIncluded: [Bool]
    /// `[shadows]`: mean log-likelihood of the record's scored tokens, in nats a token.
    public var logLikelihoods: [Double]
    /// What target and shadows say about records that nobody trained on; nil when none were given.
    public var population: ShadowPopulation?

    /// Keeps the values.
    public init(isIncluded: [Bool], logLikelihoods: [Double], population: ShadowPopulation? = nil) {
        self.isIncluded = isIncluded
        self.logLikelihoods = logLikelihoods
        self.population = population
    }

    /// By the shadows that trained on the record.
    public var inside: [Double] { zip(logLikelihoods, isIncluded).filter(\.1).map(\.0) }
    /// By the shadows that did not.
    public var outside: [Double] { zip(logLikelihoods, isIncluded).filter { !$0.1 }.map(\.0) }
}

/// Records that neither the audited run nor any shadow trained on, the z of RMIA.
public struct ShadowPopulation: Sendable, Equatable {
    /// `[records]`: mean log-likelihood by the audited model.
    public var tuned: [Double]
    /// `[records][shadows]`: the same by each shadow.
    public var shadows: [[Double]]

    /// Keeps the values.
    public init(tuned: [Double], shadows: [[Double]]) {
        self.tuned = tuned
        self.shadows = shadows
    }
}

extension RecordObservation {
    /// What the shadows say.
    ///
    /// - Throws: `AuditError.unusableObservation` when fewer than `inside` shadows trained on the record, or none did not.
    func shadowEvidence(inside: Int) throws -> ShadowEvidence {
        guard let shadows else {
            throw AuditError.unusableObservation(record: record.id, reason: "no shadow model scored it")
        }
        let count = shadows.isIncluded.count { $0 }
        guard shadows.logLikelihoods.count == shadows.isIncluded.count, count >= inside,
            count < shadows.isIncluded.count
        else {
            throw AuditError.unusableObservation(
                record: record.id,
                reason: "the shadow models that trained on it, or those that did not, are missing"
            )
        }
        return shadows
    }
}
