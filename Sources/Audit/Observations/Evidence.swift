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
    /// What shadow models say about the record.
    case shadows
    /// Rounds of a fork whose coordinator lies about the adapter.
    case active
    /// What both models say of records that nobody trained on.
    case outsiders
    /// Variants of the record.
    case neighbours
    /// What the tuned model writes after the record's first half.
    case continuations

    /// What has to be done for it, for the report.
    var remedy: String {
        switch self {
        case .reference, .lowered: "it is measured whenever an attack needs it"
        case .prefixed: "give --population with records that nobody trained on"
        case .rounds, .gradients, .span: "tune with --observe AUDITOR.card and audit with --identity"
        case .shadows: "train shadow models with fsot audit shadows and give --shadows"
        case .active: "give --active, which forks the run under a coordinator that lies about the adapter"
        case .outsiders: "give --population with at least \(OutsiderScores.minimum) records that nobody trained on"
        case .neighbours, .continuations: "whoever scores draws them, but for an owner who answers queries"
        case .otherHolders: "it needs single updates of at least three data holders: tune with --observe"
        }
    }
}
