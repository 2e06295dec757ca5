import Cryptography
import SecureAggregation
import Testing

@Suite("A round from beginning to end")
struct SecureAggregationRoundTests {
    /// How a federation drives one round: three data holders, of whom the third drops out after it shared its secrets.
    @Test func threeDataHoldersAndOneDropout() throws {
        let coordinatorKey = try Ed25519SigningKey()
        let keys = try (0..<3).map { _ in try Ed25519SigningKey() }
        let roster = try Roster(coordinatorKey: coordinatorKey.publicKey, memberKeys: keys.map(\.publicKey))
        let updates: [[Float]] = [[0.5, -1, 0.25], [0.25, 2, -0.75], [8, 8, 8]]
        let expectation = RoundExpectation(
            emulatorManifestHash: [UInt8](repeating: 1, count: 32),
            stateHash: [UInt8](repeating: 2, count: 32),
            updateLength: 3,
            updateRule: "mean/1"
        )

        // The coordinator proposes: t = 2 of 3 tolerates one dropout.
        let header = try RoundHeader(
            session: SecureRandom.bytes(16),
            round: 1,
            roster: roster,
            cohort: roster.ids,
            emulatorManifestHash: expectation.emulatorManifestHash,
            stateHash: expectation.stateHash,
            updateLength: 3,
            clip: 100,
            threshold: 2,
            minimumSurvivors: 2
        )
        let server = try SecureAggregationServer(
            header: header,
            signingKey: coordinatorKey,
            roster: roster,
            updateRule: "mean/1"
        )
        let participants = zip(roster.ids, keys).map { id, key in
            SecureAggregationParticipant(
                id: id,
                signingKey: key,
                roster: roster,
                policy: .simulation,
                memory: TransientRoundMemory()
            )
        }

        // R0 ADVERTISE and R1 SHARES: all three.
        for participant in participants {
            try server.receive(wire(participant.advertise(wire(server.signedHeader), expecting: expectation)))
        }
        let advertisements = try wire(server.closeAdvertising())
        for participant in participants { try server.receive(wire(participant.share(advertisements))) }
        let deliveries = try server.closeShares()

        // R2 MASKED: the third is gone.
        let codec = try FixedPointCodec(header)
        var encoded: [[UInt32]] = []
        for participant in participants.prefix(2) {
            let vector = try codec.encode(updates[Int(participant.id) - 1])
            encoded.append(vector)
            let delivery = try wire(#require(deliveries[participant.id]))
            try server.receive(wire(participant.mask(vector, after: delivery)))
        }
        let survivors = try wire(server.closeMasking())
        #expect(server.survivors == [1, 2])

        // R3 CONSISTENT, R4 UNMASK, R5 RESULT.
        for participant in participants.prefix(2) { try server.receive(wire(participant.confirm(survivors))) }
        let request = try wire(server.closeConsistency())
        #expect(request.dropouts == [3])
        for participant in participants.prefix(2) { try server.receive(wire(participant.unmask(request))) }
        let result = try wire(server.finish())
        for participant in participants.prefix(2) {
            let sum = try participant.accept(result)
            #expect(sum == zip(encoded[0], encoded[1]).map { $0 &+ $1 })
            let mean = try codec.decodeMean(sum, survivors: result.survivors.count)
            for (value, expected) in zip(mean, [0.375, 0.5, -0.25] as [Float]) {
                #expect(abs(value - expected) < 2e-7)
            }
            #expect(participant.nextStateHash == result.stateHash)
            #expect(participant.transcriptHash == result.transcriptHash)
        }
        #expect(throws: SecureAggregationError.outOfOrder(expected: .masked, got: .result)) {
            try participants[2].accept(result)
        }

        // What the coordinator saw.
        #expect(server.view.masked == [1, 2])
        #expect(server.view.seedsRecovered == [1, 2])
        #expect(server.view.maskKeysRecovered == [3])
        #expect(server.view.isComplete)
        #expect(server.view.receivedBytes.allSatisfy { $0 > 0 })
        #expect(
            server.view.warnings.contains { $0.contains("Threshold 2 of 3: the coordinator with 1 participant on") }
        )
    }

    @Test func weightedMeanHidesTheWeights() throws {
        let federation = try TestFederation(
            participants: 3,
            threshold: 3,
            updateLength: 4,
            clip: 5,
            weightMaximum: 1000
        )
        let round = try TestRound(federation)
        let codec = try FixedPointCodec(federation.header)
        let updates: [UInt32: [Float]] = [1: [1, 2, 3, 0], 2: [-1, 0, 1, 4], 3: [0.5, 0.5, 0.5, 0.5]]
        let weights: [UInt32: UInt32] = [1: 10, 2: 990, 3: 1000]
        let deliveries = try round.share(round.advertise())
        for id in federation.header.cohort {
            let vector = try codec.encode(
                #require(updates[id]),
                weight: #require(weights[id]),
                clipping: .refuse
            )
            #expect(vector.count == 5)
            try round.server.receive(round[id].mask(vector, after: #require(deliveries[id])))
        }
        let result = try round.unmask(round.confirm(round.server.closeMasking()))
        #expect(try codec.weightSum(result.aggregate) == 2000)
        let mean = try codec.decodeMean(result.aggregate, survivors: 3)
        for coordinate in 0..<4 {
            let expected = updates.reduce(0.0) { sum, entry in
                sum + Double(entry.value[coordinate]) * Double(weights[entry.key] ?? 0) / 2000
            }
            #expect(abs(Double(mean[coordinate]) - expected) < 1e-6)
        }
    }

    @Test(arguments: [16, 24, 32]) func everyRingSizeGivesTheExactSum(bits: Int) throws {
        let federation = try TestFederation(participants: 4, threshold: 3, updateLength: 33, clip: 1, bits: bits)
        let round = try TestRound(federation)
        let result = try round.unmask(round.confirm(round.mask(round.share(round.advertise()), [1, 3, 4])))
        #expect(result.aggregate == federation.ringSum([1, 3, 4]))
        #expect(result.encodedByteCount == result.encoded().count)
        let vectorBytes = 33 * bits / 8 * 3
        #expect(round.server.view.receivedBytes[2] - vectorBytes < 3 * 200)
        #expect(round.server.view.receivedBytes[2] > vectorBytes)
    }

    @Test func maskedVectorsTellNothingOnTheirOwn() throws {
        // The same update twice: the masked vectors share no word and spread over the ring.
        var seen: [[UInt32]] = []
        for number in 1...2 as ClosedRange<UInt32> {
            let federation = try TestFederation(participants: 3, threshold: 2, updateLength: 4096, round: number)
            let round = try TestRound(federation)
            let deliveries = try round.share(round.advertise())
            let zeros = [UInt32](repeating: 0, count: 4096)
            seen.append(try round[1].mask(zeros, after: #require(deliveries[1])).words)
        }
        #expect(zip(seen[0], seen[1]).filter { $0 == $1 }.count < 3)
        for vector in seen {
            let ones = vector.reduce(0) { $0 + $1.nonzeroBitCount }
            #expect(abs(ones - 4096 * 16) < 1500)
        }
    }

    @Test func rosterSizedCohort() throws {
        let federation = try TestFederation(participants: 12, minimumSurvivors: 3, policy: RoundPolicy())
        let round = try TestRound(federation)
        #expect(federation.header.threshold == 9)
        let result = try round.unmask(
            round.confirm(round.mask(round.share(round.advertise(), Array(1...11)), Array(2...11))),
            Array(2...10)
        )
        #expect(result.aggregate == federation.ringSum(Array(2...11)))
        round[11].abort()
        #expect(throws: SecureAggregationError.self) { try round[11].accept(result) }
        #expect(try round[4].accept(result) == result.aggregate)
    }
}
