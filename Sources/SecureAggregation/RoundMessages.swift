import Cryptography

/// R0, participant to coordinator to cohort: two fresh public keys.
public struct Advertisement: RoundMessage {
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// The sender.
    public let id: UInt32
    /// X25519 key of the pairwise masks.
    public let maskKey: [UInt8]
    /// X25519 key under which peers send shares.
    public let encryptionKey: [UInt8]
    /// Commitment to a nonce, for the random graph of the k-regular mode.
    public let nonceCommitment: [UInt8]
    /// Ed25519 over `"fsot/sa1/R0" ‖ rh ‖ id ‖ keys ‖ commitment` under the roster's key.
    public var signature: [UInt8] = []

    var signedBytes: [UInt8] {
        RoundDerivations.signedBytes(
            .advertise,
            roundHash: roundHash,
            id: id,
            maskKey,
            encryptionKey,
            nonceCommitment
        )
    }
}

/// R0, coordinator to cohort: all advertisements.
public struct AdvertisementList: RoundMessage {
    /// With rising ids.
    public let advertisements: [Advertisement]
}

/// One participant's encrypted shares for another: `nonce[24] ‖ XChaCha20-Poly1305(share of b ‖ share of sk)`.
public struct EncryptedShare: Sendable, Equatable {
    /// The other participant: the destination in a bundle, the source in a delivery.
    public let id: UInt32
    /// 24 + 64 + 16 bytes.
    public let bytes: [UInt8]
    static let length = 24 + 64 + 16
}

/// R1, participant to coordinator: shares for every other advertised participant.
public struct ShareBundle: RoundMessage {
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// The sender.
    public let id: UInt32
    /// `H("fsot/sa1/bcommit", rh, id, b)`.
    public let seedCommitment: [UInt8]
    /// With rising destinations.
    public let shares: [EncryptedShare]
    /// Ed25519 over `"fsot/sa1/R1" ‖ rh ‖ id ‖ H(shares) ‖ commitment`.
    public var signature: [UInt8] = []

    var sharesHash: [UInt8] {
        let hash = TaggedHash("fsot/sa1/c")
        for share in shares {
            hash.append(share.id)
            hash.append(share.bytes)
        }
        return hash.digest()
    }
    var signedBytes: [UInt8] {
        RoundDerivations.signedBytes(.shares, roundHash: roundHash, id: id, sharesHash, seedCommitment)
    }
}

/// R2, coordinator to one participant: who shared (the set U1), each with its signature and its share for the receiver.
public struct ShareDelivery: RoundMessage {
    /// One participant of U1.
    public struct Entry: Sendable, Equatable {
        /// Who it is about.
        public let id: UInt32
        /// `H("fsot/sa1/bcommit", rh, id, b)`.
        public let seedCommitment: [UInt8]
        /// Hash of all the shares in its bundle.
        public let sharesHash: [UInt8]
        /// Ed25519 as in ``ShareBundle``.
        public let signature: [UInt8]
        /// Empty in the receiver's own entry.
        public let share: [UInt8]

        func signedBytes(roundHash: [UInt8]) -> [UInt8] {
            RoundDerivations.signedBytes(.shares, roundHash: roundHash, id: id, sharesHash, seedCommitment)
        }
    }
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// With rising ids.
    public let entries: [Entry]

    /// U1's hash: over all that every receiver must see alike.
    static func sharersHash(roundHash: [UInt8], entries: [Entry]) -> [UInt8] {
        let hash = TaggedHash("fsot/sa1/U1")
        hash.append(roundHash)
        for entry in entries {
            hash.append(entry.id)
            hash.append(entry.seedCommitment)
            hash.append(entry.sharesHash)
        }
        return hash.digest()
    }
}

/// R2, participant to coordinator: the masked vector.
public struct MaskedInput: RoundMessage {
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// The sender.
    public let id: UInt32
    /// Hash of the set U1 whose masks it carries.
    public let sharersHash: [UInt8]
    /// Bits of the ring.
    public let bits: Int
    /// `length` words below 2^bits.
    public let words: [UInt32]
    /// Ed25519 over `"fsot/sa1/R2" ‖ rh ‖ id ‖ H(U1) ‖ H(words)`.
    public var signature: [UInt8] = []

    static func signedBytes(roundHash: [UInt8], id: UInt32, sharersHash: [UInt8], vectorHash: [UInt8]) -> [UInt8] {
        RoundDerivations.signedBytes(.masked, roundHash: roundHash, id: id, sharersHash, vectorHash)
    }
}

/// R3, coordinator to survivors: whose vectors arrived (the set U2), with their signatures.
public struct SurvivorList: RoundMessage {
    /// One participant of U2.
    public struct Entry: Sendable, Equatable {
        /// Who it is about.
        public let id: UInt32
        /// Hash of its masked vector.
        public let vectorHash: [UInt8]
        /// Its signature of R2.
        public let signature: [UInt8]
    }
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// With rising ids.
    public let entries: [Entry]

    /// H(U2).
    var hash: [UInt8] {
        let hash = TaggedHash("fsot/sa1/U2")
        hash.append(roundHash)
        for entry in entries {
            hash.append(entry.id)
            hash.append(entry.vectorHash)
        }
        return hash.digest()
    }
}

/// R3, participant to coordinator: its signature over the one list of survivors that it will help unmask.
public struct ConsistencySignature: RoundMessage {
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// The sender.
    public let id: UInt32
    /// H(U2).
    public let survivorsHash: [UInt8]
    /// Ed25519 over `"fsot/sa1/R3" ‖ rh ‖ id ‖ H(U2)`.
    public var signature: [UInt8] = []

    static func signedBytes(roundHash: [UInt8], id: UInt32, survivorsHash: [UInt8]) -> [UInt8] {
        RoundDerivations.signedBytes(.consistent, roundHash: roundHash, id: id, survivorsHash)
    }
}

/// R4, coordinator to survivors: what to reveal, and the proof that enough survivors agreed on it.
public struct UnmaskRequest: RoundMessage {
    /// One participant's signature of R3.
    public struct Confirmation: Sendable, Equatable {
        /// Who it is about.
        public let id: UInt32
        /// Ed25519 as in ``ConsistencySignature``.
        public let signature: [UInt8]
    }
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// U2: shares of `b` are asked for.
    public let survivors: [UInt32]
    /// U1 without U2: shares of the mask key are asked for.
    public let dropouts: [UInt32]
    /// At least the threshold, with rising ids.
    public let confirmations: [Confirmation]
}

/// R4, participant to coordinator: its shares.
public struct UnmaskAnswer: RoundMessage {
    /// A share of another participant's secret.
    public struct Share: Sendable, Equatable {
        /// Whose secret.
        public let id: UInt32
        /// 32 bytes.
        public let bytes: [UInt8]
    }
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// Who it is about.
    public let id: UInt32
    /// Shares of the survivors' `b`.
    public let seedShares: [Share]
    /// Shares of the dropouts' mask keys.
    public let keyShares: [Share]
    /// Ed25519 over `"fsot/sa1/R4" ‖ rh ‖ id ‖ H(shares)`.
    public var signature: [UInt8] = []

    var signedBytes: [UInt8] {
        let hash = TaggedHash("fsot/sa1/answer")
        for shares in [seedShares, keyShares] {
            hash.append(UInt32(shares.count))
            for share in shares {
                hash.append(share.id)
                hash.append(share.bytes)
            }
        }
        return RoundDerivations.signedBytes(.unmask, roundHash: roundHash, id: id, hash.digest())
    }
}

/// R5, coordinator to all: the sum.
public struct RoundResult: RoundMessage {
    /// `rh` of the round.
    public let roundHash: [UInt8]
    /// Bits of the ring.
    public let bits: Int
    /// The sum of the survivors' vectors in the ring.
    public let aggregate: [UInt32]
    /// U2.
    public let survivors: [UInt32]
    /// `T = H("fsot/sa1/T", rh, hashes of the legs)`, for the audit.
    public let transcriptHash: [UInt8]
    /// ``RoundHeader/nextStateHash(aggregate:updateRule:)``.
    public let stateHash: [UInt8]
    /// Ed25519 over `"fsot/sa1/R5" ‖ rh ‖ 0 ‖ H(survivors, aggregate) ‖ T ‖ state` by the coordinator.
    public var signature: [UInt8] = []

    var signedBytes: [UInt8] {
        let hash = TaggedHash("fsot/sa1/sum")
        hash.append(UInt32(survivors.count))
        for id in survivors { hash.append(id) }
        hash.append(words: aggregate)
        return RoundDerivations.signedBytes(
            .result,
            roundHash: roundHash,
            id: 0,
            hash.digest(),
            transcriptHash,
            stateHash
        )
    }
}
