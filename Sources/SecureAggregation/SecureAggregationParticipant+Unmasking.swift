import Cryptography

/// The legs R3 ... R5 of a participant.
extension SecureAggregationParticipant {
    /// R3: signs the one list of survivors that this participant will help unmask.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.tooFew`.
    public func confirm(_ list: SurvivorList) throws -> ConsistencySignature {
        var round = try current(.consistent)
        try refuse(unless: list.roundHash == round.hash, "its list of survivors belongs to another round")
        let ids = list.entries.map(\.id)
        try refuse(unless: isRising(ids), "the survivors are not in rising order")
        try require(ids.count, atLeast: round.header.neededSurvivors)
        guard let own = list.entries.first(where: { $0.id == id }) else {
            throw SecureAggregationError.refused(leg: leg, sender: nil, reason: "it left out our masked update")
        }
        try refuse(unless: own.vectorHash == round.vectorHash, "it changed our masked update")
        let sharers = Set(round.sharers.map(\.id))
        for entry in list.entries {
            try refuse(unless: sharers.contains(entry.id), entry.id, "it sent a masked update without having shared")
            let bytes = MaskedInput.signedBytes(
                roundHash: round.hash,
                id: entry.id,
                sharersHash: round.sharersHash,
                vectorHash: entry.vectorHash
            )
            try refuse(
                unless: roster.isValid(entry.signature, of: bytes, by: entry.id),
                entry.id,
                "the signature on its masked update is wrong or covers another set of sharers"
            )
        }
        let hash = list.hash
        let signature = try signingKey.sign(
            ConsistencySignature.signedBytes(roundHash: round.hash, id: id, survivorsHash: hash)
        )
        round.survivors = list
        self.round = round
        leg = .unmask
        return ConsistencySignature(roundHash: round.hash, id: id, survivorsHash: hash, signature: signature)
    }

    /// R4: reveals shares of the survivors' seeds and of the dropouts' mask keys, never both of one participant, and
    /// once; the round's secrets are gone afterwards.
    ///
    /// - Throws: `SecureAggregationError.refused`, `.tooFew`, `.replayed`, `CryptographyError`.
    public func unmask(_ request: UnmaskRequest) throws -> UnmaskAnswer {
        let round = try current(.unmask)
        guard let agreed = round.survivors, let ownShare = round.ownSeedShare else {
            throw SecureAggregationError.outOfOrder(expected: leg, got: .unmask)
        }
        try refuse(unless: request.roundHash == round.hash, "its request belongs to another round")
        let survivors = agreed.entries.map(\.id)
        try refuse(
            unless: Set(request.survivors).isDisjoint(with: request.dropouts),
            "it asks for both secrets of one participant"
        )
        try refuse(unless: request.survivors == survivors, "it asks for other survivors than were agreed on")
        let dropouts = round.sharers.map(\.id).filter { !survivors.contains($0) }
        try refuse(unless: request.dropouts == dropouts, "it asks for other dropouts than were agreed on")
        try refuse(unless: isRising(request.confirmations.map(\.id)), "the confirmations are not in rising order")
        try require(request.confirmations.count, atLeast: Int(round.header.threshold))
        for confirmation in request.confirmations {
            try refuse(unless: survivors.contains(confirmation.id), confirmation.id, "it confirmed without surviving")
            let bytes = ConsistencySignature.signedBytes(
                roundHash: round.hash,
                id: confirmation.id,
                survivorsHash: agreed.hash
            )
            try refuse(
                unless: roster.isValid(confirmation.signature, of: bytes, by: confirmation.id),
                confirmation.id,
                "it confirmed another list of survivors"
            )
        }
        guard try memory.answer(round.hash) else { throw SecureAggregationError.replayed(leg: .unmask) }

        var seedShares: [UnmaskAnswer.Share] = []
        var keyShares: [UnmaskAnswer.Share] = []
        for entry in round.sharers {
            let isSurvivor = survivors.contains(entry.id)
            let share: SecretBytes
            if entry.id == id {
                share = ownShare
            } else {
                share = try openShare(entry, round).slice(isSurvivor ? 0..<32 : 32..<64)
            }
            let revealed = UnmaskAnswer.Share(id: entry.id, bytes: share.exposed())
            if isSurvivor { seedShares.append(revealed) } else { keyShares.append(revealed) }
        }
        var answer = UnmaskAnswer(roundHash: round.hash, id: id, seedShares: seedShares, keyShares: keyShares)
        answer.signature = try signingKey.sign(answer.signedBytes)
        completed = Completed(
            hash: round.hash,
            header: round.header,
            survivors: survivors,
            updateRule: round.updateRule
        )
        self.round = nil
        leg = .result
        return answer
    }

    /// R5: the sum, once it is the coordinator's, of this round, over the agreed survivors, and leads to the right state.
    ///
    /// - Returns: `header.length` words; decode with ``FixedPointCodec/decodeMean(_:survivors:)``.
    /// - Throws: `SecureAggregationError.refused`.
    @discardableResult
    public func accept(_ result: RoundResult) throws -> [UInt32] {
        try expectLeg(.result)
        guard let completed else { throw SecureAggregationError.outOfOrder(expected: leg, got: .result) }
        try refuse(unless: result.roundHash == completed.hash, "its result belongs to another round")
        try refuse(
            unless: Ed25519.isValid(result.signature, of: result.signedBytes, publicKey: roster.coordinatorKey),
            "its signature on the result is wrong"
        )
        try refuse(unless: result.survivors == completed.survivors, "its result holds other survivors than agreed on")
        try refuse(
            unless: result.bits == Int(completed.header.bits) && result.aggregate.count == Int(completed.header.length),
            "its result has another shape"
        )
        let state = completed.header.nextStateHash(aggregate: result.aggregate, updateRule: completed.updateRule)
        try refuse(unless: result.stateHash == state, "its result leads to another adapter state")
        transcriptHash = result.transcriptHash
        nextStateHash = state
        leg = .done
        return result.aggregate
    }
}
