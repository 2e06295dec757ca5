import Cryptography
import SecureAggregation
import Testing

/// What participants refuse, whatever the coordinator says.
@Suite("A hostile coordinator")
struct HostileCoordinatorTests {
    /// Every single-bit change of a message must be refused; the genuine message is accepted afterwards, which also shows
    /// that a refusal leaves the state alone.
    private func expectEveryChangeRefused<Message: RoundMessage>(
        _ message: Message,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ deliver: (Message) throws -> Void
    ) throws {
        let bytes = message.encoded()
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << UInt8.random(in: 0..<8)
            #expect(throws: (any Error).self, "byte \(index)", sourceLocation: sourceLocation) {
                try deliver(Message(decoding: changed))
            }
        }
        try deliver(message)
    }

    private func federation() throws -> TestFederation { try TestFederation(participants: 4, threshold: 3) }

    @Test func changedMessagesAreRefusedInEveryLeg() throws {
        let federation = try federation()
        let round = try TestRound(federation)
        let one = round[1]
        var advertisement: Advertisement?
        try expectEveryChangeRefused(round.server.signedHeader) {
            advertisement = try one.advertise($0, expecting: federation.expectation)
        }
        try round.server.receive(#require(advertisement))
        let list = try round.advertise([2, 3, 4])
        var bundle: ShareBundle?
        try expectEveryChangeRefused(list) { bundle = try one.share($0) }
        try round.server.receive(#require(bundle))
        let deliveries = try round.share(list, [2, 3, 4])
        var masked: MaskedInput?
        try expectEveryChangeRefused(#require(deliveries[1])) {
            masked = try one.mask(federation.input(1), after: $0)
        }
        try round.server.receive(#require(masked))
        let survivors = try round.mask(deliveries, [2, 3])
        var confirmation: ConsistencySignature?
        try expectEveryChangeRefused(survivors) { confirmation = try one.confirm($0) }
        try round.server.receive(#require(confirmation))
        let request = try round.confirm(survivors, [2, 3])
        var answer: UnmaskAnswer?
        try expectEveryChangeRefused(request) { answer = try one.unmask($0) }
        try round.server.receive(#require(answer))
        let result = try round.unmask(request, [2, 3])
        var sum: [UInt32] = []
        try expectEveryChangeRefused(result) { sum = try one.accept($0) }
        #expect(sum == federation.ringSum([1, 2, 3]))
    }

    @Test func bothSecretsOfOneParticipantAreNeverRevealed() throws {
        let federation = try federation()
        let round = try TestRound(federation)
        let request = try round.confirm(round.mask(round.share(round.advertise()), [1, 2, 3]))
        var lies: [UnmaskRequest] = []
        var lie = request
        lie.dropouts = [1, 4]
        lies.append(lie)
        lie = request
        lie.survivors = [1, 2, 3, 4]
        lies.append(lie)
        lie = request
        (lie.survivors, lie.dropouts) = ([2, 3, 4], [1])
        lies.append(lie)
        lie = request
        (lie.survivors, lie.dropouts) = ([1, 2], [3, 4])
        lies.append(lie)
        lie = request
        lie.dropouts = []
        lies.append(lie)
        lie = request
        lie.survivors = [1, 1, 2, 3]
        lies.append(lie)
        for lie in lies {
            for id in [1, 2, 3] as [UInt32] {
                #expect(throws: SecureAggregationError.self) { try round[id].unmask(lie) }
            }
        }
        let answer = try round[1].unmask(request)
        #expect(answer.seedShares.map(\.id) == [1, 2, 3])
        #expect(answer.keyShares.map(\.id) == [4])
    }

    @Test func aRequestIsAnsweredOnceAndNeedsEnoughConfirmations() throws {
        let federation = try federation()
        let round = try TestRound(federation)
        let request = try round.confirm(round.mask(round.share(round.advertise())))
        var few = request
        few.confirmations = Array(request.confirmations.prefix(2))
        #expect(throws: SecureAggregationError.tooFew(leg: .unmask, count: 2, needed: 3)) { try round[1].unmask(few) }
        few.confirmations.append(request.confirmations[1])
        #expect(throws: SecureAggregationError.self) { try round[1].unmask(few) }
        _ = try round[1].unmask(request)
        #expect(throws: SecureAggregationError.outOfOrder(expected: .result, got: .unmask)) {
            try round[1].unmask(request)
        }
    }

    /// The coordinator shows different survivors to different participants, to learn both secrets of participant 4.
    @Test func splitViewsOfTheSurvivorsAreRefused() throws {
        let federation = try TestFederation(participants: 5, threshold: 4)
        let round = try TestRound(federation)
        let deliveries = try round.share(round.advertise())
        let all = try round.mask(deliveries)
        var without = all
        without.entries.removeAll { $0.id == 4 }
        var confirmations: [UnmaskRequest.Confirmation] = []
        for id in [1, 2] as [UInt32] {
            confirmations.append(.init(id: id, signature: try round[id].confirm(all).signature))
        }
        for id in [3, 5] as [UInt32] {
            confirmations.append(.init(id: id, signature: try round[id].confirm(without).signature))
        }
        // Signing a second list is out of order.
        #expect(throws: SecureAggregationError.self) { try round[1].confirm(without) }
        confirmations.sort { $0.id < $1.id }
        let toAll = UnmaskRequest(
            roundHash: all.roundHash,
            survivors: [1, 2, 3, 4, 5],
            dropouts: [],
            confirmations: confirmations
        )
        let toOthers = UnmaskRequest(
            roundHash: all.roundHash,
            survivors: [1, 2, 3, 5],
            dropouts: [4],
            confirmations: confirmations
        )
        for id in [1, 2, 3, 5] as [UInt32] {
            #expect(throws: SecureAggregationError.self) { try round[id].unmask(toAll) }
            #expect(throws: SecureAggregationError.self) { try round[id].unmask(toOthers) }
        }
    }

    @Test func anotherModelStateRosterOrShapeIsRefused() throws {
        let federation = try federation()
        let changes: [(inout RoundHeader) -> Void] = [
            { $0.emulatorManifestHash[0] ^= 1 }, { $0.stateHash[0] ^= 1 }, { $0.length += 1 },
            { $0.cohort = [2, 3, 4] },
            { $0.rosterHash[0] ^= 1 }, { $0.cohort = [1, 2, 3, 9] },
        ]
        for change in changes {
            var header = federation.header
            change(&header)
            let signed = try SignedRoundHeader(header, signingKey: federation.coordinator)
            #expect(throws: SecureAggregationError.self) {
                try federation.participant(1).advertise(signed, expecting: federation.expectation)
            }
        }
        let forged = try SignedRoundHeader(federation.header, signingKey: federation.key(2))
        #expect(throws: SecureAggregationError.self) {
            try federation.participant(1).advertise(forged, expecting: federation.expectation)
        }
    }

    /// Different models for different participants: refused in R0, and even the masks alone would not cancel.
    @Test func differentModelsDoNotMix() throws {
        let federation = try federation()
        var other = federation.header
        other.stateHash[0] ^= 1
        var otherExpectation = federation.expectation
        otherExpectation.stateHash = other.stateHash
        let round = try TestRound(federation)
        let victim = federation.participant(4)
        let stray = try victim.advertise(
            SignedRoundHeader(other, signingKey: federation.coordinator),
            expecting: otherExpectation
        )
        #expect(throws: SecureAggregationError.self) { try round.server.receive(stray) }
        var list = try round.advertise([1, 2, 3])
        list.advertisements.append(stray)
        #expect(throws: SecureAggregationError.self) { try round[1].share(list) }

        let a = try X25519KeyPair()
        let b = try X25519KeyPair()
        let oneSide = try RoundDerivations.pairKey(
            roundHash: federation.header.hash,
            secretKey: a.secretKey,
            me: 1,
            myPublicKey: a.publicKey,
            other: 4,
            otherPublicKey: b.publicKey
        )
        let otherSide = try RoundDerivations.pairKey(
            roundHash: other.hash,
            secretKey: b.secretKey,
            me: 4,
            myPublicKey: b.publicKey,
            other: 1,
            otherPublicKey: a.publicKey
        )
        #expect(oneSide != otherSide)
    }

    @Test func aRoundIsNotPlayedTwice() throws {
        let federation = try federation()
        let round = try TestRound(federation)
        _ = try round.advertise()
        #expect(throws: SecureAggregationError.replayed(leg: .advertise)) {
            try federation.participant(1).advertise(round.server.signedHeader, expecting: federation.expectation)
        }
        // Advertisements of one round in another one.
        var header = federation.header
        header.round = 2
        let next = try federation.server(header)
        let replayed = try federation.participant(2).advertise(next.signedHeader, expecting: federation.expectation)
        try next.receive(replayed)
        #expect(throws: SecureAggregationError.self) { try round.server.receive(replayed) }
    }

    @Test func legsComeInOrder() throws {
        let federation = try federation()
        let specimens = try Specimens()
        let fresh = federation.participant(1)
        #expect(throws: SecureAggregationError.self) { try fresh.share(specimens.list) }
        #expect(throws: SecureAggregationError.self) { try fresh.mask(federation.input(1), after: specimens.delivery) }
        #expect(throws: SecureAggregationError.self) { try fresh.confirm(specimens.survivors) }
        #expect(throws: SecureAggregationError.self) { try fresh.unmask(specimens.request) }
        #expect(throws: SecureAggregationError.self) { try fresh.accept(specimens.result) }
        let server = try federation.server()
        #expect(throws: SecureAggregationError.self) { try server.receive(specimens.bundle) }
        #expect(throws: SecureAggregationError.self) { try server.receive(specimens.masked) }
        #expect(throws: SecureAggregationError.self) { try server.receive(specimens.confirmation) }
        #expect(throws: SecureAggregationError.self) { try server.receive(specimens.answer) }
        #expect(throws: SecureAggregationError.self) { try server.closeShares() }
        #expect(throws: SecureAggregationError.self) { try server.finish() }
    }

    @Test func tooFewAreRefusedByTheParticipantsThemselves() throws {
        let federation = try federation()
        let round = try TestRound(federation)
        var list = try round.advertise()
        let complete = list
        list.advertisements.removeLast(2)
        #expect(throws: SecureAggregationError.tooFew(leg: .shares, count: 2, needed: 3)) { try round[1].share(list) }
        list = complete
        list.advertisements.removeFirst()
        #expect(throws: SecureAggregationError.self) { try round[1].share(list) }
        let deliveries = try round.share(complete)
        var delivery = try #require(deliveries[1])
        delivery.entries.removeLast(2)
        #expect(throws: SecureAggregationError.tooFew(leg: .masked, count: 2, needed: 3)) {
            try round[1].mask(federation.input(1), after: delivery)
        }
        // Another's ciphertext in place of ours.
        delivery = try #require(deliveries[1])
        delivery.entries[1].share = try #require(deliveries[3]).entries[1].share
        #expect(throws: SecureAggregationError.self) { try round[1].mask(federation.input(1), after: delivery) }
        #expect(throws: SecureAggregationError.wrongLength(of: "input", expected: 5, actual: 4)) {
            try round[1].mask([1, 2, 3, 4], after: #require(deliveries[1]))
        }
        var survivors = try round.mask(deliveries)
        survivors.entries.removeLast(2)
        #expect(throws: SecureAggregationError.tooFew(leg: .consistent, count: 2, needed: 3)) {
            try round[1].confirm(survivors)
        }
    }

    /// A key of the coordinator's own, or of another member, in place of a participant's: its shares would be readable.
    @Test func swappedKeysAreRefused() throws {
        let federation = try federation()
        let round = try TestRound(federation)
        let list = try round.advertise()
        let stolen = try X25519KeyPair()
        for signer in [federation.coordinator, federation.key(3)] {
            for isMask in [true, false] {
                var lie = list
                if isMask {
                    lie.advertisements[1].maskKey = stolen.publicKey
                } else {
                    lie.advertisements[1].encryptionKey = stolen.publicKey
                }
                lie.advertisements[1].signature = try signer.sign(lie.advertisements[1].signedBytes)
                #expect {
                    try round[1].share(lie)
                } throws: { error in
                    guard case SecureAggregationError.refused(.shares, 2, _) = error else { return false }
                    return true
                }
            }
        }
        // Two participants' keys exchanged, each genuine.
        var exchanged = list
        (exchanged.advertisements[1].maskKey, exchanged.advertisements[2].maskKey) = (
            list.advertisements[2].maskKey, list.advertisements[1].maskKey
        )
        #expect(throws: SecureAggregationError.self) { try round[1].share(exchanged) }
        _ = try round[1].share(list)
    }

    /// A cohort cut down to the victim and accomplices is against the policy; one that differs for the victim alone puts
    /// it into another round, with other masks, whose messages the rest refuse.
    @Test func aShrunkCohortIsRefused() throws {
        let federation = try TestFederation(participants: 6, minimumSurvivors: 4, policy: RoundPolicy(minimumCohort: 5))
        var shrunk = federation.header
        shrunk.cohort = [1, 2, 3]
        shrunk.threshold = 3
        shrunk.minimumSurvivors = 3
        #expect {
            try federation.participant(1).advertise(
                SignedRoundHeader(shrunk, signingKey: federation.coordinator),
                expecting: federation.expectation
            )
        } throws: { error in
            guard case SecureAggregationError.againstPolicy(let reason) = error else { return false }
            return reason.contains("3 participants, at least 5")
        }
        try expectOnlyOwnRound(federation) { $0.cohort.removeLast() }
    }

    /// A clip above the policy's is refused; another clip for one participant alone puts it into another round.
    @Test func aChangedClipIsRefused() throws {
        let federation = try TestFederation(participants: 4, threshold: 3, policy: RoundPolicy(maximumClip: 10))
        var larger = federation.header
        larger.clip *= 2
        larger.scale /= 2
        #expect {
            try federation.participant(1).advertise(
                SignedRoundHeader(larger, signingKey: federation.coordinator),
                expecting: federation.expectation
            )
        } throws: { error in
            guard case SecureAggregationError.againstPolicy(let reason) = error else { return false }
            return reason.contains("clip 20.0, at most 10.0")
        }
        try expectOnlyOwnRound(federation) { $0.clip /= 4 }
    }

    /// Participant 1 is shown another header than the rest: neither the coordinator nor a peer takes what it sends.
    private func expectOnlyOwnRound(_ federation: TestFederation, _ change: (inout RoundHeader) -> Void) throws {
        var other = federation.header
        change(&other)
        let round = try TestRound(federation)
        let stray = try federation.participant(1).advertise(
            SignedRoundHeader(other, signingKey: federation.coordinator),
            expecting: federation.expectation
        )
        #expect(throws: SecureAggregationError.self) { try round.server.receive(stray) }
        var list = try round.advertise(Array(federation.header.cohort.dropFirst()))
        list.advertisements.insert(stray, at: 0)
        #expect(throws: SecureAggregationError.self) { try round[2].share(list) }
    }
}
