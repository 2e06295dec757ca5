import Cryptography
import SecureAggregation

/// What a coordinator needs to run masked rounds (SA1).
public struct CoordinatorMasking: Sendable {
    /// Signs round headers and results.
    public let signingKey: Ed25519SigningKey
    /// Who takes part, with their keys.
    public let roster: Roster
    /// The participants' names in the roster's order: name i has id i + 1.
    public let names: [String]
    /// 16 bytes, random for each federation.
    public let session: [UInt8]
    /// Hash of what the data holders opened: the emulator's manifest.
    public let emulatorHash: [UInt8]
    /// Bound on each update's Euclidean norm; longer updates are scaled down to it.
    public let clip: Double
    /// Largest weight that one holder may claim; 0: the mean is uniform.
    public let weightMaximum: UInt32
    /// Shares needed to unmask; nil: ⌊2n/3⌋ + 1.
    public let threshold: Int?
    /// Fewest updates in a sum; nil: max(3, threshold).
    public let minimumSurvivors: Int?
    /// How updates become integers.
    public let quantisation: Quantisation

    /// A participant's id in the roster; nil for a stranger.
    func id(of name: String) -> UInt32? { names.firstIndex(of: name).map { UInt32($0 + 1) } }

    /// The participant of an id; nil outside the roster.
    func name(of id: UInt32) -> String? { id >= 1 && Int(id) <= names.count ? names[Int(id) - 1] : nil }

    /// The name of the rule by which sums change the adapter; part of the chained state hash.
    public static let updateRule = "fedavg/1"

    /// Collects what a coordinator needs.
    public init(
        signingKey: Ed25519SigningKey,
        roster: Roster,
        names: [String],
        session: [UInt8],
        emulatorHash: [UInt8],
        clip: Double,
        weightMaximum: UInt32 = 0,
        threshold: Int? = nil,
        minimumSurvivors: Int? = nil,
        quantisation: Quantisation = .full
    ) {
        self.quantisation = quantisation
        self.signingKey = signingKey
        self.roster = roster
        self.names = names
        self.session = session
        self.emulatorHash = emulatorHash
        self.clip = clip
        self.weightMaximum = weightMaximum
        self.threshold = threshold
        self.minimumSurvivors = minimumSurvivors
    }
}

/// What a participant needs to take part in masked rounds.
public struct ParticipantMasking: Sendable {
    /// Place in the roster, from 1.
    public let id: UInt32
    /// The holder's signing key.
    public let signingKey: Ed25519SigningKey
    /// Who takes part, pinned.
    public let roster: Roster
    /// 16 bytes of the federation; rounds of another are refused.
    public let session: [UInt8]
    /// What the holder demands of a round; the coordinator cannot lower it.
    public let policy: RoundPolicy
    /// Hash of the emulator that this holder opened.
    public let emulatorHash: [UInt8]
    /// Seeds the stochastic rounding, so that a resumed run gives the same bits; secret to the holder.
    public let roundingSeed: SecretBytes
    /// How updates become integers.
    public let quantisation: Quantisation

    /// Collects what a participant needs.
    public init(
        id: UInt32,
        signingKey: Ed25519SigningKey,
        roster: Roster,
        session: [UInt8],
        policy: RoundPolicy,
        emulatorHash: [UInt8],
        roundingSeed: SecretBytes,
        quantisation: Quantisation = .full
    ) {
        self.session = session
        self.quantisation = quantisation
        self.id = id
        self.signingKey = signingKey
        self.roster = roster
        self.policy = policy
        self.emulatorHash = emulatorHash
        self.roundingSeed = roundingSeed
    }
}

extension ParticipantMasking {
    /// Rounding that follows from the run's seed and the holder's name, so that a simulation and a federation give the same
    /// bits; whoever knows the seed knows which way each number was rounded, and nothing more.
    ///
    /// - Throws: `CryptographyError`.
    public static func seededRounding(_ seed: UInt64, name: String) throws -> SecretBytes {
        let hash = TaggedHash("fsot/simulation/rounding")
        hash.append(Array(withUnsafeBytes(of: seed.littleEndian) { Array($0) }))
        hash.append(Array(name.utf8))
        return try SecretBytes(copying: hash.digest())
    }
}

/// Fresh keys for a federation whose parties live in one process: the same messages and checks as between strangers.
public struct SimulatedMasking: Sendable {
    /// The coordinator's half.
    public let coordinator: CoordinatorMasking
    /// The participants' halves, in the order of the names.
    public let participants: [ParticipantMasking]

    /// Makes keys and a roster.
    ///
    /// - Parameters:
    ///   - names: the data holders, at least two.
    ///   - emulatorHash: 32 bytes.
    ///   - clip: bound on each update's norm.
    ///   - weightMaximum: 0 for a uniform mean.
    ///   - quantisation: how updates become integers.
    ///   - seed: seeds the stochastic rounding, and nothing else: keys and masks are always fresh.
    /// - Throws: `SecureAggregationError`, `CryptographyError`.
    public init(
        names: [String],
        emulatorHash: [UInt8],
        clip: Double,
        weightMaximum: UInt32 = 0,
        quantisation: Quantisation = .full,
        seed: UInt64
    ) throws {
        let coordinatorKey = try Ed25519SigningKey()
        let keys = try names.map { _ in try Ed25519SigningKey() }
        let roster = try Roster(coordinatorKey: coordinatorKey.publicKey, memberKeys: keys.map(\.publicKey))
        // Small federations accept a majority: with ⌊2n/3⌋ + 1 three holders could lose nobody.
        let isSmall = names.count < 6
        let session = SecureRandom.bytes(16)
        coordinator = CoordinatorMasking(
            signingKey: coordinatorKey,
            roster: roster,
            names: names,
            session: session,
            emulatorHash: emulatorHash,
            clip: clip,
            weightMaximum: weightMaximum,
            threshold: isSmall ? names.count / 2 + 1 : nil,
            minimumSurvivors: isSmall ? max(2, names.count / 2 + 1) : nil,
            quantisation: quantisation
        )
        participants = try keys.enumerated().map { index, key in
            ParticipantMasking(
                id: UInt32(index + 1),
                signingKey: key,
                roster: roster,
                session: session,
                policy: isSmall
                    ? RoundPolicy(threshold: .majority, minimumCohort: 2, minimumSurvivors: 2) : RoundPolicy(),
                emulatorHash: emulatorHash,
                roundingSeed: try ParticipantMasking.seededRounding(seed, name: names[index]),
                quantisation: quantisation
            )
        }
    }
}

extension AdapterState {
    /// Identifies the numbers of an adapter: what participants compare before they mask.
    var hash: [UInt8] {
        let hash = TaggedHash("fsot/adapter/state")
        hash.append([UInt8](encoded))
        return hash.digest()
    }

    /// The same as text: what a participant that was not in the last rounds compares its adapter with.
    public var fingerprint: String { hash.hexadecimal }
}

/// The legs of SA1 as they travel in ``FrameKind/secureAggregation``: one byte before the message.
package enum MaskingLeg: UInt8 {
    case advertise
    case share
    case mask
    case confirm
    case unmask
    case accept

    /// The step as transports name it.
    package var exchange: ExchangeLeg {
        switch self {
        case .advertise: .advertise
        case .share: .share
        case .mask: .mask
        case .confirm: .confirm
        case .unmask: .unmask
        case .accept: .accept
        }
    }
}
