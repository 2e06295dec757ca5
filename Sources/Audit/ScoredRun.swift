import Federation
import TensorEngine

/// One run's scores without anything that a record says: all that the statistics need, and all that a data holder hands out.
public struct ScoredRun: Sendable {
    /// The run's name in the report.
    public var name: String
    /// What the run was.
    public var facts: RunFacts
    /// The records that were scored, canaries not among them.
    public var records: [ScoredRecord]
    /// Records left out because none of their tokens carries loss after truncation.
    public var leftOut: Int
    /// `[records]`, by the baseline that sees no model.
    public var blind: [Double]
    /// One entry a vantage point.
    public var vantages: [ScoredVantage]
    /// What was read out of the rounds' updates; nil when it was not tried.
    public var reconstructions: [ReconstructionResult]?
    /// The attacks on an overfitted adapter, of all records; nil: none was trained.
    public var positiveControl: (description: String, view: ScoredVantage)?
    /// The canaries, which none of the above is about; nil: none was planted.
    public var canaries: ScoredCanaries?
    /// A fork under a lying coordinator, which none of the above is about; nil: there was none.
    public var active: ScoredActive?
    /// What the run's canary clients left; nil: none was planted.
    public var clientCanaries: CanaryClientScores?
    /// An order of ``records`` that their texts decide; nil where nobody saw the texts.
    var order: RecordOrder?

    /// Keeps the values; nothing was read out of updates.
    public init(
        name: String,
        facts: RunFacts,
        records: [ScoredRecord],
        leftOut: Int,
        blind: [Double],
        vantages: [ScoredVantage]
    ) {
        self.name = name
        self.facts = facts
        self.records = records
        self.leftOut = leftOut
        self.blind = blind
        self.vantages = vantages
    }

    /// Scores a run by every attack that its observations allow, and by both controls.
    ///
    /// - Throws: `AuditError`.
    init(_ input: AuditInput, suite: AttackSuite, attacks: [any Attack]) throws {
        for view in input.views { try view.check(count: input.records.count) }
        let planted = Set(input.records.indices.filter { input.records[$0].canary != nil })
        let kept = input.scorable.filter { !planted.contains($0) }
        let records = kept.map { input.records[$0] }
        var folds = SeededGenerator(seed: suite.seed).derive("blind folds")
        self.init(
            name: input.name,
            facts: input.facts,
            records: records.map(ScoredRecord.init),
            leftOut: input.records.count - planted.count - kept.count,
            blind: BlindBaseline(suite.blind).scores(of: records, using: &folds),
            vantages: try input.vantages.map {
                try ScoredVantage($0, of: input.records, at: kept, attacks: attacks)
            }
        )
        order = RecordOrder(records)
        reconstructions = input.reconstructions
        positiveControl = try input.positiveControl.map {
            ($0.description, try ScoredVantage($0.view, of: input.records, at: kept, attacks: attacks))
        }
        clientCanaries = input.clientCanaries
        active = try input.active.map {
            try ScoredActive(
                $0,
                of: input.records,
                attacks: attacks,
                blind: Dictionary(zip(kept, blind), uniquingKeysWith: { first, _ in first })
            )
        }
        guard !planted.isEmpty else { return }
        let scored = input.scorable.filter(planted.contains)
        canaries = ScoredCanaries(
            records: scored.map { ScoredRecord(input.records[$0]) },
            leftOut: planted.count - scored.count,
            vantages: try input.vantages.map {
                try ScoredVantage($0, of: input.records, at: scored, attacks: attacks)
            }
        )
    }
}

/// A record by its name and its coin.
public struct ScoredRecord: Sendable, Equatable {
    /// Salted, safe to print.
    public var id: String
    /// The data holder's name.
    public var holder: String
    /// The inclusion coin.
    public var coin: Int
    /// Whether the record was trained on.
    public var isMember: Bool
    /// What was planted; nil: a data holder's own record.
    public var canary: Canary?

    /// Keeps the values.
    public init(id: String, holder: String, coin: Int, isMember: Bool, canary: Canary? = nil) {
        self.canary = canary
        self.id = id
        self.holder = holder
        self.coin = coin
        self.isMember = isMember
    }

    /// Leaves out what the record says.
    init(_ record: AuditedRecord) {
        self.init(
            id: record.id,
            holder: record.holder,
            coin: record.coin,
            isMember: record.isMember,
            canary: record.canary
        )
    }
}

/// The scores of one attack.
public struct AttackScores: Codable, Sendable, Equatable {
    /// The attack's name.
    public var attack: String
    /// One a record; higher = more likely a member.
    public var scores: [Double]

    /// Keeps both.
    public init(attack: String, scores: [Double]) {
        self.attack = attack
        self.scores = scores
    }
}

/// What the attacks made of one vantage point.
public struct ScoredVantage: Codable, Sendable, Equatable {
    /// From where.
    public var vantage: VantagePoint
    /// Positions of the scored records in ``ScoredRun/records``; nil: all of them.
    public var positions: [Int]?
    /// The suite's attacks, in its order.
    public var attacks: [AttackScores]
    /// The attacks that need no reference, on the untuned model.
    public var nullControl: [AttackScores]
    /// `[records]`, the mean log-likelihood of the record's tokens by the untuned model, in nats.
    public var likelihoodBefore: [Double]
    /// `[records]`, the same by the tuned model.
    public var likelihoodAfter: [Double]
    /// Whether any token's likelihood moved at all.
    public var hasChanged: Bool
    /// What each attack's evidence costs the attacker, in floating-point operations; nil: nobody counted.
    public var operations: [String: Double]?
    /// The attacks on updates by each observed round alone; nil with fewer than two.
    public var rounds: [RoundScores]?

    /// Keeps the values; the scores are of all records.
    public init(
        vantage: VantagePoint,
        attacks: [AttackScores],
        nullControl: [AttackScores],
        likelihoodBefore: [Double],
        likelihoodAfter: [Double],
        hasChanged: Bool
    ) {
        self.vantage = vantage
        self.attacks = attacks
        self.nullControl = nullControl
        self.likelihoodBefore = likelihoodBefore
        self.likelihoodAfter = likelihoodAfter
        self.hasChanged = hasChanged
    }

    /// Scores some of the records.
    ///
    /// - Throws: `AuditError`.
    init(
        _ view: VantageObservations,
        of records: [AuditedRecord],
        at kept: [Int],
        attacks: [any Attack]
    ) throws {
        func scores(_ attacks: [any Attack], _ observations: [RecordObservation]) throws -> [AttackScores] {
            try attacks.map { AttackScores(attack: $0.name, scores: try $0.checkedScores(of: observations)) }
        }
        let observations = try view.observations(of: records, at: kept)
        let possible = attacks.filter { view.allows($0) }
        let untuned = view.nullControl
        let controls = possible.filter {
            $0.needs.isSubset(of: [.lowered, .prefixed]) && $0.needs.isSubset(of: untuned.evidence)
        }
        self.init(
            vantage: view.vantage,
            attacks: try scores(possible, observations),
            nullControl: try scores(controls, untuned.observations(of: records, at: kept)),
            likelihoodBefore: observations.map { LogLikelihood.mean($0.reference) },
            likelihoodAfter: observations.map { LogLikelihood.mean($0.tuned) },
            hasChanged: observations.contains { $0.tuned != $0.reference }
        )
        let byRound = view.rounds == nil ? [] : try RoundScores.of(observations, attacks: possible)
        rounds = byRound.isEmpty ? nil : byRound
        operations = view.cost.map { cost in
            Dictionary(uniqueKeysWithValues: possible.map { ($0.name, cost.operations(of: $0)) })
        }
    }

    /// The scores of some of the records; an owner sees no rounds.
    func restricted(to kept: [Int]) -> ScoredVantage {
        func pick(_ lists: [AttackScores]) -> [AttackScores] {
            lists.map { list in AttackScores(attack: list.attack, scores: kept.map { list.scores[$0] }) }
        }
        var view = ScoredVantage(
            vantage: vantage,
            attacks: pick(attacks),
            nullControl: pick(nullControl),
            likelihoodBefore: kept.map { likelihoodBefore[$0] },
            likelihoodAfter: kept.map { likelihoodAfter[$0] },
            hasChanged: hasChanged
        )
        view.operations = operations
        return view
    }

    /// All lists of scores with what they are called.
    var lists: [(name: String, scores: [Double])] {
        attacks.map { ($0.attack, $0.scores) } + nullControl.map { ("\($0.attack) on the untuned model", $0.scores) }
            + [("the untuned likelihood", likelihoodBefore), ("the tuned likelihood", likelihoodAfter)]
    }
}

extension AuditInput {
    /// Positions of the records that have a scored token in every model's view.
    var scorable: [Int] {
        records.indices.filter { index in views.allSatisfy { $0.hasTokens(at: index) } }
    }

    /// What attackers see, and what they see of the positive control.
    fileprivate var views: [VantageObservations] { vantages + [positiveControl?.view].compactMap { $0 } }
}

extension VantageObservations {
    fileprivate func hasTokens(at index: Int) -> Bool {
        let lists = [tuned, reference, loweredTuned, loweredReference].compactMap { $0 }
        return lists.allSatisfy { !$0[index].isEmpty }
    }
}
