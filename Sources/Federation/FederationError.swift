/// Why a federation could not start or go on.
public enum FederationError: Error, Equatable, CustomStringConvertible {
    /// The settings contradict each other.
    case invalidConfiguration(reason: String, remedy: String)
    /// A peer sent bytes that are not a valid message.
    case malformedMessage(from: String, reason: String)
    /// Too few data holders were left to finish the round.
    case tooFewParticipants(round: Int, alive: [String], needed: Int)
    /// An update or an aggregate holds NaN or infinity.
    case notFinite(round: Int, what: String)
    /// The update does not have the adapter's length.
    case wrongLength(from: String, found: Int, expected: Int)
    /// A participant's own policy refuses what the coordinator asked.
    case refused(reason: String)
    /// A run directory is damaged or belongs to another configuration.
    case invalidRun(path: String, reason: String)
    /// The coordinator cannot open its port.
    case cannotListen(address: String, reason: String)
    /// A participant did not answer before the leg's deadline.
    case noAnswer(from: String)
    /// Not enough participants called the coordinator.
    case tooFewCame(present: [String], absent: [String], needed: Int)
    /// The peer at an address has another certificate than the roster says.
    case wrongPeer(address: String, expected: String, found: String)
    /// The coordinator does not answer, or does not let this participant in.
    case unreachable(address: String, reason: String)
    /// The coordinator ended the run without a result.
    case endedByCoordinator(reason: String)
    /// An invitation is damaged, or not what was agreed on.
    case invalidInvitation(path: String, reason: String)
    /// The user asked to stop; the run can be resumed.
    case interrupted(path: String, round: Int)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .invalidConfiguration(let reason, let remedy):
            return "\(reason); \(remedy)."
        case .malformedMessage(let peer, let reason):
            return "\(peer) sent a message that cannot be read (\(reason)); check that all sides run the same version."
        case .tooFewParticipants(let round, let alive, let needed):
            return "Round \(round) cannot finish: \(alive.isEmpty ? "nobody" : alive.joined(separator: ", "))"
                + " answered but \(needed) are needed; bring the others back and continue with --resume."
        case .notFinite(let round, let what):
            return "\(what) of round \(round) is not finite; lower --lr and continue with --resume."
        case .wrongLength(let peer, let found, let expected):
            return "\(peer) sent \(found) numbers but the adapter has \(expected);"
                + " check that it tunes the same emulator with the same method."
        case .refused(let reason):
            return "Refused: \(reason); agree on the same settings on both sides."
        case .invalidRun(let path, let reason):
            return "\(path) cannot be used: \(reason)."
        case .cannotListen(let address, let reason):
            return "Cannot listen on \(address) (\(reason)); choose another address or port with --listen."
        case .noAnswer(let name):
            return "\(name) did not answer in time, or fell silent; the round goes on without it."
        case .tooFewCame(let present, let absent, let needed):
            return "Only \(present.count) of the \(needed) participants that a round needs are here;"
                + " ask \(absent.joined(separator: ", ")) to run fsot tune --join, and continue with --resume."
        case .wrongPeer(let address, let expected, let found):
            return "\(address) has the certificate \(found.prefix(16))… instead of \(expected.prefix(16))…,"
                + " which the roster names; check the address, and ask the owner."
        case .unreachable(let address, let reason):
            return "\(address) cannot be used: \(reason)."
        case .endedByCoordinator(let reason):
            return "The coordinator ended the run: \(reason)"
        case .invalidInvitation(let path, let reason):
            return "\(path) cannot be used: \(reason)."
        case .interrupted(let path, let round):
            return "Stopped in round \(round); continue with the same command and --resume (\(path))."
        }
    }
}
