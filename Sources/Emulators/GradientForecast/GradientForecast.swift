/// How well the adapter's gradient under an emulator agrees with that under the full model: a cheap forecast of what tuning
/// on the emulator will be worth once plugged in. Nothing is tuned for it.
///
/// The idea is GradOT's (arXiv 2507.04455): a tuned adapter transfers as far as the emulator pushes it where the full model
/// would have.
public struct GradientForecast: Codable, Sendable, Equatable {
    /// Below this cosine little of a tuned adapter transfers.
    public static let poorCosine = 0.5

    /// One end of the adapter.
    public struct End: Codable, Sendable, Equatable {
        /// Cosine between the two gradients on the same text, mean over batches; 1 = same direction.
        public var cosine: Double
        /// Norm under the emulator over norm under the full model, mean over batches.
        public var normRatio: Double
        /// Cosine between the full model's own gradients on two disjoint batches, mean over neighbouring batches: what the
        /// choice of text alone does. An emulator need not be better than that.
        public var noise: Double

        /// Makes the figures.
        public init(cosine: Double, normRatio: Double, noise: Double) {
            self.cosine = cosine
            self.normRatio = normRatio
            self.noise = noise
        }
    }

    /// The blocks at the input end; nil when there is none.
    public var bottom: End?
    /// The blocks at the output end; nil when there is none.
    public var top: End?
    /// Batches.
    public var batches: Int
    /// Tokens of all batches.
    public var tokens: Int

    /// Makes a forecast.
    public init(bottom: End?, top: End?, batches: Int, tokens: Int) {
        self.bottom = bottom
        self.top = top
        self.batches = batches
        self.tokens = tokens
    }

    /// Whether an end's gradient points elsewhere: a cosine below ``poorCosine``.
    public var isPoor: Bool { [bottom, top].contains { end in end.map { $0.cosine < Self.poorCosine } ?? false } }
}
