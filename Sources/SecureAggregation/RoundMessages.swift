import Cryptography

/// R0, participant to coordinator to cohort: two fresh public keys.
public struct Advertisement: RoundMessage {
    /// `rh` of the round.
    public package(set) var roundHash: [UInt8]
    /// The sender.
    public package(set) var id: UInt32
    /// X25519 key of the pairwise masks.
    public package(set) var maskKey: [UInt8]
    /// X25519 key under which peers send shares.
    public package(set) var encryptionKey: [UInt8]
    /// Commitment to a nonce, for the random graph of the k-regular mode.
    public package(set) var nonceCommitment: [UInt8]
    /// Ed25519 over `"fsot/sa1/R0" ‖ rh ‖ id ‖ keys ‖ commitment` under the roster's key.
    public package(set) var signature: [UInt8] = []

    package var signedBytes: [UInt8] {
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
    public package(set) var advertisements: [Advertisement]

    package init(advertisements: [Advertisement]) {
        self.advertisements = advertisements
    }
}

/// One participant's encrypted shares for another: `nonce[24] ‖ XChaCha20-Poly1305(share of b ‖ share of sk)`.
public struct EncryptedShare: Sendable, Equatable {
    /// The other participant: the destination in a bundle, the source in a delivery.
    public package(set) var id: UInt32
    /// 24 + 64 + 16 bytes.
    public package(set) var bytes: [UInt8]
    static let length = 24 + 64 + 16
}

/// R1, participant to coordinator: shares for every other advertised participant.
public struct ShareBundle: RoundMessage {
    /// `rh` of the round.
    public package(set) var roundHash: [UInt8]
    /// The sender.
    public package(set) var id: UInt32
    /// `H("fsot/sa1/bcommit", rh, id, b)`.
    public package(set) var seedCommitment: [UInt8]
    /// With rising destinations.
    public package(set) var shares: [EncryptedShare]
    /// Ed25519 over `"fsot/sa1/R1" ‖ rh ‖ id ‖ H(shares) ‖ commitment`.
    public package(set) var signature: [UInt8] = []

    var sharesHash: [UInt8] {
        let hash = TaggedHash("fsot/sa1/c")
        for share in shares {
            hash.append(share.id)
            hash.append(share.bytes)
        }
        return hash.digest()
    }
    package var signedBytes: [UInt8] {
        RoundDerivations.signedBytes(.shares, roundHash: roundHash, id: id, sharesHash, seedCommitment)
    }
}

/// R2, coordinator to one participant: who shared (the set U1), each with its signature and its share for the receiver.
public struct ShareDelivery: RoundMessage {
    /// One participant of U1.
    public struct Entry: Sendable, Equatable {
        /// Who it is about.
        public package(set) var id: UInt32
        /// `H("fsot/sa1/bcommit", rh, id, b)`.
        public package(set) var seedCommitment: [UInt8]
        /// Hash of all the shares in its bundle.
        public package(set) var sharesHash: [UInt8]
        /// Ed25519 as in ``ShareBundle``.
        public package(set) var signature: [UInt8]
        /// Empty in the receiver's own entry.
        public package(set) var share: [UInt8]

        func signedBytes(roundHash: [UInt8]) -> [UInt8] {
            RoundDerivations.signedBytes(.shares, roundHash: roundHash, id: id, sharesHash, seedCommitment)
        }
    }
    /// `rh` of the round.
    public package(set) var roundHash: [UInt8]
    /// With rising ids.
    public package(set) var entries: [Entry]

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
    public package(set) var roundHash: [UInt8]
    /// The sender.
    public package(set) var id: UInt32
    /// Hash of the set U1 whose masks it carries.
    public package(set) var sharersHash: [UInt8]
    /// Bits of the ring.
    public package(set) var bits: Int
    /// `length` words below 2^bits.
    public package(set) var words: [UInt32]
    /// Ed25519 over `"fsot/sa1/R2" ‖ rh ‖ id ‖ H(U1) ‖ H(words)`.
    public package(set) var signature: [UInt8] = []

    package static func signedBytes(roundHash: [UInt8], id: UInt32, sharersHash: [UInt8], vectorHash: [UInt8])
        -> [UInt8]
    {
        RoundDerivations.signedBytes(.masked, roundHash: roundHash, id: id, sharersHash, vectorHash)
    }
}

/// R3, coordinator to survivors: whose vectors arrived (the set U2), with their signatures.
public struct SurvivorList: RoundMessage {
    /// One participant of U2.
    public struct Entry: Sendable, Equatable {
        /// Who it is about.
        public package(set) var id: UInt32
        /// Hash of its masked vector.
        public package(set) var vectorHash: [UInt8]
        /// Its signature of R2.
        public package(set) var signature: [UInt8]
    }
    /// `rh` of the round.
    public package(set) var roundHash: [UInt8]
    /// With rising ids.
    public package(set) var entries: [Entry]

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
    public package(set) var roundHash: [UInt8]
    /// The sender.
    public package(set) var id: UInt32
    /// H(U2).
    public package(set) var survivorsHash: [UInt8]
    /// Ed25519 over `"fsot/sa1/R3" ‖ rh ‖ id ‖ H(U2)`.
    public package(set) var signature: [UInt8] = []

    package static func signedBytes(roundHash: [UInt8], id: UInt32, survivorsHash: [UInt8]) -> [UInt8] {
        RoundDerivations.signedBytes(.consistent, roundHash: roundHash, id: id, survivorsHash)
    }
}

/// R4, coordinator to survivors: what to reveal, and the proof that enough survivors agreed on it.
public struct UnmaskRequest: RoundMessage {
    /// One participant's signature of R3.
    public struct Confirmation: Sendable, Equatable {
        /// Who it is about.
        public package(set) var id: UInt32
        /// Ed25519 as in ``ConsistencySignature``.
        public package(set) var signature: [UInt8]

        package init(id: UInt32, signature: [UInt8]) {
            self.id = id
            self.signature = signature
        }
    }
    /// `rh` of the round.
    public package(set) var roundHash: [UInt8]
    /// U2: shares of `b` are asked for.
    public package(set) var survivors: [UInt32]
    /// U1 without U2: shares of the mask key are asked for.
    public package(set) var dropouts: [UInt32]
    /// At least the threshold, with rising ids.
    public package(set) var confirmations: [Confirmation]

    package init(roundHash: [UInt8], survivors: [UInt32], dropouts: [UInt32], confirmations: [Confirmation]) {
        self.roundHash = roundHash
        self.survivors = survivors
        self.dropouts = dropouts
        self.confirmations = confirmations
    }
}

/// R4, participant to coordinator: its shares.
public struct UnmaskAnswer: RoundMessage {
    /// A share of another participant's secret.
    public struct Share: Sendable, Equatable {
        /// Whose secret.
        public package(set) var id: UInt32
        /// 32 bytes.
        public package(set) var bytes: [UInt8]
    }
    /// `rh` of the round.
    public package(set) var roundHash: [UInt8]
    /// Who it is about.
    public package(set) var id: UInt32
    /// Shares of the survivors' `b`.
    public package(set) var seedShares: [Share]
    /// Shares of the dropouts' mask keys.
    public package(set) var keyShares: [Share]
    /// Ed25519 over `"fsot/sa1/R4" ‖ rh ‖ id ‖ H(shares)`.
    public package(set) var signature: [UInt8] = []

    package var signedBytes: [UInt8] {
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
    public package(set) var roundHash: [UInt8]
    /// Bits of the ring.
    public package(set) var bits: Int
    /// The sum of the survivors' vectors in the ring.
    public package(set) var aggregate: [UInt32]
    /// U2.
    public package(set) var survivors: [UInt32]
    /// `T = H("fsot/sa1/T", rh, hashes of the legs)`, for the audit.
    public package(set) var transcriptHash: [UInt8]
    /// ``RoundHeader/nextStateHash(aggregate:updateRule:)``.
    public package(set) var stateHash: [UInt8]
    /// Ed25519 over `"fsot/sa1/R5" ‖ rh ‖ 0 ‖ H(survivors, aggregate) ‖ T ‖ state` by the coordinator.
    public package(set) var signature: [UInt8] = []

    package var signedBytes: [UInt8] {
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
