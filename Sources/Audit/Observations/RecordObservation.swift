/// What a model says about one loss-bearing token: the attacks' raw material, in float64.
public struct TokenObservation: Sendable, Equatable {
    /// Natural logarithm of p(token | everything before it).
    public var logProbability: Double
    /// Σ_v p_v log p_v over the vocabulary at this position.
    public var mean: Double
    /// Square root of Σ_v p_v log² p_v − mean².
    public var deviation: Double
    /// Whether the token is the model's most likely one.
    public var isArgmax: Bool

    /// Keeps the four values.
    public init(logProbability: Double, mean: Double, deviation: Double, isArgmax: Bool) {
        self.logProbability = logProbability
        self.mean = mean
        self.deviation = deviation
        self.isArgmax = isArgmax
    }
}

/// One record of the plan, without anything that a model says about it.
public struct AuditedRecord: Sendable, Equatable {
    /// Salted, safe to print: it names the record to whoever holds the plan and to nobody else.
    public var id: String
    /// The data holder's name.
    public var holder: String
    /// The inclusion coin; records with one coin are one unit of evidence.
    public var coin: Int
    /// Whether the record was trained on.
    public var isMember: Bool
    /// Everything the holder wrote in the record; what the blind baseline reads.
    public var text: String
    /// The part that carries loss; what ZLIB compresses.
    public var answer: String
    /// What was planted; nil: a data holder's own record.
    public var canary: Canary?

    /// Keeps the values.
    public init(
        id: String,
        holder: String,
        coin: Int,
        isMember: Bool,
        text: String,
        answer: String,
        canary: Canary? = nil
    ) {
        self.canary = canary
        self.id = id
        self.holder = holder
        self.coin = coin
        self.isMember = isMember
        self.text = text
        self.answer = answer
    }
}

/// Everything that an attack may look at for one record from one vantage point. Only tokens that carry loss in training.
public struct RecordObservation: Sendable {
    /// The record; an attack must not read `isMember`.
    public var record: AuditedRecord
    /// `[tokens]`, by the tuned model.
    public var tuned: [TokenObservation]
    /// `[tokens]`, the same tokens by the untuned model.
    public var reference: [TokenObservation]
    /// Tokens of the record in lower case by the tuned model; nil when the suite does not need them.
    public var lowered: [TokenObservation]?
    /// Tokens of the record behind records that nobody trained on; nil when the suite does not need them.
    public var prefixed: [TokenObservation]?
    /// What the rounds gave away, first round first; empty when none was observed.
    public var rounds: [RoundEvidence]
    /// What shadow models say; nil when there are none.
    public var shadows: ShadowEvidence?
    /// What both models say of records that nobody trained on, the same for all records; nil when there are none.
    public var outsiders: OutsiderScores?
    /// Mean log-likelihoods of variants of the record by the tuned model; nil when none were drawn.
    public var neighbours: [Double]?
    /// What the tuned model wrote after the record's first half; nil when it was not let write.
    public var continuations: [ContinuationOverlap]?

    /// Keeps the values.
    public init(
        record: AuditedRecord,
        tuned: [TokenObservation],
        reference: [TokenObservation],
        lowered: [TokenObservation]? = nil,
        prefixed: [TokenObservation]? = nil,
        rounds: [RoundEvidence] = [],
        shadows: ShadowEvidence? = nil,
        outsiders: OutsiderScores? = nil,
        neighbours: [Double]? = nil,
        continuations: [ContinuationOverlap]? = nil
    ) {
        self.outsiders = outsiders
        self.neighbours = neighbours
        self.continuations = continuations
        self.shadows = shadows
        self.prefixed = prefixed
        self.rounds = rounds
        self.record = record
        self.tuned = tuned
        self.reference = reference
        self.lowered = lowered
    }
}

/// All records as seen from one vantage point; every list is aligned with the records of the ``AuditInput``.
public struct VantageObservations: Sendable {
    /// The vantage point.
    public var vantage: VantagePoint
    /// `[records][tokens]` by the tuned model.
    public var tuned: [[TokenObservation]]
    /// `[records][tokens]` by the untuned model.
    public var reference: [[TokenObservation]]
    /// `[records][tokens]` of the lower-cased records by the tuned model; needed by LOWER.
    public var loweredTuned: [[TokenObservation]]?
    /// `[records][tokens]` of the lower-cased records by the untuned model; needed by LOWER's null control.
    public var loweredReference: [[TokenObservation]]?
    /// `[records][tokens]` behind records that nobody trained on, by the tuned model; needed by RECALL.
    public var prefixedTuned: [[TokenObservation]]?
    /// `[records][rounds]`; needed by the attacks on updates.
    public var rounds: [[RoundEvidence]]?
    /// `[records]`; needed by the attacks that compare with shadow models.
    public var shadows: [ShadowEvidence]?
    /// Needed by QUANTILE.
    public var outsiders: OutsiderScores?
    /// `[records][variants]`, mean log-likelihoods by the tuned model; needed by NEIGHBOUR.
    public var neighbours: [[Double]]?
    /// `[records][samples]` by the tuned model; needed by SAMIA.
    public var continuations: [[ContinuationOverlap]]?
    /// What all this costs the attacker; nil when nobody counted.
    public var cost: EvidenceCost?

    /// What there is beside the tuned model's view.
    public var evidence: Set<Evidence> {
        var evidence: Set<Evidence> = [.reference]
        if loweredTuned != nil { evidence.insert(.lowered) }
        if prefixedTuned != nil { evidence.insert(.prefixed) }
        if shadows != nil { evidence.insert(.shadows) }
        if outsiders?.isEnough == true { evidence.insert(.outsiders) }
        if neighbours != nil { evidence.insert(.neighbours) }
        if continuations != nil { evidence.insert(.continuations) }
        if let rounds, let first = rounds.first?.first {
            evidence.insert(.rounds)
            if first.afterOthers.count > 1 { evidence.insert(.otherHolders) }
            if first.cosine != nil { evidence.insert(.gradients) }
            if first.span != nil { evidence.insert(.span) }
        }
        return evidence
    }

    /// Whether an attack has all that it needs here. The coordinator's vantage points are for attacks on rounds: what its
    /// models say of the tokens, `peer` sees as well.
    func allows(_ attack: any Attack) -> Bool {
        attack.needs.isSubset(of: evidence) && attack.needs.contains(.rounds) == (rounds != nil)
    }

    /// Keeps the lists.
    public init(
        vantage: VantagePoint,
        tuned: [[TokenObservation]],
        reference: [[TokenObservation]],
        loweredTuned: [[TokenObservation]]? = nil,
        loweredReference: [[TokenObservation]]? = nil
    ) {
        self.vantage = vantage
        self.tuned = tuned
        self.reference = reference
        self.loweredTuned = loweredTuned
        self.loweredReference = loweredReference
    }

    /// The view with the untuned model in the place of the tuned one: whatever an attack finds there is no leak of the tuning.
    var nullControl: VantageObservations {
        VantageObservations(
            vantage: vantage,
            tuned: reference,
            reference: reference,
            loweredTuned: loweredReference,
            loweredReference: loweredReference
        )
    }

    /// The observations of some records, checked.
    func observations(of records: [AuditedRecord], at indices: [Int]) throws -> [RecordObservation] {
        try check(count: records.count)
        return try indices.map { index in
            let observation = RecordObservation(
                record: records[index],
                tuned: tuned[index],
                reference: reference[index],
                lowered: loweredTuned?[index],
                prefixed: prefixedTuned?[index],
                rounds: rounds?[index] ?? [],
                shadows: shadows?[index],
                outsiders: outsiders,
                neighbours: neighbours?[index],
                continuations: continuations?[index]
            )
            try Self.check(observation)
            return observation
        }
    }

    /// Throws unless all lists speak about `count` records.
    func check(count: Int) throws {
        let lists: [(String, Int?)] = [
            ("tuned", tuned.count), ("untuned", reference.count), ("lower-cased tuned", loweredTuned?.count),
            ("lower-cased untuned", loweredReference?.count), ("prefixed", prefixedTuned?.count),
            ("rounds of the", rounds?.count), ("shadow", shadows?.count),
            ("neighbour", neighbours?.count), ("continuing", continuations?.count),
        ]
        for case (let what, let found?) in lists where found != count {
            throw AuditError.mismatchedCounts(
                what: "records scored by the \(what) model at vantage point \(vantage.rawValue)",
                expected: count,
                found: found
            )
        }
    }

    private static func check(_ observation: RecordObservation) throws {
        let id = observation.record.id
        guard observation.tuned.count == observation.reference.count else {
            throw AuditError.unusableObservation(
                record: id,
                reason: "the tuned model scored \(observation.tuned.count) tokens "
                    + "and the untuned one \(observation.reference.count)"
            )
        }
        for tokens in [observation.tuned, observation.reference, observation.lowered ?? []] {
            for (position, token) in tokens.enumerated() {
                let isFinite = token.logProbability.isFinite && token.mean.isFinite && token.deviation.isFinite
                if !isFinite {
                    throw AuditError.unusableObservation(
                        record: id,
                        reason: "token \(position) has a score that is not finite"
                    )
                }
            }
        }
    }
}
