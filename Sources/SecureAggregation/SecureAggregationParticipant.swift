import Cryptography

/// A data holder's side of one round of SA1: consumes and emits messages, does no I/O.
///
/// ```swift
/// let participant = SecureAggregationParticipant(
///     id: 2, signingKey: key, roster: roster, policy: policy, memory: memory)
/// let advertisement = try participant.advertise(signedHeader, expecting: expectation)    // R0
/// let bundle = try participant.share(advertisementList)                                  // R1
/// let masked = try participant.mask(codec.encode(update), after: delivery)               // R2
/// let confirmation = try participant.confirm(survivorList)                               // R3
/// let answer = try participant.unmask(unmaskRequest)                                     // R4
/// let sum = try participant.accept(result)                                               // R5
/// ```
/// The coordinator's side is ``SecureAggregationServer``. Every call checks what it was given (federation.md 1.3, 1.4)
/// and throws without having revealed anything; a refused message leaves the state as it was. One object lives for one
/// round. Not `Sendable`: keep it inside one actor.
public final class SecureAggregationParticipant {
    /// Place in the roster, from 1.
    public let id: UInt32
    /// The leg whose message is due next.
    public internal(set) var leg = Leg.advertise
    /// The header that was accepted.
    public private(set) var header: RoundHeader?
    /// `T` of the round that was completed.
    public internal(set) var transcriptHash: [UInt8]?
    /// Hash of the adapter state after the round, for the next ``RoundExpectation``.
    public internal(set) var nextStateHash: [UInt8]?

    let signingKey: Ed25519SigningKey
    let roster: Roster
    private let policy: RoundPolicy
    let memory: any RoundMemory
    /// Where keys, seeds, coefficients and nonces come from; only tests with fixed keys put another source in.
    package var draw: (Int) throws -> SecretBytes = SecretBytes.random(count:)

    var round: Round?
    var completed: Completed?

    /// What a round accumulates; dropped, and with it every secret, after R4.
    struct Round {
        let header: RoundHeader
        let hash: [UInt8]
        let updateRule: String
        let mask: X25519KeyPair
        let encryption: X25519KeyPair
        let seed: SecretBytes
        let advertisement: Advertisement
        var peers: [UInt32: Advertisement] = [:]
        /// Everything that needs a Diffie-Hellman result of a peer, from R1 on.
        var keys: PeerKeys?
        var ownSeedShare: SecretBytes?
        var bundle: ShareBundle?
        var sharers: [ShareDelivery.Entry] = []
        var sharersHash: [UInt8] = []
        var vectorHash: [UInt8] = []
        var survivors: SurvivorList?
    }

    /// What R5 is checked against once the secrets are gone.
    struct Completed {
        let hash: [UInt8]
        let header: RoundHeader
        let survivors: [UInt32]
        let updateRule: String
    }

    /// Joins nothing yet.
    ///
    /// - Parameters:
    ///   - id: place in the roster, from 1.
    ///   - signingKey: belongs to the roster's key of that place.
    ///   - memory: shared by all rounds of this participant; refuses replays.
    public init(
        id: UInt32,
        signingKey: Ed25519SigningKey,
        roster: Roster,
        policy: RoundPolicy,
        memory: any RoundMemory
    ) {
        self.id = id
        self.signingKey = signingKey
        self.roster = roster
        self.policy = policy
        self.memory = memory
    }

    /// Forgets every secret of the round; the coordinator then sees a dropout.
    public func abort() {
        round = nil
        leg = .done
    }

    /// R0: accepts a round and makes fresh keys.
    ///
    /// - Throws: `SecureAggregationError.refused` for a wrong signature, model, state, length or roster,
    ///   `.againstPolicy`, `.replayed`, what ``RoundHeader/validate()`` throws.
    public func advertise(_ signed: SignedRoundHeader, expecting expected: RoundExpectation) throws -> Advertisement {
        try expectLeg(.advertise)
        let header = signed.header
        try refuse(unless: signed.isValid(under: roster.coordinatorKey), "its signature on the header is wrong")
        try policy.check(header)
        try refuse(unless: header.rosterHash == roster.hash, "the header names another roster")
        try refuse(unless: header.cohort.allSatisfy { roster.key(of: $0) != nil }, "the cohort leaves the roster")
        try refuse(unless: header.cohort.contains(id), "participant \(id) is not in the cohort")
        try refuse(
            unless: roster.key(of: id) == signingKey.publicKey,
            "the roster has another key for participant \(id)"
        )
        try refuse(
            unless: header.emulatorManifestHash == expected.emulatorManifestHash,
            "the header names another emulator"
        )
        try refuse(unless: header.stateHash == expected.stateHash, "the header starts from another adapter state")
        try refuse(
            unless: header.rotationCommitment == expected.rotation?.commitment ?? RoundHeader.noRotation,
            "the header commits to another rotation"
        )
        try refuse(
            unless: header.updateLength == expected.rotation?.paddedLength ?? expected.updateLength
                && expected.rotation.map { $0.updateLength == expected.updateLength } ?? true,
            "the header has another number of coordinates"
        )
        let hash = header.hash
        guard try memory.begin(hash) else { throw SecureAggregationError.replayed(leg: .advertise) }

        let mask = try X25519KeyPair(secretKey: draw(X25519.keyLength))
        let encryption = try X25519KeyPair(secretKey: draw(X25519.keyLength))
        let seed = try draw(32)
        let nonce = try draw(32).exposed()
        var advertisement = Advertisement(
            roundHash: hash,
            id: id,
            maskKey: mask.publicKey,
            encryptionKey: encryption.publicKey,
            nonceCommitment: TaggedHash.digest("fsot/sa1/nonce", nonce)
        )
        advertisement.signature = try signingKey.sign(advertisement.signedBytes)
        round = Round(
            header: header,
            hash: hash,
            updateRule: expected.updateRule,
            mask: mask,
            encryption: encryption,
            seed: seed,
            advertisement: advertisement
        )
        self.header = header
        leg = .shares
        return advertisement
    }

    /// R1: checks the cohort's keys and shares both secrets among it.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.tooFew`, `CryptographyError`.
    public func share(_ list: AdvertisementList) throws -> ShareBundle {
        var round = try current(.shares)
        let ids = list.advertisements.map(\.id)
        try refuse(unless: isRising(ids), "the advertisements are not in rising order")
        try refuse(
            unless: list.advertisements.contains(round.advertisement),
            "it changed or left out our advertisement"
        )
        let publicKeys = list.advertisements.flatMap { [$0.maskKey, $0.encryptionKey] }
        try refuse(unless: Set(publicKeys).count == publicKeys.count, "a public key occurs twice")
        for advertisement in list.advertisements {
            let sender = advertisement.id
            try refuse(
                unless: advertisement.roundHash == round.hash,
                sender,
                "it advertised for another round, model or state"
            )
            try refuse(unless: round.header.cohort.contains(sender), sender, "it is not in the cohort")
            try refuse(
                unless: roster.isValid(advertisement.signature, of: advertisement.signedBytes, by: sender),
                sender,
                "the signature on its keys is wrong"
            )
        }
        try require(ids.count, atLeast: max(Int(round.header.threshold), round.header.neededSurvivors))

        let positions = ids.compactMap { round.header.sharePosition(of: $0) }
        let threshold = Int(round.header.threshold)
        let polynomials = try [round.seed, round.mask.secretKey].map { secret in
            try ShamirSharing.split(
                secret,
                threshold: threshold,
                xs: positions,
                coefficients: draw((threshold - 1) * secret.count)
            )
        }
        // A low-order key among the peers' ends the round here, before our shares are out.
        let keys = try PeerKeys(round, list.advertisements.filter { $0.id != id })
        var shares: [EncryptedShare] = []
        for (index, peer) in list.advertisements.enumerated() {
            if peer.id == id {
                round.ownSeedShare = try polynomials[0].slice(index * 32..<index * 32 + 32)
                continue
            }
            let plaintext = try SecretBytes(count: 64) { target in
                for (offset, source) in zip([0, 32], polynomials) {
                    source.withUnsafeBytes { bytes in
                        UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + 32])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[index * 32..<index * 32 + 32]))
                    }
                }
            }
            let key = try keys.outgoing(to: peer.id)
            let nonce = try draw(XChaCha20Poly1305.nonceLength).exposed()
            let sealed = try XChaCha20Poly1305.seal(
                plaintext,
                key: key,
                nonce: nonce,
                additionalData: additionalData(round.hash, id, peer.id)
            )
            shares.append(EncryptedShare(id: peer.id, bytes: nonce + sealed))
        }
        var bundle = ShareBundle(
            roundHash: round.hash,
            id: id,
            seedCommitment: RoundDerivations.seedCommitment(roundHash: round.hash, id: id, seed: round.seed),
            shares: shares
        )
        bundle.signature = try signingKey.sign(bundle.signedBytes)
        round.peers = Dictionary(uniqueKeysWithValues: list.advertisements.map { ($0.id, $0) })
        round.keys = keys
        round.bundle = bundle
        self.round = round
        leg = .masked
        return bundle
    }

    /// R2: masks a vector of the ring (see ``FixedPointCodec``) for the set U1 that the delivery names.
    ///
    /// - Parameter input: `header.length` words; masked in place when the caller gives its only copy away.
    /// - Throws: `SecureAggregationError.refused`, `.tooFew`, `.wrongLength`, `CryptographyError`.
    public func mask(_ input: consuming [UInt32], after delivery: ShareDelivery) throws -> MaskedInput {
        var round = try current(.masked)
        guard let keys = round.keys else { throw SecureAggregationError.outOfOrder(expected: leg, got: .masked) }
        guard input.count == Int(round.header.length) else {
            throw SecureAggregationError.wrongLength(
                of: "input",
                expected: Int(round.header.length),
                actual: input.count
            )
        }
        try refuse(unless: delivery.roundHash == round.hash, "its delivery belongs to another round")
        try refuse(unless: isRising(delivery.entries.map(\.id)), "the sharers are not in rising order")
        try require(delivery.entries.count, atLeast: round.header.neededSurvivors)
        guard let own = delivery.entries.first(where: { $0.id == id }) else {
            throw SecureAggregationError.refused(leg: leg, sender: nil, reason: "it left out our shares")
        }
        try refuse(
            unless: own.signature == round.bundle?.signature && own.sharesHash == round.bundle?.sharesHash
                && own.seedCommitment == round.bundle?.seedCommitment && own.share.isEmpty,
            "it changed our shares"
        )
        for entry in delivery.entries where entry.id != id {
            try refuse(unless: round.peers[entry.id] != nil, entry.id, "it shared without having advertised")
            try refuse(
                unless: roster.isValid(
                    entry.signature,
                    of: entry.signedBytes(roundHash: round.hash),
                    by: entry.id
                ),
                entry.id,
                "the signature on its shares is wrong"
            )
            do {
                _ = try openShare(entry, round)
            } catch CryptographyError.notAuthentic {
                throw SecureAggregationError.refused(
                    leg: leg,
                    sender: entry.id,
                    reason: "its encrypted share for participant \(id) was changed"
                )
            }
        }

        var words = consume input
        let sharers = delivery.entries.map(\.id)
        let masks = try MaskKeys(count: sharers.count) { index in
            let peer = sharers[index]
            if peer == id {
                return (.plus, try RoundDerivations.selfKey(roundHash: round.hash, id: id, seed: round.seed))
            }
            return (.of(id, towards: peer), try keys.mask(with: peer))
        }
        RingMask.apply(masks, to: &words)
        RingMask.reduce(&words, bits: Int(round.header.bits))
        round.sharers = delivery.entries
        round.sharersHash = ShareDelivery.sharersHash(roundHash: round.hash, entries: delivery.entries)
        round.vectorHash = RoundDerivations.vectorHash(words)
        let signature = try signingKey.sign(
            MaskedInput.signedBytes(
                roundHash: round.hash,
                id: id,
                sharersHash: round.sharersHash,
                vectorHash: round.vectorHash
            )
        )
        self.round = round
        leg = .consistent
        return MaskedInput(
            roundHash: round.hash,
            id: id,
            sharersHash: round.sharersHash,
            bits: Int(round.header.bits),
            words: words,
            signature: signature
        )
    }

    // MARK: - Checks

    func openShare(_ entry: ShareDelivery.Entry, _ round: Round) throws -> SecretBytes {
        guard entry.share.count == EncryptedShare.length, let keys = round.keys else {
            throw CryptographyError.notAuthentic
        }
        let nonceLength = XChaCha20Poly1305.nonceLength
        return try XChaCha20Poly1305.openSecret(
            Array(entry.share[nonceLength...]),
            key: keys.incoming(from: entry.id),
            nonce: Array(entry.share[..<nonceLength]),
            additionalData: additionalData(round.hash, entry.id, id)
        )
    }

    private func additionalData(_ roundHash: [UInt8], _ source: UInt32, _ destination: UInt32) -> [UInt8] {
        roundHash + source.littleEndianBytes + destination.littleEndianBytes
    }

    func expectLeg(_ expected: Leg) throws {
        if leg != expected { throw SecureAggregationError.outOfOrder(expected: leg, got: expected) }
    }

    func current(_ expected: Leg) throws -> Round {
        try expectLeg(expected)
        guard let round else { throw SecureAggregationError.outOfOrder(expected: leg, got: expected) }
        return round
    }

    func require(_ count: Int, atLeast needed: Int) throws {
        if count < needed { throw SecureAggregationError.tooFew(leg: leg, count: count, needed: needed) }
    }

    func refuse(unless condition: Bool, _ sender: UInt32, _ reason: @autoclosure () -> String) throws {
        if !condition { throw SecureAggregationError.refused(leg: leg, sender: sender, reason: reason()) }
    }

    func refuse(unless condition: Bool, _ reason: @autoclosure () -> String) throws {
        if !condition { throw SecureAggregationError.refused(leg: leg, sender: nil, reason: reason()) }
    }

    func isRising(_ ids: [UInt32]) -> Bool {
        zip(ids, ids.dropFirst()).allSatisfy(<)
    }
}
