import Federation
import Training

/// `shadows.json`: what a set of shadow models was trained for and how; going on with it demands the same.
public struct ShadowSettings: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.shadows/1"

    /// ``currentSchema`` of the version that began the set.
    public var schema = Self.currentSchema
    /// SHA-256 of the emulator's weights, in hexadecimal.
    public var emulatorDigest: String
    /// SHA-256 of the plan's `plan.json`, in hexadecimal.
    public var planDigest: String
    /// SHA-256 of the records that nobody trains on, in hexadecimal; nil: there are none.
    public var populationDigest: String?
    /// What identifies the full model that the shadows are also plugged into; nil: they are not.
    public var modelIdentity: String?
    /// The template.
    public var template: PromptTemplate
    /// Tokens of the longest example.
    public var maximumLength: Int
    /// How each data holder trains; the seed is the audited run's, from which LoRA's first matrices follow.
    public var site: SiteConfiguration
    /// How rounds run.
    public var federation: FederationConfiguration
    /// Shadow models in all.
    public var shadows: Int
    /// Decides coins, data order and sampling of the shadows.
    public var seed: UInt64

    /// Collects the settings.
    public init(
        emulatorDigest: String,
        planDigest: String,
        populationDigest: String?,
        modelIdentity: String? = nil,
        template: PromptTemplate,
        maximumLength: Int,
        site: SiteConfiguration,
        federation: FederationConfiguration,
        shadows: Int,
        seed: UInt64
    ) {
        self.emulatorDigest = emulatorDigest
        self.planDigest = planDigest
        self.populationDigest = populationDigest
        self.modelIdentity = modelIdentity
        self.template = template
        self.maximumLength = maximumLength
        self.site = site
        self.federation = federation
        self.shadows = shadows
        self.seed = seed
    }
}

/// What one shadow model says: coins and likelihoods, no text and no weights.
public struct ShadowScores: Codable, Sendable, Equatable {
    /// Counted from 0.
    public var shadow: Int
    /// `[records]`, in the plan's order: whether this shadow trained on it.
    public var isIncluded: [Bool]
    /// `[records]`: mean log-likelihood in nats a token; nil where no token carries loss.
    public var logLikelihoods: [Double?]
    /// The same of the records that nobody trained on.
    public var population: [Double?]
    /// What the full model says with the shadow plugged in; nil: nobody asked.
    public var plugged: Plugged?
    /// Floating-point operations of its training.
    public var trainingOperations: Double
    /// Floating-point operations of scoring the records with it.
    public var scoringOperations: Double

    /// The likelihoods at the owner's.
    public struct Plugged: Codable, Sendable, Equatable {
        /// `[records]`, as ``ShadowScores/logLikelihoods``.
        public var logLikelihoods: [Double?]
        /// The same of the records that nobody trained on.
        public var population: [Double?]
        /// Floating-point operations of scoring the records.
        public var scoringOperations: Double

        /// Keeps the values.
        public init(logLikelihoods: [Double?], population: [Double?], scoringOperations: Double) {
            self.logLikelihoods = logLikelihoods
            self.population = population
            self.scoringOperations = scoringOperations
        }
    }

    /// The scores as an attacker has them who holds the emulator, or the full model.
    ///
    /// - Returns: nil where the shadow was not plugged in.
    func seen(plugged isPlugged: Bool) -> Plugged? {
        isPlugged
            ? plugged
            : Plugged(logLikelihoods: logLikelihoods, population: population, scoringOperations: scoringOperations)
    }

    /// Keeps the values.
    public init(
        shadow: Int,
        isIncluded: [Bool],
        logLikelihoods: [Double?],
        population: [Double?],
        plugged: Plugged? = nil,
        trainingOperations: Double,
        scoringOperations: Double
    ) {
        self.shadow = shadow
        self.isIncluded = isIncluded
        self.logLikelihoods = logLikelihoods
        self.population = population
        self.plugged = plugged
        self.trainingOperations = trainingOperations
        self.scoringOperations = scoringOperations
    }
}
