import Cryptography
import SecureAggregation
import Testing

/// What the coordinator refuses, and how it recovers.
@Suite("A hostile participant")
struct HostileParticipantTests {
    private func expectEveryChangeRefused<Message: RoundMessage>(
        _ message: Message,
        _ deliver: (Message) throws -> Void
    ) throws {
        let bytes = message.encoded()
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << UInt8.random(in: 0..<8)
            #expect(throws: (any Error).self, "byte \(index)") { try deliver(Message(decoding: changed)) }
        }
        try deliver(message)
        #expect(throws: SecureAggregationError.self, "a duplicate") { try deliver(message) }
    }

    @Test func changedAndRepeatedMessagesAreRefusedInEveryLeg() throws {
        let federation = try TestFederation(participants: 4, threshold: 3)
        let round = try TestRound(federation)
        let server = round.server
        try expectEveryChangeRefused(
            round[1].advertise(server.signedHeader, expecting: federation.expectation)
        ) { try server.receive($0) }
        let list = try round.advertise([2, 3, 4])
        try expectEveryChangeRefused(round[1].share(list)) { try server.receive($0) }
        let deliveries = try round.share(list, [2, 3, 4])
        try expectEveryChangeRefused(round[1].mask(federation.input(1), after: #require(deliveries[1]))) {
            try server.receive($0)
        }
        let survivors = try round.mask(deliveries, [2, 3])
        try expectEveryChangeRefused(round[1].confirm(survivors)) { try server.receive($0) }
        let request = try round.confirm(survivors, [2, 3])
        try expectEveryChangeRefused(round[1].unmask(request)) { try server.receive($0) }
        let result = try round.unmask(request, [2, 3])
        #expect(result.aggregate == federation.ringSum([1, 2, 3]))
    }

    @Test func reusedAndWeakKeysAreRefused() throws {
        let federation = try TestFederation(participants: 3, threshold: 2)
        let round = try TestRound(federation)
        let first = try round[1].advertise(round.server.signedHeader, expecting: federation.expectation)
        try round.server.receive(first)
        let honest = try round[2].advertise(round.server.signedHeader, expecting: federation.expectation)
        func signed(_ change: (inout Advertisement) -> Void) throws -> Advertisement {
            var message = honest
            change(&message)
            message.signature = try federation.key(2).sign(message.signedBytes)
            return message
        }
        let zero = [UInt8](repeating: 0, count: 32)
        let attempts = [
            try signed { $0.maskKey = first.maskKey }, try signed { $0.encryptionKey = first.maskKey },
            try signed { $0.maskKey = $0.encryptionKey }, try signed { $0.maskKey = zero },
            try signed { $0.encryptionKey = zero }, try signed { $0.id = 1 }, try signed { $0.id = 7 },
        ]
        for attempt in attempts {
            #expect(throws: SecureAggregationError.self) { try round.server.receive(attempt) }
            // Participants check the same, should the coordinator let it through.
            let list = AdvertisementList(advertisements: [first, attempt])
            #expect(throws: (any Error).self) { try round[1].share(list) }
        }
        try round.server.receive(honest)
    }

    @Test func bundlesHoldOneShareForEachPeer() throws {
        let federation = try TestFederation(participants: 3, threshold: 2)
        let round = try TestRound(federation)
        let list = try round.advertise()
        let honest = try round[1].share(list)
        for change in [
            { $0.shares.removeLast() }, { $0.shares[1].id = 1 }, { $0.shares[0].bytes = [] },
            { $0.shares.append($0.shares[0]) },
        ] as [(inout ShareBundle) -> Void] {
            var bundle = honest
            change(&bundle)
            bundle.signature = try federation.key(1).sign(bundle.signedBytes)
            #expect(throws: SecureAggregationError.self) { try round.server.receive(bundle) }
        }
        // A share that its receiver cannot open: the receiver refuses before it masks.
        var garbled = honest
        garbled.shares[0].bytes[40] ^= 1
        garbled.signature = try federation.key(1).sign(garbled.signedBytes)
        try round.server.receive(garbled)
        let deliveries = try round.share(list, [2, 3])
        #expect {
            try round[2].mask(federation.input(2), after: #require(deliveries[2]))
        } throws: { error in
            guard case SecureAggregationError.refused(.masked, 1, _) = error else { return false }
            return true
        }
    }

    @Test func vectorsOfAnotherShapeAreRefused() throws {
        let federation = try TestFederation(participants: 3, threshold: 2)
        let round = try TestRound(federation)
        let deliveries = try round.share(round.advertise())
        var masked = try round[1].mask(federation.input(1), after: #require(deliveries[1]))
        masked.words.removeLast()
        #expect(throws: SecureAggregationError.self) { try round.server.receive(masked) }
        masked.words = []
        #expect(throws: SecureAggregationError.self) { try round.server.receive(masked) }
    }

    private func request(_ round: TestRound, masking present: [UInt32]) throws -> UnmaskRequest {
        try round.confirm(round.mask(round.share(round.advertise()), present))
    }

    private func lie(_ answer: UnmaskAnswer, _ key: Ed25519SigningKey) throws -> UnmaskAnswer {
        var lie = answer
        for index in lie.seedShares.indices { lie.seedShares[index].bytes[0] ^= 0x55 }
        for index in lie.keyShares.indices { lie.keyShares[index].bytes[31] ^= 0x55 }
        lie.signature = try key.sign(lie.signedBytes)
        return lie
    }

    @Test("Wrong shares of seeds and of mask keys are worked around", arguments: [1, 2, 4] as [UInt32])
    func wrongSharesAreWorkedAround(liar: UInt32) throws {
        let federation = try TestFederation(participants: 5, threshold: 3)
        let round = try TestRound(federation)
        let request = try request(round, masking: [1, 2, 4, 5])
        for id in round.server.survivors {
            let answer = try round[id].unmask(request)
            try round.server.receive(id == liar ? lie(answer, federation.key(id)) : answer)
        }
        #expect(try round.server.finish().aggregate == federation.ringSum([1, 2, 4, 5]))
    }

    @Test func withoutEnoughRightSharesTheRoundAbortsAndAnotherAnswerSavesIt() throws {
        let federation = try TestFederation(participants: 4, threshold: 3)
        let round = try TestRound(federation)
        let request = try request(round, masking: [1, 2, 3, 4])
        var answers: [UInt32: UnmaskAnswer] = [:]
        for id in round.server.survivors { answers[id] = try round[id].unmask(request) }
        try round.server.receive(lie(#require(answers[1]), federation.key(1)))
        try round.server.receive(#require(answers[2]))
        #expect(throws: SecureAggregationError.tooFew(leg: .unmask, count: 2, needed: 3)) { try round.server.finish() }
        try round.server.receive(#require(answers[3]))
        #expect(throws: SecureAggregationError.notReconstructible(id: 1)) { try round.server.finish() }
        try round.server.receive(#require(answers[4]))
        #expect(try round.server.finish().aggregate == federation.ringSum([1, 2, 3, 4]))
    }

    @Test func answersHoldExactlyWhatWasAskedFor() throws {
        let federation = try TestFederation(participants: 4, threshold: 3)
        let round = try TestRound(federation)
        let request = try request(round, masking: [1, 2, 3])
        let honest = try round[1].unmask(request)
        for change in [
            { $0.keyShares = [] }, { $0.seedShares.removeLast() }, { $0.keyShares[0].id = 1 },
            { $0.seedShares[0].bytes = [1] }, { $0.keyShares.append($0.seedShares[0]) },
        ] as [(inout UnmaskAnswer) -> Void] {
            var answer = honest
            change(&answer)
            answer.signature = try federation.key(1).sign(answer.signedBytes)
            #expect(throws: SecureAggregationError.self) { try round.server.receive(answer) }
        }
        try round.server.receive(honest)
    }

    @Test func theServerRefusesWhatDoesNotBelongTogether() throws {
        let federation = try TestFederation(participants: 3, threshold: 2)
        let stranger = try TestFederation(participants: 3, threshold: 2)
        #expect(throws: SecureAggregationError.self) { try federation.server(stranger.header) }
        #expect(throws: SecureAggregationError.self) {
            try SecureAggregationServer(
                header: federation.header,
                signingKey: federation.key(1),
                roster: federation.roster,
                updateRule: "x"
            )
        }
        var header = federation.header
        header.cohort = [1, 2, 4]
        #expect(throws: SecureAggregationError.self) { try federation.server(header) }
    }

    /// Participant 2 speaks for participant 1, in every leg, under its own key.
    @Test func someoneElsesSignatureIsRefused() throws {
        let federation = try TestFederation(participants: 3, threshold: 2)
        let round = try TestRound(federation)
        let server = round.server
        let thief = federation.key(2)
        func expectRefused(_ deliver: () throws -> Void) {
            #expect {
                try deliver()
            } throws: { error in
                guard case SecureAggregationError.refused(_, 1, "its signature is wrong") = error else { return false }
                return true
            }
        }
        var advertisement = try round[1].advertise(server.signedHeader, expecting: federation.expectation)
        let honest = advertisement
        advertisement.signature = try thief.sign(advertisement.signedBytes)
        expectRefused { try server.receive(advertisement) }
        try server.receive(honest)
        let list = try round.advertise([2, 3])
        var bundle = try round[1].share(list)
        let honestBundle = bundle
        bundle.signature = try thief.sign(bundle.signedBytes)
        expectRefused { try server.receive(bundle) }
        try server.receive(honestBundle)
        let deliveries = try round.share(list, [2, 3])
        var masked = try round[1].mask(federation.input(1), after: #require(deliveries[1]))
        let honestVector = masked
        masked.words[0] ^= 1
        expectRefused { try server.receive(masked) }
        try server.receive(honestVector)
        let survivors = try round.mask(deliveries, [2, 3])
        var confirmation = try round[1].confirm(survivors)
        let honestConfirmation = confirmation
        confirmation.signature = try round[2].confirm(survivors).signature
        expectRefused { try server.receive(confirmation) }
        try server.receive(honestConfirmation)
        let request = try round.confirm(survivors, [3])
        var answer = try round[1].unmask(request)
        let honestAnswer = answer
        answer.signature = try thief.sign(answer.signedBytes)
        expectRefused { try server.receive(answer) }
        try server.receive(honestAnswer)
        try server.receive(round[3].unmask(request))
        #expect(try server.finish().aggregate == federation.ringSum([1, 2, 3]))
    }
}
