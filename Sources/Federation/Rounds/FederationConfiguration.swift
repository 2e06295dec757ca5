/// How a federation runs.
public struct FederationConfiguration: Codable, Sendable, Equatable {
    /// Rounds in all.
    public var rounds: Int
    /// Optimizer steps of each data holder in a round.
    public var localSteps: Int
    /// Learning rate.
    public var learningRate: Double
    /// Data holders drawn in each round; nil: all.
    public var participantsPerRound: Int?
    /// How updates are weighted.
    public var weights: AveragingWeights
    /// The fewest updates that make a round.
    public var minimumUpdates: Int
    /// How many rounds lie between two looks of the owner at the aggregate.
    public var judgeEvery: Int
    /// Decides who is drawn.
    public var seed: UInt64
    /// Clipping and noise that protect whole data holders; nil: none.
    public var privacy: ClientPrivacy?

    /// Makes a configuration.
    ///
    /// - Throws: `FederationError.invalidConfiguration`.
    public init(
        rounds: Int,
        localSteps: Int,
        learningRate: Double,
        participantsPerRound: Int? = nil,
        weights: AveragingWeights = .uniform,
        minimumUpdates: Int = 1,
        judgeEvery: Int = 1,
        seed: UInt64 = 0,
        privacy: ClientPrivacy? = nil
    ) throws {
        func require(_ condition: Bool, _ reason: String, _ remedy: String) throws {
            if !condition { throw FederationError.invalidConfiguration(reason: reason, remedy: remedy) }
        }
        try require(rounds > 0, "--rounds \(rounds) is not positive", "give at least 1")
        try require(localSteps > 0, "--local-steps \(localSteps) is not positive", "give at least 1")
        try require(
            learningRate > 0 && learningRate.isFinite,
            "--lr \(learningRate) is not a positive number",
            "give a rate such as 1e-4"
        )
        if let participantsPerRound {
            try require(participantsPerRound > 0, "0 data holders a round train nothing", "draw at least 1")
        }
        try require(minimumUpdates > 0, "a round needs at least one update", "give at least 1")
        try require(judgeEvery > 0, "the owner's check needs a distance of at least 1 round", "give at least 1")
        // A weight multiplies what one holder can change, and the accountant counts every holder alike.
        try require(
            privacy == nil || weights == .uniform,
            "--client-dp-noise does not go with --weights records",
            "give --weights uniform"
        )
        self.privacy = privacy
        self.rounds = rounds
        self.localSteps = localSteps
        self.learningRate = learningRate
        self.participantsPerRound = participantsPerRound
        self.weights = weights
        self.minimumUpdates = minimumUpdates
        self.judgeEvery = judgeEvery
        self.seed = seed
    }
}
