import Cryptography

/// Everything that a round's participants must agree on, in one canonical encoding; its hash `rh` enters every mask.
///
/// federation.md 1.4, field by field, with one addition at the end: `weightMaximum`, so that a weighted mean is agreed on
/// and bound like the rest. The coordinator makes and signs it; participants check it against their own policy.
public struct RoundHeader: Sendable, Equatable {
    /// Ring sizes of this version; 64 is in the specification and refused here.
    public static let supportedBits = [16, 24, 32]
    /// The full graph's limit; shares would have room for 255.
    public static let maximumCohort = 128
    /// 2^28 coordinates: a vector of 1 GiB.
    public static let maximumLength = 1 << 28

    /// 16 bytes, random for each federation.
    public var session: [UInt8]
    /// Number of the round, rising within a session.
    public var round: UInt32
    /// ``Roster/hash``.
    public var rosterHash: [UInt8]
    /// Hash of the sealed emulator's manifest.
    public var emulatorManifestHash: [UInt8]
    /// Hash of the global adapter state that the round starts from.
    public var stateHash: [UInt8]
    /// The chosen participants, rising.
    public var cohort: [UInt32]
    /// 0: full graph, the only mode of this version.
    public var mode: UInt8 = 0
    /// `t`: shares that are needed to remove a mask.
    public var threshold: UInt16
    /// `k` of the k-regular graph; 0 in mode 0.
    public var neighbours: UInt16 = 0
    /// `b`: the ring is Z modulo 2^b.
    public var bits: UInt8
    /// `d`: coordinates of the masked vector, the weight's one included.
    public var length: UInt64
    /// Bound on each update's Euclidean norm.
    public var clip: Double
    /// Integers for each unit of an update.
    public var scale: Double
    /// ``HadamardRotation/commitment``; zeros: no rotation.
    public var rotationCommitment = noRotation
    /// 0: no noise, the only choice of this version.
    public var noiseMechanism: UInt8 = 0
    /// Variance of the summed noise, in squared integer units.
    public var noiseVariance = 0.0
    /// Honest survivors that the noise is calculated for.
    public var noiseSurvivors: UInt16 = 0
    /// `m_min`: updates that a sum must hold at least.
    public var minimumSurvivors: UInt16
    /// End of the legs R0 ... R4 in milliseconds since 1970; 0: none. The library reads no clock: the transport does.
    public var deadlines: [UInt64] = [0, 0, 0, 0, 0]
    /// 0: uniform mean. Otherwise the largest weight a participant may claim, and the last coordinate carries weights.
    public var weightMaximum: UInt32 = 0

    /// `rh`: `H("fsot/sa1/round", header)`.
    public var hash: [UInt8] {
        var writer = CanonicalWriter(isCounting: false)
        write(to: &writer)
        return TaggedHash.digest("fsot/sa1/round", writer.bytes)
    }

    /// The commitment of a round without rotation.
    static let noRotation = [UInt8](repeating: 0, count: 32)

    /// Whether updates are rotated before they are rounded.
    public var isRotated: Bool { rotationCommitment != Self.noRotation }

    /// Bound on the magnitude of one coordinate that is rounded, in the update's units: the clip, or what a rotation
    /// leaves of it.
    public var coordinateBound: Double {
        isRotated ? clip * HadamardRotation.relativeBound(paddedLength: updateLength) : clip
    }

    /// Whether updates are weighted.
    public var isWeighted: Bool { weightMaximum > 0 }

    /// Coordinates of the vector that carry the update: without the weight's, with a rotation's padding.
    public var updateLength: Int { Int(length) - (isWeighted ? 1 : 0) }

    /// Fewest updates that a sum may hold: `max(threshold, minimumSurvivors)`.
    public var neededSurvivors: Int { Int(max(threshold, minimumSurvivors)) }

    /// A participant's position for Shamir's sharing: its 1-based place in the cohort, which `rh` fixes.
    func sharePosition(of id: UInt32) -> UInt8? {
        cohort.firstIndex(of: id).map { UInt8($0 + 1) }
    }

    /// The state after a round: `H("fsot/sa1/state", state, aggregate, update rule)`.
    ///
    /// Participants recompute it, so the coordinator cannot swap the model between rounds.
    public func nextStateHash(aggregate: [UInt32], updateRule: String) -> [UInt8] {
        let hash = TaggedHash("fsot/sa1/state")
        hash.append(stateHash)
        hash.append(words: aggregate)
        hash.append(Array(updateRule.utf8))
        return hash.digest()
    }
}

extension RoundHeader: RoundMessage {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x10 }

    /// Appends the fields in the specification's order.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(Array("FSA1".utf8))
        writer.put(session)
        writer.put(round)
        writer.put(rosterHash)
        writer.put(emulatorManifestHash)
        writer.put(stateHash)
        writer.put(UInt16(truncatingIfNeeded: cohort.count))
        for id in cohort { writer.put(id) }
        writer.put(mode)
        writer.put(threshold)
        writer.put(neighbours)
        writer.put(bits)
        writer.put(length)
        writer.put(clip)
        writer.put(scale)
        writer.put(rotationCommitment)
        writer.put(noiseMechanism)
        writer.put(noiseVariance)
        writer.put(noiseSurvivors)
        writer.put(minimumSurvivors)
        for deadline in deadlines { writer.put(deadline) }
        writer.put(weightMaximum)
    }

    /// Reads the fields; ``validate()`` judges them.
    ///
    /// - Throws: `SecureAggregationError.malformed`.
    public init(from reader: inout CanonicalReader) throws {
        guard try reader.take(4) == Array("FSA1".utf8) else { throw reader.malformed("the header is not of FSA1") }
        session = try reader.take(16)
        round = try reader.take(UInt32.self)
        rosterHash = try reader.take(32)
        emulatorManifestHash = try reader.take(32)
        stateHash = try reader.take(32)
        cohort = try reader.takeList(id: { $0 }) { try $0.take(UInt32.self) }
        mode = try reader.take(UInt8.self)
        threshold = try reader.take(UInt16.self)
        neighbours = try reader.take(UInt16.self)
        bits = try reader.take(UInt8.self)
        length = try reader.take(UInt64.self)
        clip = try reader.takeDouble()
        scale = try reader.takeDouble()
        rotationCommitment = try reader.take(32)
        noiseMechanism = try reader.take(UInt8.self)
        noiseVariance = try reader.takeDouble()
        noiseSurvivors = try reader.take(UInt16.self)
        minimumSurvivors = try reader.take(UInt16.self)
        deadlines = try (0..<5).map { _ in try reader.take(UInt64.self) }
        weightMaximum = try reader.take(UInt32.self)
    }
}

/// A round header with the coordinator's signature: what opens a round on the wire.
public struct SignedRoundHeader: RoundMessage {
    /// The header.
    public let header: RoundHeader
    /// Ed25519 over `"fsot/sa1/RH" ‖ rh` by the roster's coordinator key.
    public let signature: [UInt8]

    /// Signs.
    ///
    /// - Throws: `CryptographyError`.
    public init(_ header: RoundHeader, signingKey: Ed25519SigningKey) throws {
        self.header = header
        signature = try signingKey.sign(Self.signedBytes(header.hash))
    }

    static func signedBytes(_ roundHash: [UInt8]) -> [UInt8] { Array("fsot/sa1/RH".utf8) + roundHash }

    func isValid(under key: [UInt8]) -> Bool {
        Ed25519.isValid(signature, of: Self.signedBytes(header.hash), publicKey: key)
    }

    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x11 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        header.write(to: &writer)
        writer.put(signature)
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        header = try RoundHeader(from: &reader)
        signature = try reader.take(Ed25519.signatureLength)
    }
}
