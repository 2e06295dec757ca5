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

    /// Starts with the losses.
    public init(round: Int, before: Double, after: Double) {
        self.round = round
        self.before = before
        self.after = after
    }
}

/// What an attack has to be given beside the tuned model's view of the tokens.
public enum Evidence: String, Sendable, CaseIterable {
    /// The tokens by the untuned model.
    case reference
    /// The record in lower case.
    case lowered
    /// The record behind records that nobody trained on.
    case prefixed
    /// Losses under each round's updates.
    case rounds
    /// Losses under the other holders' updates.
    case otherHolders
    /// The record's gradient in each round.
    case gradients
    /// The row space of each round's update.
    case span

    /// What the user has to do for it, for the report.
    public var remedy: String {
        switch self {
        case .reference, .lowered: "it is always measured"
        case .prefixed: "give --population with records that nobody trained on"
        case .rounds, .gradients, .span: "tune with --observe AUDITOR.card and audit with --identity"
        case .otherHolders: "it needs single updates of at least three data holders: tune with --observe"
        }
    }
}
