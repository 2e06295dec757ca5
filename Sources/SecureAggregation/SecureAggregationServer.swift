import Cryptography

/// The coordinator's side of one round of SA1: relays keys and shares, adds masked vectors as they come, and learns their
/// sum; does no I/O.
///
/// ```swift
/// let server = try SecureAggregationServer(header: header, signingKey: key, roster: roster, updateRule: "fedavg/1")
/// // server.signedHeader → every member of header.cohort
/// try server.receive(advertisement)         // R0, one call for each that arrives before the deadline
/// let list = try server.closeAdvertising()  // → every server.advertised
/// try server.receive(bundle)                // R1
/// let deliveries = try server.closeShares() // deliveries[id] → participant id
/// try server.receive(masked)                // R2, added at once and not kept
/// let survivors = try server.closeMasking() // → every server.survivors
/// try server.receive(confirmation)          // R3
/// let request = try server.closeConsistency() // → every server.survivors
/// try server.receive(answer)                // R4, the threshold is enough
/// let result = try server.finish()          // R5 → everybody
/// ```
/// `receive` throws for a message that fails a check and leaves the state as it was: its sender counts as dropped out
/// unless a good message follows. `close…` and `finish` throw when too few are left: then the round is over without any
/// update having been revealed, and a new one with a new number (and new keys) may start. Not `Sendable`: keep it inside
/// the coordinator's actor. ``view`` says what the coordinator saw.
public final class SecureAggregationServer {
    /// What opens the round.
    public let signedHeader: SignedRoundHeader
    /// The leg whose messages are accepted.
    public private(set) var leg = Leg.advertise
    /// Counts of what arrived and what became known.
    public private(set) var view: CoordinatorView

    private let header: RoundHeader
    private let hash: [UInt8]
    private let signingKey: Ed25519SigningKey
    private let roster: Roster
    private let updateRule: String
    private var advertisements: [UInt32: Advertisement] = [:]
    private var bundles: [UInt32: ShareBundle] = [:]
    private var sharers: [ShareDelivery.Entry] = []
    private var sharersHash: [UInt8] = []
    private var sum: [UInt32] = []
    private var vectors: [UInt32: SurvivorList.Entry] = [:]
    private var survivorsHash: [UInt8] = []
    private var confirmations: [UInt32: [UInt8]] = [:]
    private var answers: [UInt32: UnmaskAnswer] = [:]
    private var transcript: [[UInt8]] = []

    /// Opens a round.
    ///
    /// - Parameters:
    ///   - signingKey: belongs to `roster.coordinatorKey`.
    ///   - updateRule: names how the aggregate changes the adapter; participants expect the same name.
    /// - Throws: what ``RoundHeader/validate()`` throws, `SecureAggregationError.invalidHeader` for another roster.
    public init(
        header: RoundHeader,
        signingKey: Ed25519SigningKey,
        roster: Roster,
        updateRule: String
    ) throws {
        try header.validate()
        guard header.rosterHash == roster.hash, header.cohort.allSatisfy({ roster.key(of: $0) != nil }),
            signingKey.publicKey == roster.coordinatorKey
        else {
            throw SecureAggregationError.invalidHeader(
                field: "roster",
                reason: "header, roster and the coordinator's key do not belong together"
            )
        }
        signedHeader = try SignedRoundHeader(header, signingKey: signingKey)
        self.header = header
        hash = header.hash
        self.signingKey = signingKey
        self.roster = roster
        self.updateRule = updateRule
        view = CoordinatorView(header: header)
    }

    /// Participants whose keys arrived: the receivers of the advertisement list.
    public var advertised: [UInt32] { advertisements.keys.sorted() }
    /// U1: participants whose shares arrived: the receivers of the deliveries.
    public var sharing: [UInt32] { bundles.keys.sorted() }
    /// U2: participants whose masked vectors arrived: the receivers of the survivor list and the request.
    public var survivors: [UInt32] { vectors.keys.sorted() }

    // MARK: - R0

    /// Takes one participant's keys.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.outOfOrder`.
    public func receive(_ message: Advertisement) throws {
        try expectLeg(.advertise)
        try refuse(unless: message.roundHash == hash, message.id, "it belongs to another round")
        try refuse(unless: header.cohort.contains(message.id), message.id, "the sender is not in the cohort")
        try refuse(unless: advertisements[message.id] == nil, message.id, "it came before")
        try refuse(
            unless: roster.isValid(message.signature, of: message.signedBytes, by: message.id),
            message.id,
            "its signature is wrong"
        )
        let known = Set(advertisements.values.flatMap { [$0.maskKey, $0.encryptionKey] })
        try refuse(
            unless: message.maskKey != message.encryptionKey && !known.contains(message.maskKey)
                && !known.contains(message.encryptionKey),
            message.id,
            "a public key occurs twice"
        )
        let probe = try X25519KeyPair()
        do {
            for key in [message.maskKey, message.encryptionKey] {
                _ = try X25519.sharedSecret(probe.secretKey, with: key)
            }
        } catch CryptographyError.lowOrderPublicKey {
            throw SecureAggregationError.refused(leg: leg, sender: message.id, reason: "a public key has low order")
        }
        advertisements[message.id] = message
        view.note(message)
    }

    /// Ends R0.
    ///
    /// - Throws: `SecureAggregationError.tooFew`.
    public func closeAdvertising() throws -> AdvertisementList {
        try expectLeg(.advertise)
        try require(advertisements.count)
        let list = AdvertisementList(advertisements: advertised.compactMap { advertisements[$0] })
        close(.shares, transcribing: BLAKE2b256.digest(list.encoded()))
        return list
    }

    // MARK: - R1

    /// Takes one participant's encrypted shares.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.outOfOrder`.
    public func receive(_ message: ShareBundle) throws {
        try expectLeg(.shares)
        try refuse(unless: message.roundHash == hash, message.id, "it belongs to another round")
        try refuse(unless: advertisements[message.id] != nil, message.id, "the sender did not advertise keys")
        try refuse(unless: bundles[message.id] == nil, message.id, "it came before")
        try refuse(
            unless: message.shares.map(\.id) == advertised.filter { $0 != message.id }
                && message.shares.allSatisfy { $0.bytes.count == EncryptedShare.length },
            message.id,
            "it does not hold one share for every other participant"
        )
        try refuse(
            unless: roster.isValid(message.signature, of: message.signedBytes, by: message.id),
            message.id,
            "its signature is wrong"
        )
        bundles[message.id] = message
        view.note(message)
    }

    /// Ends R1: what each sharer is to receive.
    ///
    /// - Throws: `SecureAggregationError.tooFew`.
    public func closeShares() throws -> [UInt32: ShareDelivery] {
        try expectLeg(.shares)
        try require(bundles.count)
        let sorted = sharing.compactMap { bundles[$0] }
        var deliveries: [UInt32: ShareDelivery] = [:]
        let hashes = sorted.map(\.sharesHash)
        for receiver in sharing {
            let entries = zip(sorted, hashes).map { bundle, sharesHash in
                ShareDelivery.Entry(
                    id: bundle.id,
                    seedCommitment: bundle.seedCommitment,
                    sharesHash: sharesHash,
                    signature: bundle.signature,
                    share: bundle.shares.first { $0.id == receiver }?.bytes ?? []
                )
            }
            deliveries[receiver] = ShareDelivery(roundHash: hash, entries: entries)
            sharers = entries
        }
        sharersHash = ShareDelivery.sharersHash(roundHash: hash, entries: sharers)
        sum = [UInt32](repeating: 0, count: Int(header.length))
        let legHash = TaggedHash("fsot/sa1/leg")
        for bundle in sorted { legHash.append(BLAKE2b256.digest(bundle.encoded())) }
        close(.masked, transcribing: legHash.digest())
        return deliveries
    }

    // MARK: - R2

    /// Adds one participant's masked vector to the sum; the vector itself is not kept.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.outOfOrder`.
    public func receive(_ message: MaskedInput) throws {
        try expectLeg(.masked)
        try refuse(unless: message.roundHash == hash, message.id, "it belongs to another round")
        try refuse(unless: bundles[message.id] != nil, message.id, "the sender did not send shares")
        try refuse(unless: vectors[message.id] == nil, message.id, "it came before")
        try refuse(
            unless: message.bits == Int(header.bits) && message.words.count == sum.count,
            message.id,
            "it has \(message.words.count) words of \(message.bits) bits instead of \(sum.count) of \(header.bits)"
        )
        try refuse(unless: message.sharersHash == sharersHash, message.id, "it is masked for another set of sharers")
        let vectorHash = RoundDerivations.vectorHash(message.words)
        let bytes = MaskedInput.signedBytes(
            roundHash: hash,
            id: message.id,
            sharersHash: sharersHash,
            vectorHash: vectorHash
        )
        try refuse(
            unless: roster.isValid(message.signature, of: bytes, by: message.id),
            message.id,
            "its signature is wrong"
        )
        RingMask.accumulate(message.words, into: &sum)
        vectors[message.id] = SurvivorList.Entry(
            id: message.id,
            vectorHash: vectorHash,
            signature: message.signature
        )
        view.note(message)
    }

    /// Ends R2.
    ///
    /// - Throws: `SecureAggregationError.tooFew`: the sum gathered so far stays masked for ever.
    public func closeMasking() throws -> SurvivorList {
        try expectLeg(.masked)
        try require(vectors.count)
        let list = SurvivorList(roundHash: hash, entries: survivors.compactMap { vectors[$0] })
        survivorsHash = list.hash
        close(.consistent, transcribing: BLAKE2b256.digest(list.encoded()))
        return list
    }

    // MARK: - R3

    /// Takes one survivor's agreement to the list of survivors.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.outOfOrder`.
    public func receive(_ message: ConsistencySignature) throws {
        try expectLeg(.consistent)
        try refuse(unless: message.roundHash == hash, message.id, "it belongs to another round")
        try refuse(unless: vectors[message.id] != nil, message.id, "the sender is not a survivor")
        try refuse(unless: confirmations[message.id] == nil, message.id, "it came before")
        try refuse(unless: message.survivorsHash == survivorsHash, message.id, "it confirms another list of survivors")
        let bytes = ConsistencySignature.signedBytes(
            roundHash: hash,
            id: message.id,
            survivorsHash: message.survivorsHash
        )
        try refuse(
            unless: roster.isValid(message.signature, of: bytes, by: message.id),
            message.id,
            "its signature is wrong"
        )
        confirmations[message.id] = message.signature
        view.note(message)
    }

    /// Ends R3.
    ///
    /// - Throws: `SecureAggregationError.tooFew`.
    public func closeConsistency() throws -> UnmaskRequest {
        try expectLeg(.consistent)
        try require(confirmations.count, Int(header.threshold))
        let request = UnmaskRequest(
            roundHash: hash,
            survivors: survivors,
            dropouts: dropouts,
            // As many as prove the agreement: every receiver checks each of them.
            confirmations: confirmations.sorted { $0.key < $1.key }.prefix(Int(header.threshold))
                .map { .init(id: $0.key, signature: $0.value) }
        )
        close(.unmask, transcribing: BLAKE2b256.digest(request.encoded()))
        return request
    }

    // MARK: - R4 and R5

    /// Takes one survivor's shares.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.outOfOrder`.
    public func receive(_ message: UnmaskAnswer) throws {
        try expectLeg(.unmask)
        try refuse(unless: message.roundHash == hash, message.id, "it belongs to another round")
        try refuse(unless: vectors[message.id] != nil, message.id, "the sender is not a survivor")
        try refuse(unless: answers[message.id] == nil, message.id, "it came before")
        try refuse(
            unless: message.seedShares.map(\.id) == survivors && message.keyShares.map(\.id) == dropouts
                && (message.seedShares + message.keyShares).allSatisfy { $0.bytes.count == 32 },
            message.id,
            "it does not hold exactly the shares that were asked for"
        )
        try refuse(
            unless: roster.isValid(message.signature, of: message.signedBytes, by: message.id),
            message.id,
            "its signature is wrong"
        )
        answers[message.id] = message
        view.note(message)
    }

    /// Removes the masks and signs the sum.
    ///
    /// - Throws: `SecureAggregationError.tooFew` (more answers may follow, then call again), `.notReconstructible`.
    public func finish() throws -> RoundResult {
        try expectLeg(.unmask)
        try require(answers.count, Int(header.threshold))
        let sorted = answers.keys.sorted().compactMap { answers[$0] }
        // Worked out in full before the sum changes, so that a failure leaves the sum for a later attempt.
        RingMask.apply(try removals(sorted), to: &sum)
        RingMask.reduce(&sum, bits: Int(header.bits))

        let legHash = TaggedHash("fsot/sa1/leg")
        for answer in sorted { legHash.append(BLAKE2b256.digest(answer.encoded())) }
        close(.done, transcribing: legHash.digest())
        let transcriptHash = TaggedHash("fsot/sa1/T")
        transcriptHash.append(hash)
        for part in transcript { transcriptHash.append(part) }
        var result = RoundResult(
            roundHash: hash,
            bits: Int(header.bits),
            aggregate: sum,
            survivors: survivors,
            transcriptHash: transcriptHash.digest(),
            stateHash: header.nextStateHash(aggregate: sum, updateRule: updateRule)
        )
        result.signature = try signingKey.sign(result.signedBytes)
        view.complete(survivors: survivors, dropouts: dropouts)
        return result
    }

    private var dropouts: [UInt32] { sharing.filter { vectors[$0] == nil } }

    /// The masks that the sum still carries, with the signs that take them off.
    private func removals(_ answers: [UnmaskAnswer]) throws -> MaskKeys {
        var recovery = SecretRecovery(
            xs: answers.compactMap { header.sharePosition(of: $0.id) },
            threshold: Int(header.threshold)
        )
        let (survivors, dropouts) = (survivors, dropouts)
        // One mask key at a time: a dropout's secret serves as many masks as there are survivors.
        var current: (id: UInt32, secretKey: SecretBytes)?
        return try MaskKeys(count: survivors.count * (1 + dropouts.count)) { index in
            let survivor = survivors[index % survivors.count]
            guard index >= survivors.count else {
                let seed = try recovery.recover(answers.map { $0.seedShares[index].bytes }) { seed in
                    let commitment = RoundDerivations.seedCommitment(roundHash: hash, id: survivor, seed: seed)
                    return commitment == bundles[survivor]?.seedCommitment
                }
                guard let seed else { throw SecureAggregationError.notReconstructible(id: survivor) }
                return (.minus, try RoundDerivations.selfKey(roundHash: hash, id: survivor, seed: seed))
            }
            let place = index / survivors.count - 1
            let dropout = dropouts[place]
            guard let lost = advertisements[dropout], let peer = advertisements[survivor] else {
                throw SecureAggregationError.notReconstructible(id: dropout)
            }
            if current?.id != dropout {
                let secretKey = try recovery.recover(answers.map { $0.keyShares[place].bytes }) { secretKey in
                    try X25519.publicKey(of: secretKey) == lost.maskKey
                }
                current = secretKey.map { (dropout, $0) }
            }
            guard let secretKey = current?.secretKey else {
                throw SecureAggregationError.notReconstructible(id: dropout)
            }
            let key = try RoundDerivations.pairKey(
                roundHash: hash,
                secretKey: secretKey,
                me: dropout,
                myPublicKey: lost.maskKey,
                other: survivor,
                otherPublicKey: peer.maskKey
            )
            return (RingMask.Sign.of(survivor, towards: dropout).opposite, key)
        }
    }

    private func close(_ next: Leg, transcribing digest: [UInt8]) {
        transcript.append(digest)
        leg = next
    }

    private func expectLeg(_ got: Leg) throws {
        if leg != got { throw SecureAggregationError.outOfOrder(expected: leg, got: got) }
    }

    private func require(_ count: Int, _ needed: Int? = nil) throws {
        let needed = needed ?? header.neededSurvivors
        if count < needed { throw SecureAggregationError.tooFew(leg: leg, count: count, needed: needed) }
    }

    private func refuse(unless condition: Bool, _ sender: UInt32, _ reason: @autoclosure () -> String) throws {
        if !condition { throw SecureAggregationError.refused(leg: leg, sender: sender, reason: reason()) }
    }
}
