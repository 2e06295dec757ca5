import Cryptography

/// What a planted record is: synthetic, added to a data holder's records by the auditor, in or out by a fair coin of its own.
///
/// Nobody's data is in it, so that an audit can afford fair coins, and repetitions, where records allow neither.
public struct Canary: Codable, Sendable, Equatable, Hashable {
    /// How a canary's text comes about.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Uniformly random letters: the secret of Carlini et al. 2019; needs no model.
        case random
        /// Tokens of the vocabulary that no record and no other canary has: Panda et al. 2025.
        case newToken = "new-token"
        /// What a public model writes at high temperature, like the records and read by people: Mitchell & Andrew 2026.
        case highTemperature = "high-temperature"

        /// How the text came about, for a reader of the report.
        var explanation: String {
            switch self {
            case .random: "random letters"
            case .newToken: "tokens that no record has"
            case .highTemperature: "written by a public model at high temperature"
            }
        }
    }

    /// How its text came about.
    public var kind: Kind
    /// How often an included one stands among the records that are trained on.
    public var repetitions: Int

    /// Keeps the two.
    public init(kind: Kind, repetitions: Int) {
        self.kind = kind
        self.repetitions = repetitions
    }

    /// What a commitment's leaf says of it: the kind's position and the repetitions, one and four little-endian bytes. Nil for
    /// repetitions that are none.
    var leaf: [UInt8]? {
        guard let kind = Kind.allCases.firstIndex(of: kind).flatMap({ UInt8(exactly: $0) }),
            let repetitions = UInt32(exactly: repetitions), repetitions > 0
        else { return nil }
        return [kind] + repetitions.littleEndianBytes
    }
}
