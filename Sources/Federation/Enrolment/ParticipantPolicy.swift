import SecureAggregation

/// What a participant demands of a federation, whatever owner and coordinator propose: the owner's proposal is signed with the
/// invitation, a participant's own lies in its `policy.yaml`.
public struct ParticipantPolicy: Codable, Sendable, Equatable {
    /// The lines of a policy file.
    public static let keys = ["minimum_cohort", "threshold", "clip", "noise", "maximum_rounds", "weights"]

    /// Participants that a round must have, and updates that a sum must hold.
    public var minimumCohort: Int
    /// The share of a cohort without which nothing is unmasked; never below SA1's own two thirds (⌊2n/3⌋ + 1), which nil means.
    public var threshold: Double?
    /// The largest clip bound.
    public var clip: Double
    /// The least noise multiplier that protects whole data holders.
    public var noise: Double
    /// Rounds that this participant takes part in.
    public var maximumRounds: Int
    /// Whether means may be weighted by record counts; the sum of the counts then becomes known.
    public var weights: Bool

    enum CodingKeys: String, CodingKey {
        case minimumCohort = "minimum_cohort"
        case threshold
        case clip
        case noise
        case maximumRounds = "maximum_rounds"
        case weights
    }

    /// Makes a policy; without arguments one that accepts what SA1 itself accepts.
    public init(
        minimumCohort: Int = 3,
        threshold: Double? = nil,
        clip: Double = .greatestFiniteMagnitude,
        noise: Double = 0,
        maximumRounds: Int = .max,
        weights: Bool = true
    ) {
        self.minimumCohort = minimumCohort
        self.threshold = threshold
        self.clip = clip
        self.noise = noise
        self.maximumRounds = maximumRounds
        self.weights = weights
    }

    /// The stricter of two policies in every line.
    public func stricter(than other: ParticipantPolicy) -> ParticipantPolicy {
        ParticipantPolicy(
            minimumCohort: max(minimumCohort, other.minimumCohort),
            threshold: [threshold, other.threshold].compactMap { $0 }.max(),
            clip: min(clip, other.clip),
            noise: max(noise, other.noise),
            maximumRounds: min(maximumRounds, other.maximumRounds),
            weights: weights && other.weights
        )
    }

    /// Refuses an agreement that falls below this policy before anything is sent.
    ///
    /// - Parameter proposal: what the coordinator will run by; nil: this policy itself.
    /// - Throws: `FederationError.refused` with the line that is broken.
    public func check(_ training: Invitation.Training, members: Int, proposal: ParticipantPolicy? = nil) throws {
        let cohort = min(members, training.federation.participantsPerRound ?? members)
        func require(_ condition: Bool, _ reason: String) throws {
            if !condition { throw FederationError.refused(reason: reason) }
        }
        let noise = training.federation.privacy?.noiseMultiplier ?? 0
        try require(
            cohort >= minimumCohort,
            "the policy's minimum_cohort is \(minimumCohort) and a round has \(cohort) members"
        )
        let proposed = (proposal ?? self).threshold(of: cohort)
        try require(
            proposed >= self.threshold(of: cohort),
            "the policy's threshold asks for \(self.threshold(of: cohort)) of \(cohort) shares and the proposal for \(proposed)"
        )
        try require(training.clip <= clip, "the policy's clip is \(clip) and the proposal's \(training.clip)")
        try require(noise >= self.noise, "the policy's noise is \(self.noise) and the proposal's \(noise)")
        try require(
            training.federation.rounds <= maximumRounds,
            "the policy's maximum_rounds is \(maximumRounds) and the proposal has \(training.federation.rounds)"
        )
        try require(
            weights || training.weightMaximum == 0,
            "the policy's weights is false and the proposal weights by records"
        )
        if let threshold {
            try require(threshold > 0 && threshold <= 1, "the policy's threshold \(threshold) is no share of a cohort")
        }
    }

    /// Shares that a cohort's secrets are unmasked with: SA1's own two thirds, or what the policy demands.
    public func threshold(of cohort: Int) -> Int {
        max(
            RoundHeader.defaultThreshold(participants: cohort),
            Int(((threshold ?? 0) * Double(cohort)).rounded(.up))
        )
    }

    /// What the state machine enforces in every round.
    ///
    /// - Parameter training: what was agreed on, which the coordinator cannot change either.
    public func roundPolicy(_ training: Invitation.Training) -> RoundPolicy {
        RoundPolicy(
            threshold: .twoThirds,
            minimumCohort: max(3, minimumCohort),
            minimumSurvivors: max(3, minimumCohort),
            maximumClip: min(clip, training.clip),
            allowsWeights: weights && training.weightMaximum > 0,
            thresholdShare: threshold
        )
    }
}
