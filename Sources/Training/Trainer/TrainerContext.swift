import TensorEngine

/// What hooks see and may change.
public final class TrainerContext {
    /// The trained parameters, with their gradients.
    public let parameters: [Parameter]
    /// Randomness for hooks (noise, dropout); saved with checkpoints.
    public var generator: SeededGenerator
    /// Optimizer steps taken before this one, over the trainer's whole life.
    public internal(set) var step = 0
    /// The epoch, from 0.
    public internal(set) var epoch = 0
    /// The examples of this batch.
    public internal(set) var examples: [EncodedExample] = []
    /// Which micro-batch of the batch this is, from 0.
    public internal(set) var microBatch = 0
    /// How many micro-batches the batch has.
    public internal(set) var microBatchCount = 1
    /// The loss so far, per labelled token of the whole batch.
    public var loss = 0.0
    /// The norm of all gradients before clipping; set when the batch ends.
    public internal(set) var gradientNorm = 0.0
    /// The rate of this step.
    public var learningRate = 0.0

    private let snapshot: () -> TrainerCheckpoint

    init(parameters: [Parameter], generator: SeededGenerator, snapshot: @escaping () -> TrainerCheckpoint) {
        self.parameters = parameters
        self.generator = generator
        self.snapshot = snapshot
    }

    /// Whether this is the batch's last micro-batch.
    public var isLastMicroBatch: Bool { microBatch == microBatchCount - 1 }

    /// The state to resume from; meaningful between steps, that is in `onBatchEnd` and later.
    public func checkpoint() -> TrainerCheckpoint { snapshot() }
}
