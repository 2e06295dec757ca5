/// The sizes of a model that decide about memory; see ``ResourceEstimate``.
public struct ModelFootprint: Codable, Sendable, Equatable {
    /// All parameters.
    public var parameters: Int
    /// Parameters that are trained.
    public var trainable: Int
    /// Blocks at and above the lowest trained one: the only ones that keep activations.
    public var blocksKept: Int
    /// Width of the hidden state.
    public var hiddenSize: Int
    /// Width of the feed-forward layer.
    public var feedForwardSize: Int

    /// Makes a footprint.
    public init(parameters: Int, trainable: Int, blocksKept: Int, hiddenSize: Int, feedForwardSize: Int) {
        self.parameters = parameters
        self.trainable = trainable
        self.blocksKept = blocksKept
        self.hiddenSize = hiddenSize
        self.feedForwardSize = feedForwardSize
    }
}

/// What one pass over the records will take, roughly.
public struct ResourceEstimate: Codable, Sendable, Equatable {
    /// Seconds for one epoch at the given speed.
    public var secondsPerEpoch: Double
    /// Peak memory in bytes: weights, gradients, AdamW's moments, and the activations of the largest batch, all F32.
    public var peakBytes: Int

    /// Estimates one epoch.
    ///
    /// - Parameters:
    ///   - tokens: tokens of the epoch, after truncation.
    ///   - tokensPerSecond: measured training speed.
    ///   - batchTokens: tokens of the largest batch that is on the tape at once.
    public init(tokens: Int, tokensPerSecond: Double, batchTokens: Int, model: ModelFootprint) {
        secondsPerEpoch = Double(tokens) / max(tokensPerSecond, 1e-9)
        // A gated block keeps about eight hidden-sized rows (two norms' inputs, query, key, value, attention output, two
        // residuals) and three feed-forward-sized ones for its backward pass.
        let activations = batchTokens * model.blocksKept * (8 * model.hiddenSize + 3 * model.feedForwardSize)
        peakBytes = 4 * (model.parameters + 3 * model.trainable + activations)
    }
}
