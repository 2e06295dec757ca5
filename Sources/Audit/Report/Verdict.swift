/// The conclusion of an audit. It never says that a model is private: it says what was measured.
public struct Verdict: Codable, Sendable, Equatable {
    /// The five ways in which an audit can end.
    public enum Outcome: String, Codable, Sendable {
        /// No attack of the suite went above the policy, and the records would have shown it.
        case noneFound = "none_found"
        /// A measured lower bound on ε is above the stated upper bound.
        case boundExceeded = "bound_exceeded"
        /// An attack went above the policy.
        case leakage
        /// Members and held-out records differ without any tuning.
        case invalidSplit = "invalid_split"
        /// The records or the run cannot support a conclusion.
        case inconclusive
    }

    /// How it ended.
    public var outcome: Outcome
    /// One sentence for the banner.
    public var headline: String
    /// Why, one sentence an entry, figures included.
    public var reasons: [String]

    /// The exit code of `fsot audit run`: 0 none found, 2 leakage, 3 split not valid, 4 inconclusive, 5 stated ε
    /// refuted.
    public var exitCode: Int32 {
        switch outcome {
        case .noneFound: return 0
        case .leakage: return 2
        case .invalidSplit: return 3
        case .inconclusive: return 4
        case .boundExceeded: return 5
        }
    }
}
