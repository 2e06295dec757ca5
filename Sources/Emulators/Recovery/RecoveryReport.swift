import Training

/// How to attack an emulator.
public struct RecoveryConfiguration: Codable, Sendable, Equatable {
    /// What budgets are shares of: the tokens that the owner distilled on.
    public var referenceTokens: Int
    /// Budgets of the trained attacks.
    public var shares: [Double]
    /// Data orders (and random beginnings of the controls) that are tried: 0 ..< `seeds`.
    public var seeds: Int
    /// Held-out tokens to measure on, about.
    public var heldOutTokens: Int
    /// Rates that the healing attack tries at each budget; the best counts.
    public var healRates: [Double]
    /// The same for the from-scratch controls, which begin further away.
    public var controlRates: [Double]

    /// Makes a configuration.
    public init(
        referenceTokens: Int,
        shares: [Double] = [0.001, 0.01, 0.1],
        seeds: Int = 1,
        heldOutTokens: Int = 8_192,
        healRates: [Double] = [1e-4, 3e-4, 1e-3],
        controlRates: [Double] = [3e-4, 1e-3]
    ) {
        self.referenceTokens = referenceTokens
        self.shares = shares
        self.seeds = seeds
        self.heldOutTokens = heldOutTokens
        self.healRates = healRates
        self.controlRates = controlRates
    }

    /// Tokens of a budget, at least one.
    func tokens(_ share: Double) -> Int { max(1, Int((share * Double(referenceTokens)).rounded())) }
}

/// How much of the full model an attacker gets back from an emulator: R(b) = (s_attack(b) − s_floor) / (s_full − s_floor)
/// with s = −loss on held-out public text.
///
/// The floor is the better of two that need nothing of the middle: the shipped ends with no middle between them, and the word
/// frequencies of the attacker's text. (Ends without a middle are often worse than guessing all words alike; with that floor
/// an attack that knows only word frequencies would count as half a recovery.) 0 is the floor, 1 the full model. Trained attacks
/// are judged by their advantage over from-scratch controls at equal compute: the rest is just training.
public struct RecoveryReport: Codable, Sendable, Equatable {
    /// One attack, or control, at one budget.
    public struct Attempt: Codable, Sendable, Equatable {
        /// `A0 as is`, `A2 heal`, `control: random middle`.
        public var name: String
        /// The budget as a share of the reference tokens; nil: it trains nothing.
        public var share: Double?
        /// Tokens trained on.
        public var tokens: Int
        /// Peak learning rate; nil: it trains nothing.
        public var learningRate: Double?
        /// Mean nats a token on the held-out text.
        public var loss: Double
        /// R, with its error over sequences.
        public var recovery: RatioOfSums
        /// R of each seed; one value where nothing is random.
        public var seeds: SeedSpread
        /// Share of positions where the likeliest next token is the full model's.
        public var agreement: Double
        /// Mean KL(full‖replica) in nats.
        public var divergence: Double
    }

    /// The strongest attack within a budget against the controls at that budget.
    public struct Advantage: Codable, Sendable, Equatable {
        /// The budget as a share of the reference tokens.
        public var share: Double
        /// The attack with the largest R that costs no more.
        public var attack: String
        /// Its R.
        public var recovery: Double
        /// R minus that of the control with the shipped ends, both at least 0: what the thinned middle gave away.
        public var overRandomMiddle: Double
        /// R minus that of the wholly random control, both at least 0: what the whole emulator gave away.
        public var overRandomModel: Double
    }

    /// How it was attacked.
    public var configuration: RecoveryConfiguration
    /// Where the attacker's text came from.
    public var source: String
    /// Tokens of held-out text that everything was measured on.
    public var heldOutTokens: Int
    /// Mean nats a token of the full model.
    public var fullLoss: Double
    /// The same of the shipped ends without any middle.
    public var noMiddleLoss: Double
    /// The same of the word frequencies of the attacker's text.
    public var unigramLoss: Double
    /// The better of these two: R = 0.
    public var floorLoss: Double { min(noMiddleLoss, unigramLoss) }
    /// The attacks.
    public var attempts: [Attempt]
    /// The from-scratch controls.
    public var controls: [Attempt]
    /// One a budget.
    public var advantages: [Advantage]
    /// What could not be tried, and why.
    public var notes: [String]
    /// Seconds that were spent now; less than the whole where pieces were known already.
    public var seconds: Double

    /// The advantage that a policy judges: the largest over the control with the shipped ends.
    /// Nil where the full model is no better than the floor, so that recovering it means nothing.
    public var largestAdvantage: Double? {
        fullLoss < min(noMiddleLoss, unigramLoss) ? advantages.map(\.overRandomMiddle).max() : nil
    }
}

extension RecoveryReport.Attempt {
    /// Summarises the same attempt under several seeds, at least one.
    init(
        _ name: String,
        share: Double? = nil,
        tokens: Int = 0,
        learningRate: Double? = nil,
        scores: [ReplicaScore],
        full: RecordLosses,
        floor: RecordLosses
    ) {
        let count = Double(scores.count)
        let mean = full.sums.indices.map { index in scores.reduce(0) { $0 + $1.losses.sums[index] } / count }
        self.name = name
        self.share = share
        self.tokens = tokens
        self.learningRate = learningRate
        loss = mean.reduce(0, +) / Double(full.tokens.reduce(0, +))
        let recovery = { (sums: [Double]) in
            RatioOfSums(
                numerators: zip(floor.sums, sums).map { $0 - $1 },
                denominators: zip(floor.sums, full.sums).map { $0 - $1 }
            )
        }
        self.recovery = recovery(mean)
        seeds = SeedSpread(scores.map { recovery($0.losses.sums).value })
        agreement = scores.reduce(0) { $0 + $1.agreement } / count
        divergence = scores.reduce(0) { $0 + $1.divergence } / count
    }
}
