/// What a server that keeps updates can measure of one record in one round.
public struct RoundEvidence: Sendable, Equatable {
    /// Counted from 1.
    public var round: Int
    /// LL(x) under the adapter that the round began with, in nats a token.
    public var before: Double
    /// LL(x) under the adapter with the update in question: the holder's own, or the aggregate.
    public var after: Double
    /// LL(x) under each other holder's update; empty for the aggregate, or when nobody asked.
    public var afterOthers: [Double] = []
    /// cos(g, u): the record's gradient against the update as a gradient, −Δ; nil when gradients were not asked for.
    public var cosine: Double?
    /// The same with each other holder's update.
    public var cosineOthers: [Double] = []
    /// 2⟨u, g⟩ − ‖g‖², u scaled to the mean length of the gradients of the records.
    public var gradientDifference: Double?
    /// ‖g‖ under the adapter that the round began with.
    public var gradientNorm: Double?
    /// How much of what the record's tokens feed into the first adapter layers lies in the row space of the update, 0 … 1.
    public var span: Double?
    /// LL(x) under the adapter that an honest coordinator would have sent; nil where the coordinator was honest.
    public var honest: Double?
    /// ‖g‖ under the adapter with the update in question, where the coordinator lied.
    public var gradientNormAfter: Double?

    /// Starts with the losses.
    public init(round: Int, before: Double, after: Double) {
        self.round = round
        self.before = before
        self.after = after
    }
}
