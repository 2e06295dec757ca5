import Cryptography

/// What the coordinator saw of a round, for the report.
///
/// Per participant: its public keys, ciphertexts that it cannot open, one masked vector (uniform in the ring without the
/// shares), signatures. Besides: the self-mask seeds of survivors *or* the pairwise mask key of dropouts, never both of
/// one participant, and the sum.
public struct CoordinatorView: Sendable, Equatable, Codable {
    /// `rh` in hexadecimal.
    public let round: String
    /// The chosen participants.
    public let cohort: [UInt32]
    /// Shares needed to unmask.
    public let threshold: Int
    /// Coordinates of a masked vector.
    public let length: Int
    /// Whether the last coordinate carries weights.
    public let isWeighted: Bool
    /// Participants whose masked vector arrived: those in the sum, once the round is complete.
    public private(set) var masked: [UInt32] = []
    /// Bytes received in R0 ... R4.
    public private(set) var receivedBytes = [0, 0, 0, 0, 0]
    /// Participants whose self-mask seed was reconstructed, that is the survivors.
    public private(set) var seedsRecovered: [UInt32] = []
    /// Participants whose mask key was reconstructed, that is the dropouts.
    public private(set) var maskKeysRecovered: [UInt32] = []
    /// Whether the sum became known.
    public private(set) var isComplete = false
    /// ``RoundPolicy/warnings(for:)``.
    public let warnings: [String]

    init(header: RoundHeader) {
        round = header.hash.hexadecimal
        cohort = header.cohort
        threshold = Int(header.threshold)
        length = Int(header.length)
        isWeighted = header.isWeighted
        warnings = RoundPolicy.warnings(for: header)
    }

    mutating func note(_ message: Advertisement) { receivedBytes[0] += message.encodedByteCount }
    mutating func note(_ message: ShareBundle) { receivedBytes[1] += message.encodedByteCount }
    mutating func note(_ message: MaskedInput) {
        receivedBytes[2] += message.encodedByteCount
        masked.append(message.id)
        masked.sort()
    }
    mutating func note(_ message: ConsistencySignature) { receivedBytes[3] += message.encodedByteCount }
    mutating func note(_ message: UnmaskAnswer) { receivedBytes[4] += message.encodedByteCount }

    mutating func complete(survivors: [UInt32], dropouts: [UInt32]) {
        seedsRecovered = survivors
        maskKeysRecovered = dropouts
        isComplete = true
    }
}
