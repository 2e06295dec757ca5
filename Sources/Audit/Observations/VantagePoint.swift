/// From where an attacker looks at the tuned adapter.
public enum VantagePoint: String, Codable, Sendable, CaseIterable {
    /// The coordinator of a run without secure aggregation: every update of every data holder.
    case individual
    /// The coordinator of a run under secure aggregation: the sums.
    case aggregate
    /// Another data holder: the emulator with the aggregated adapter.
    case peer
    /// The model owner: the full model with the aggregated adapter plugged in.
    case owner
    /// Whoever receives an emulator, and asks whether records trained the owner's model before it was compressed.
    case recipient

    /// Who this attacker is, for headings.
    public var attacker: String {
        switch self {
        case .individual: return "a coordinator who sees single updates"
        case .aggregate: return "a coordinator who sees sums of updates"
        case .peer: return "a peer, that is another data holder"
        case .owner: return "the owner of the full model"
        case .recipient: return "a recipient of the emulator, against the owner's own training records"
        }
    }

    /// What this attacker holds, in words for the report.
    public var sees: String {
        switch self {
        case .individual: return "the emulator, every broadcast adapter and every data holder's update"
        case .aggregate: return "the emulator, every broadcast adapter and the sum of each round's updates"
        case .peer: return "the emulator and the aggregated adapter, as every data holder receives them"
        case .owner: return "the full model with the aggregated adapter plugged in"
        case .recipient: return "the emulator of a model that the owner had tuned on records of its own"
        }
    }

    /// The model that the tuned one is compared with.
    public var reference: String {
        switch self {
        case .individual: return "the emulator with the adapter as the round began"
        case .aggregate: return "the emulator with the adapter as the round began"
        case .peer: return "the emulator with the adapter as it was before tuning"
        case .owner: return "the full model before tuning"
        case .recipient: return "the public model that the owner began with"
        }
    }
}
