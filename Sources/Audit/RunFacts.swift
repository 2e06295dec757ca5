/// What an audited run was, as plain values: the report prints them and never looks anything up.
public struct RunFacts: Codable, Sendable, Equatable {
    /// A labelled value, printed as it is.
    public struct Detail: Codable, Sendable, Equatable {
        /// What it is.
        public var label: String
        /// Its value, ready to print.
        public var value: String

        /// Keeps the two.
        public init(_ label: String, _ value: String) {
            self.label = label
            self.value = value
        }
    }

    /// A value against another model's on the same records.
    public struct Change: Codable, Sendable, Equatable {
        /// The other model.
        public var from: String
        /// This model's value over the other's.
        public var ratio: Double
        /// 95 % interval of the ratio, records paired.
        public var interval: ConfidenceInterval

        /// Keeps the values.
        public init(from: String, ratio: Double, interval: ConfidenceInterval) {
            self.from = from
            self.ratio = ratio
            self.interval = interval
        }
    }

    /// How well a model does its task.
    public struct Utility: Codable, Sendable, Equatable {
        /// Which model: "full model", "emulator", "tuned emulator", "plugged-in model".
        public var model: String
        /// What was measured and on what: "perplexity, validation".
        public var measure: String
        /// The value.
        public var value: Double
        /// Whether smaller is better, as for perplexity.
        public var isLowerBetter: Bool
        /// 95 % interval of the value, when it is known.
        public var interval: ConfidenceInterval?
        /// What the tuning did to this model's value, when it is a tuned one.
        public var change: Change?

        /// Keeps the values; interval and change are not known yet.
        public init(model: String, measure: String, value: Double, isLowerBetter: Bool) {
            self.model = model
            self.measure = measure
            self.value = value
            self.isLowerBetter = isLowerBetter
        }
    }

    /// Shipped parameters over full parameters.
    public var compressionRatio: Double?
    /// Parameters of the full model.
    public var fullParameters: Int?
    /// Parameters of the emulator.
    public var shippedParameters: Int?
    /// Share of the middle blocks kept, 0 … 1.
    public var middleKept: Double?
    /// Parameters trained and returned.
    public var adapterParameters: Int?
    /// Bytes of the aggregated adapter.
    public var adapterBytes: Int?
    /// Bytes of the emulator as shipped.
    public var emulatorBytes: Int?
    /// Bytes that crossed a wire in all, emulator included.
    public var wireBytes: Int?
    /// What the coordinator saw, one sentence an entry.
    public var coordinatorSaw: [String] = []
    /// Utility of the models.
    public var utility: [Utility] = []
    /// Vantage points that nobody had in this run, such as single updates under secure aggregation: the simulation shows what
    /// they would have given away, and the verdict leaves them out.
    public var twins: [VantagePoint]?
    /// Stated (ε, δ), when noise was added; nil: none.
    public var protections: [Protection]?
    /// The chance of each coin to hold its records out; nil: a half.
    public var heldOutShare: Double?
    /// On what each attack's figures stand, in an audit whose scores came from several parties; nil: one party held everything.
    public var coverage: [Coverage]?
    /// Floating-point operations of the tuning, all data holders and rounds: the unit of what an attack costs.
    public var trainingOperations: Double?
    /// The cell of a sweep that the run is; nil: it is none.
    public var sweep: SweepCell?
    /// Anything else worth a line: method, rounds, local steps, seed, versions.
    public var details: [Detail] = []

    /// Starts with nothing known.
    public init() {}
}
