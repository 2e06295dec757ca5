/// The legs of one SA1 round, in order (federation.md 1.4).
public enum Leg: UInt8, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    /// R0: fresh public keys.
    case advertise
    /// R1: encrypted shares of the two secrets of each participant.
    case shares
    /// R2: masked vectors.
    case masked
    /// R3: signatures over one list of survivors.
    case consistent
    /// R4: shares that remove the masks from the sum.
    case unmask
    /// R5: the sum.
    case result
    /// After R5.
    case done

    /// Earlier legs are smaller.
    public static func < (left: Leg, right: Leg) -> Bool { left.rawValue < right.rawValue }

    /// The specification's name.
    public var description: String {
        switch self {
        case .advertise: "R0 ADVERTISE"
        case .shares: "R1 SHARES"
        case .masked: "R2 MASKED"
        case .consistent: "R3 CONSISTENT"
        case .unmask: "R4 UNMASK"
        case .result: "R5 RESULT"
        case .done: "done"
        }
    }
}

/// Why a round could not start, go on or end.
public enum SecureAggregationError: Error, Equatable, CustomStringConvertible {
    /// A field of the round header has a value that this version or the protocol does not allow.
    case invalidHeader(field: String, reason: String)
    /// The header is well formed but asks for less protection than this participant's policy demands.
    case againstPolicy(String)
    /// A call came in the wrong leg, or a second time.
    case outOfOrder(expected: Leg, got: Leg)
    /// Bytes do not decode to a message.
    case malformed(message: String, reason: String)
    /// A well-formed message failed a check; `sender` is nil when the coordinator sent it.
    case refused(leg: Leg, sender: UInt32?, reason: String)
    /// This participant already took part in, or already answered, the round.
    case replayed(leg: Leg)
    /// Fewer participants are left than the round needs.
    case tooFew(leg: Leg, count: Int, needed: Int)
    /// The sum of `participants` values could leave the ring.
    case overflow(participants: Int, bits: Int, reason: String)
    /// An update holds NaN or infinity.
    case notFinite(index: Int)
    /// An update is longer than the clip bound and clipping was not asked for.
    case exceedsClip(norm: Double, clip: Double)
    /// A vector has the wrong number of coordinates.
    case wrongLength(of: String, expected: Int, actual: Int)
    /// No set of shares gives back the secret that a participant committed to.
    case notReconstructible(id: UInt32)

    /// One sentence that says what to do.
    public var description: String {
        switch self {
        case .invalidHeader(let field, let reason):
            return "The round header's \(field) is not usable: \(reason)."
        case .againstPolicy(let reason):
            return "This participant's policy refuses the round: \(reason)."
        case .outOfOrder(let expected, let got):
            return "A message of leg \(got) came while leg \(expected) was due; start a new round."
        case .malformed(let message, let reason):
            return "The bytes of \(message) are malformed: \(reason); ask the sender to send them again."
        case .refused(let leg, let sender, let reason):
            let who = sender.map { "participant \($0)" } ?? "the coordinator"
            return
                "A message of leg \(leg) from \(who) was refused: \(reason); leave that sender out of the next round."
        case .replayed(let leg):
            return
                "This participant already went through leg \(leg) of this round; start a new round with a new number."
        case .tooFew(let leg, let count, let needed):
            return "Only \(count) participants completed leg \(leg), but \(needed) are needed; start a new round."
        case .overflow(let participants, let bits, let reason):
            return "The sum of \(participants) updates could overflow a ring of \(bits) bits: \(reason)."
        case .notFinite(let index):
            return "Coordinate \(index) of the update is not finite; lower the learning rate and train again."
        case .exceedsClip(let norm, let clip):
            return "The update's norm \(norm) exceeds the round's bound \(clip); clip it or raise the bound."
        case .wrongLength(let what, let expected, let actual):
            return "The \(what) has \(actual) coordinates instead of \(expected); use the adapter of this round."
        case .notReconstructible(let id):
            return "The shares do not give back the secret of participant \(id); leave it out of the next round."
        }
    }
}
