import SecureAggregation

/// What the coordinator knows of one round: a line of `metrics.jsonl`. It holds nothing of a single update unless the
/// updates travelled in the clear.
public struct RoundRecord: Codable, Sendable, Equatable {
    /// Counted from 1.
    public var round: Int
    /// Who was asked.
    public var invited: [String]
    /// Whose updates are in the aggregate.
    public var included: [String]
    /// Whether updates were masked.
    public var isMasked: Bool
    /// What the coordinator saw of the secure aggregation; nil in a round in the clear.
    public var view: CoordinatorView?
    /// Euclidean norm of the mean update.
    public var updateNorm: Double
    /// Bytes of this round.
    public var traffic: TrafficCount
    /// Wall-clock seconds.
    public var seconds: Double
    /// The owner's figures (`emulator.loss`, `plugin.loss`, …); empty when the owner did not look.
    public var figures: [String: Double]
    /// Whether the aggregate became the new adapter.
    public var isAccepted: Bool
    /// Why not.
    public var rejection: String?
}

/// What the owner found when it looked at an aggregate.
public struct Judgement: Sendable, Equatable {
    /// Figures for the log.
    public var figures: [String: Double]
    /// What the best round is chosen by: a validation loss, lower is better. Never a test loss.
    public var validationLoss: Double
    /// Why the aggregate must not be used; nil: it may.
    public var rejection: String?

    /// Makes a judgement.
    public init(figures: [String: Double], validationLoss: Double, rejection: String? = nil) {
        self.figures = figures
        self.validationLoss = validationLoss
        self.rejection = rejection
    }
}

/// The owner's side check: masked sums hide poisoning, so what can still be judged is the aggregate plugged in.
public protocol AggregateJudge: Sendable {
    /// Looks at a candidate adapter; round 0 is the untuned one.
    func judge(_ state: AdapterState, round: Int) async throws -> Judgement
}

/// Keeps what a run has reached, so that it can be resumed to the same bits.
public protocol RoundStore: Sendable {
    /// Appends a finished round and the adapter after it, atomically.
    func save(_ record: RoundRecord, state: AdapterState, progress: RunProgress) throws
    /// Keeps a re-aligned middle, before the round that it follows is saved.
    func save(_ middle: RealignedMiddle) throws
}

/// Where a run stands after a round.
public struct RunProgress: Codable, Sendable, Equatable {
    /// Rounds finished.
    public var completedRounds = 0
    /// The round with the lowest validation loss; 0: the untuned adapter.
    public var bestRound: Int?
    /// Its validation loss.
    public var bestValidationLoss: Double?
    /// Bytes of all rounds.
    public var traffic = TrafficCount()

    /// The beginning.
    public init() {}
}
