import DifferentialPrivacy
import Progress
import TensorEngine

/// How to train.
public struct TrainerConfiguration: Codable, Sendable, Equatable {
    /// Sequences on the tape at once; with ``privacy`` the expected draw, which goes onto the tape in groups of bounded size.
    public var batchSize: Int
    /// Micro-batches of ``batchSize`` sequences in one optimizer step.
    public var accumulation: Int
    /// The rate of each step.
    public var schedule: LearningRateSchedule
    /// The update rule.
    public var optimizer: OptimizerConfiguration
    /// The largest global gradient norm; nil: no clipping.
    public var clippingNorm: Double?
    /// Decides the data order and the hooks' randomness.
    public var seed: UInt64
    /// DP-SGD instead of ordinary steps; nil: no privacy is promised.
    public var privacy: RecordPrivacy?

    /// Makes a configuration.
    ///
    /// - Throws: `TrainingError.badSetting`.
    public init(
        batchSize: Int,
        accumulation: Int = 1,
        schedule: LearningRateSchedule,
        optimizer: OptimizerConfiguration = .adamW(),
        clippingNorm: Double? = nil,
        seed: UInt64 = 0,
        privacy: RecordPrivacy? = nil
    ) throws {
        guard batchSize > 0 else {
            throw TrainingError.badSetting(name: "--batch", reason: "is \(batchSize); it must be at least 1")
        }
        guard accumulation > 0 else {
            throw TrainingError.badSetting(name: "accumulation", reason: "is \(accumulation); it must be at least 1")
        }
        if let clippingNorm, !(clippingNorm > 0) {
            throw TrainingError.badSetting(name: "the clipping norm", reason: "is \(clippingNorm); it must be positive")
        }
        self.batchSize = batchSize
        self.accumulation = accumulation
        self.schedule = schedule
        self.optimizer = optimizer
        self.clippingNorm = clippingNorm
        self.seed = seed
        self.privacy = privacy
    }
}

/// What one call of ``Trainer/fit(steps:phase:progress:isCancelled:)`` did.
public struct FitReport: Codable, Sendable, Equatable {
    /// The loss of each step before its update, per labelled token, hooks' terms included.
    public var losses: [Double] = []
    /// The gradient norm of each step, before clipping.
    public var gradientNorms: [Double] = []
    /// Tokens that went through the model.
    public var tokens = 0
    /// Tokens with loss.
    public var labelledTokens = 0
    /// Examples drawn, repeats counted.
    public var examples = 0
    /// Whether it ended early because the caller asked.
    public var wasCancelled = false

    /// Steps taken.
    public var steps: Int { losses.count }
    /// The mean of the steps' losses; nil without a step.
    public var meanLoss: Double? { losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count) }
}

/// Where examples came from, so that an error can name the record.
public struct ExampleSource: Sendable, Equatable {
    /// The file; empty when there is none.
    public var path: String
    /// The line of each record; empty: records are named by number.
    public var lines: [Int]

    /// Examples of a file.
    public init(_ file: RecordFile) {
        path = file.path
        lines = file.lines
    }

    /// Examples that `path` describes; records are named by number.
    public init(path: String = "", lines: [Int] = []) {
        self.path = path
        self.lines = lines
    }

    func name(of recordIndex: Int) -> String {
        lines.indices.contains(recordIndex) ? "line \(lines[recordIndex])" : "record \(recordIndex + 1)"
    }
}

/// Trains the given parameters on examples, and nothing else.
///
/// Everything that decides the next step is in ``checkpoint()``: a trainer that restores it goes on to the same bits.
public final class Trainer {
    /// The loss of a batch as a tensor of shape `[1]`: the sum over labelled tokens divided by the divisor.
    public typealias Objective = (_ batch: [EncodedExample], _ tape: Tape, _ divisor: Float) -> Tensor

    /// The trained parameters.
    public let parameters: [Parameter]
    /// The configuration.
    public let configuration: TrainerConfiguration
    /// Optimizer steps taken.
    public var step: Int { context.step }
    /// Where the next batch starts.
    public internal(set) var order: DataOrder

    let examples: [EncodedExample]
    let source: ExampleSource
    let objective: Objective
    let hooks: [any TrainerHook]
    /// The coins and noise of private steps; nil when steps are ordinary.
    let privateSteps: PrivateSteps?
    var optimizer: any Optimizer
    lazy var context = TrainerContext(
        parameters: parameters,
        generator: SeededGenerator(seed: configuration.seed).derive("hooks"),
        snapshot: { [unowned self] in checkpoint() }
    )

    /// A trainer with an objective of its own, for example a distance to a teacher.
    ///
    /// - Parameter noiseKey: decides coins and noise when the configuration asks for privacy; secret to the records' holder.
    /// - Throws: `TrainingError.badSetting` when there is nothing to train or to train on, or privacy lacks its key.
    public init(
        parameters: [Parameter],
        examples: [EncodedExample],
        source: ExampleSource = ExampleSource(),
        configuration: TrainerConfiguration,
        hooks: [any TrainerHook] = [],
        noiseKey: NoiseKey? = nil,
        objective: @escaping Objective
    ) throws {
        let trainable = parameters.filter(\.isTrainable)
        guard !trainable.isEmpty else {
            throw TrainingError.badSetting(name: "the set of trainable parameters", reason: "is empty")
        }
        guard Set(trainable.map(\.name)).count == trainable.count else {
            throw TrainingError.badSetting(name: "the set of trainable parameters", reason: "names one of them twice")
        }
        guard !examples.isEmpty else {
            throw TrainingError.badSetting(
                name: "the set of examples",
                reason: "is empty; give records whose answers fit the maximum length"
            )
        }
        if let empty = examples.first(where: { $0.labelledTokenCount == 0 }) {
            throw TrainingError.cannotEncode(
                record: source.name(of: empty.recordIndex),
                reason: "no token is left to learn; raise --max-length"
            )
        }
        self.parameters = trainable
        self.examples = examples
        self.source = source
        self.configuration = configuration
        self.hooks = hooks
        self.objective = objective
        privateSteps = try configuration.privacy.map { privacy in
            try PrivateSteps(
                privacy,
                configuration: configuration,
                records: examples.count,
                hooks: hooks.count,
                noiseKey: noiseKey
            )
        }
        optimizer = try configuration.optimizer.make()
        order = DataOrder(count: examples.count, generator: SeededGenerator(seed: configuration.seed))
    }

    /// Forgets the optimizer's moments, as FS-LLM does at the start of each round; step and data order go on.
    ///
    /// - Throws: `TrainingError.badSetting`.
    public func resetOptimizer() throws {
        optimizer = try configuration.optimizer.make()
    }
}
