/// Which distance between teacher and student distillation minimises.
public enum DistillationLoss: String, Codable, Sendable, CaseIterable {
    /// Each student block on the teacher's own state, each token's error over the energy of the teacher's update of it.
    case perLayer = "per-layer"
    /// The student on its own states, each token's error over the energy of the teacher's state, wherever segments meet.
    case perToken = "per-token"
    /// mean(((T − S)/rms(T))²) over all tokens of the middle's output (Xiao, Lin, Han 2023, `get_kd_loss`).
    case offsiteTuning = "offsite-tuning"
}

/// Which weights of the thinned middle distillation trains.
public enum DistilledWeights: String, Codable, Sendable, CaseIterable {
    /// All of them.
    case all
    /// The feed-forward layers only.
    case feedForward = "feed-forward"
}

/// How to distil.
public struct DistillationConfiguration: Codable, Sendable, Equatable {
    /// Tokens in all, those of repeated epochs counted again; 0: the kept blocks stay as thinning left them.
    public var tokens: Int
    /// The distance.
    public var loss: DistillationLoss
    /// Weight of KL(full ‖ emulator) on the logits, in nats a token, beside the distance (FedBiOT, arXiv 2406.17706); not with
    /// the per-layer loss, whose blocks never see each other.
    public var divergenceWeight: Double
    /// What is trained.
    public var weights: DistilledWeights
    /// Peak rate of AdamW (no decay, cosine schedule, a tenth of the steps for warm-up).
    public var learningRate: Double
    /// Sequences of a step.
    public var batch: Int
    /// Tokens of a sequence.
    public var length: Int
    /// How often in the run the loss on held-out text is looked at; 0: never, and the last weights stay.
    public var evaluations: Int
    /// Looks without an improvement after which distillation ends. The best weights stay.
    public var patience: Int
    /// Decides the data order.
    public var seed: UInt64

    /// Makes a configuration.
    public init(
        tokens: Int = 65_536,
        loss: DistillationLoss = .perLayer,
        divergenceWeight: Double = 0,
        weights: DistilledWeights = .all,
        learningRate: Double = 5e-4,
        batch: Int = 4,
        length: Int = 256,
        evaluations: Int = 10,
        patience: Int = 3,
        seed: UInt64 = 0
    ) {
        self.tokens = tokens
        self.loss = loss
        self.divergenceWeight = divergenceWeight
        self.weights = weights
        self.learningRate = learningRate
        self.batch = batch
        self.length = length
        self.evaluations = evaluations
        self.patience = patience
        self.seed = seed
    }
}

extension DistillationConfiguration {
    /// Checks the settings against each other.
    ///
    /// - Throws: `EmulatorError.invalidSetting` naming the flag.
    public func validate() throws {
        func refuse(_ reason: String, _ remedy: String) -> EmulatorError {
            .invalidSetting(reason: reason, remedy: remedy)
        }
        guard divergenceWeight >= 0, divergenceWeight.isFinite else {
            throw refuse("--divergence-weight \(divergenceWeight) is not a weight", "give 0 or more")
        }
        guard divergenceWeight == 0 || loss != .perLayer else {
            throw refuse(
                "--divergence-weight has no meaning with --loss per-layer, whose blocks never see each other",
                "use --loss per-token"
            )
        }
        guard learningRate > 0, learningRate.isFinite else {
            throw refuse("--distill-lr \(learningRate) is not a learning rate", "give a number above 0, such as 5e-4")
        }
    }
}

/// What distillation did.
public struct DistillationReport: Codable, Sendable, Equatable {
    /// Where the text came from.
    public var source: String
    /// Tokens seen.
    public var tokens: Int
    /// The loss of each step.
    public var losses: [Double]
    /// The loss on held-out text by the number of steps before it; empty when it was not looked at.
    public var heldOut: [HeldOutLoss] = []
    /// Whether it ended before its tokens were used up, because held-out text got no better.
    public var stoppedEarly = false

    /// Steps after which the weights were as they are now: fewer than were taken when held-out text was better then.
    public var keptStep = 0

    /// Whether distillation made held-out text no better, so that the weights are those it began with.
    public var keptNothing: Bool { keptStep == 0 && !losses.isEmpty }

    /// The loss on held-out text at one moment.
    public struct HeldOutLoss: Codable, Sendable, Equatable {
        /// Steps taken before.
        public var step: Int
        /// The loss.
        public var loss: Double

        /// Makes an entry.
        public init(step: Int, loss: Double) {
            self.step = step
            self.loss = loss
        }
    }

    /// Makes a report.
    public init(source: String, tokens: Int, losses: [Double]) {
        self.source = source
        self.tokens = tokens
        self.losses = losses
    }
}
