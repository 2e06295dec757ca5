import Training

/// A figure over seeds.
public struct SeedSpread: Codable, Sendable, Equatable {
    /// The mean over seeds.
    public var mean: Double
    /// The sample standard deviation over seeds; 0 for one seed.
    public var deviation: Double
    /// The figure of each seed, in order.
    public var values: [Double]

    /// Summarises at least one value.
    public init(_ values: [Double]) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        deviation = count < 2 ? 0 : (squares / (count - 1)).squareRoot()
        self.values = values
    }
}

/// What tuning on the emulator brings the full model on a task, and what it leaves in the data holder's hands.
///
/// All losses are mean nats an answer token on the held-out records: less is better. Differences are signed so that their names hold:
/// a gap above 0 is a gap.
public struct ProbeReport: Codable, Sendable, Equatable {
    /// One tuning.
    public struct Run: Codable, Sendable, Equatable {
        /// Decides data order and LoRA's first matrices, the same for both models.
        public var seed: UInt64
        /// E_FT: the emulator after tuning.
        public var emulatorTuned: RecordPerplexity
        /// P: the full model with the adapter that was tuned on the emulator.
        public var pluggedIn: RecordPerplexity
        /// FT: the full model with the same blocks tuned inside it.
        public var fullTuned: RecordPerplexity
        /// (ZS − P) / (ZS − FT), its error over records.
        public var transfer: RatioOfSums
    }

    /// How it was tuned.
    public var configuration: ProbeConfiguration
    /// Where the records came from.
    public var trainingPath: String
    /// Where the held-out records came from.
    public var heldOutPath: String
    /// Records tuned on.
    public var trainingRecords: Int
    /// ZS: the full model as it is.
    public var fullZeroShot: RecordPerplexity
    /// The emulator as it is.
    public var emulatorZeroShot: RecordPerplexity
    /// One a seed.
    public var runs: [Run]
    /// E_FT over seeds.
    public var emulatorTuned: SeedSpread
    /// P over seeds.
    public var pluggedIn: SeedSpread
    /// FT over seeds.
    public var fullTuned: SeedSpread
    /// P − FT: what tuning on the emulator instead of inside the full model costs.
    public var pluginGap: SeedSpread
    /// E_FT − P: by how much the owner's plugged-in model beats what the data holder has anyway. Below 0 there is nothing to
    /// come back for.
    public var ipGap: SeedSpread
    /// ZS − E_FT: by how much the tuned emulator beats the full model that was never tuned. Above 0 the data holder may not need the owner.
    public var capabilityExcess: SeedSpread
    /// (ZS − P) / (ZS − FT): the share of full tuning's gain that arrives.
    public var transfer: SeedSpread
    /// Seconds that were spent now; less than the whole where pieces were known already.
    public var seconds: Double

    /// The record losses of one seed's three models.
    struct Tuning {
        var seed: UInt64
        var emulatorTuned: RecordLosses
        var pluggedIn: RecordLosses
        var fullTuned: RecordLosses
    }

    /// Derives the figures of at least one tuning.
    init(
        configuration: ProbeConfiguration,
        task: ProbeTask,
        fullZeroShot: RecordLosses,
        emulatorZeroShot: RecordLosses,
        tunings: [Tuning],
        seconds: Double
    ) {
        self.configuration = configuration
        trainingPath = task.source.path
        heldOutPath = task.heldOutPath
        trainingRecords = task.training.count
        self.fullZeroShot = fullZeroShot.perplexity
        self.emulatorZeroShot = emulatorZeroShot.perplexity
        let zero = fullZeroShot.perplexity.loss
        let runs = tunings.map { tuning in
            Run(
                seed: tuning.seed,
                emulatorTuned: tuning.emulatorTuned.perplexity,
                pluggedIn: tuning.pluggedIn.perplexity,
                fullTuned: tuning.fullTuned.perplexity,
                transfer: RatioOfSums(
                    numerators: zip(fullZeroShot.sums, tuning.pluggedIn.sums).map { $0 - $1 },
                    denominators: zip(fullZeroShot.sums, tuning.fullTuned.sums).map { $0 - $1 }
                )
            )
        }
        self.runs = runs
        emulatorTuned = SeedSpread(runs.map(\.emulatorTuned.loss))
        pluggedIn = SeedSpread(runs.map(\.pluggedIn.loss))
        fullTuned = SeedSpread(runs.map(\.fullTuned.loss))
        pluginGap = SeedSpread(runs.map { $0.pluggedIn.loss - $0.fullTuned.loss })
        ipGap = SeedSpread(runs.map { $0.emulatorTuned.loss - $0.pluggedIn.loss })
        capabilityExcess = SeedSpread(runs.map { zero - $0.emulatorTuned.loss })
        transfer = SeedSpread(runs.map(\.transfer.value))
        self.seconds = seconds
    }
}
