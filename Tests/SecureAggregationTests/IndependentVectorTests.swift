import Cryptography
import Foundation
import SecureAggregation
import Testing

/// The bytes that hexadecimal digits stand for; none for a fixture that is damaged.
private func bytes(_ hexadecimal: String) -> [UInt8] { [UInt8](hexadecimal: hexadecimal) ?? [] }

/// Whole rounds that `Tests/Fixtures/sa1/generate.py` wrote from SA1.md alone.
@Suite("SA1.md: rounds that a Python program wrote, byte for byte")
struct IndependentVectorTests {
    struct Round: Decodable, CustomTestStringConvertible {
        let name: String
        let coordinator_seed: String
        let member_seeds: [String]
        let roster_hash: String
        let session: String
        let emulator: String
        let state: String
        let round: UInt32
        let update_rule: String
        let cohort: [UInt32]
        let survivors: [UInt32]
        let threshold: Int
        let minimum: Int
        let deadlines: [UInt64]
        let bits: Int
        let clip: Double
        let scale: Double
        let weight_maximum: UInt32
        let length: UInt64
        let run_seed: UInt64?
        let rotation_commitment: String
        let header: String
        let rh: String
        let signed_header: String
        let draws: [String: [String]]
        let seed_commitments: [String: String]
        let self_keys: [String: String]
        let pair_keys: [String: String]
        let updates: [String: [Float]]
        let weights: [String: UInt32]
        let rounding_keys: [String: String]
        let inputs: [String: [UInt32]]
        let masked: [String: [UInt32]]
        let sharers_hash: String
        let survivors_hash: String
        let advertisements: [String: String]
        let advertisement_list: String
        let bundles: [String: String]
        let deliveries: [String: String]
        let masked_messages: [String: String]
        let survivor_list: String
        let confirmations: [String: String]
        let request: String
        let answers: [String: String]
        let aggregate: [UInt32]
        let next_state: String
        let transcript: String
        let result: String

        var testDescription: String { name }

        /// A value of one participant.
        func of(_ id: UInt32, _ values: [String: String]) throws -> [UInt8] { try bytes(#require(values["\(id)"])) }

        func coordinatorKey() throws -> Ed25519SigningKey {
            try Ed25519SigningKey(seed: SecretBytes(copying: bytes(coordinator_seed)))
        }

        func memberKeys() throws -> [Ed25519SigningKey] {
            try member_seeds.map { try Ed25519SigningKey(seed: SecretBytes(copying: bytes($0))) }
        }

        func roster() throws -> Roster {
            try Roster(coordinatorKey: coordinatorKey().publicKey, memberKeys: memberKeys().map(\.publicKey))
        }

        func rotation() throws -> HadamardRotation? {
            try run_seed.map {
                try HadamardRotation(runSeed: $0, round: round, updateLength: #require(updates["1"]).count)
            }
        }

        func roundHeader() throws -> RoundHeader {
            var header = try RoundHeader(
                session: bytes(session),
                round: round,
                roster: roster(),
                cohort: cohort,
                emulatorManifestHash: bytes(emulator),
                stateHash: bytes(state),
                updateLength: #require(updates["1"]).count,
                clip: clip,
                weightMaximum: weight_maximum,
                threshold: threshold,
                minimumSurvivors: minimum,
                bits: bits,
                rotation: rotation()
            )
            header.deadlines = deadlines
            return header
        }
    }

    static let rounds: [Round] = {
        struct File: Decodable { let rounds: [Round] }
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/sa1/vectors.json")
        do {
            return try JSONDecoder().decode(File.self, from: Data(contentsOf: fixture)).rounds
        } catch {
            Issue.record("\(fixture.path): \(error)")
            return []
        }
    }()

    @Test func thereAreRoundsOfEveryWidth() {
        #expect(Set(Self.rounds.map(\.bits)) == [16, 24, 32])
        #expect(Self.rounds.contains { $0.run_seed != nil && $0.weight_maximum > 0 })
    }

    @Test(arguments: rounds) func headerAndItsHash(_ round: Round) throws {
        let header = try round.roundHeader()
        #expect(header.rosterHash == bytes(round.roster_hash))
        #expect(header.scale == round.scale)
        #expect(header.length == round.length)
        #expect(header.rotationCommitment == bytes(round.rotation_commitment))
        #expect(header.encoded() == bytes(round.header))
        #expect(header.hash == bytes(round.rh))
        #expect(try RoundHeader(decoding: bytes(round.header)) == header)
        let signed = try SignedRoundHeader(header, signingKey: round.coordinatorKey())
        #expect(signed.encoded() == bytes(round.signed_header))
        #expect(try SignedRoundHeader(decoding: bytes(round.signed_header)) == signed)
    }

    @Test(arguments: rounds) func keysOfTheMasks(_ round: Round) throws {
        #expect(round.self_keys.count == 4 && round.pair_keys.count == 6)
        func draw(_ id: UInt32, _ index: Int) throws -> SecretBytes {
            try SecretBytes(copying: bytes(#require(round.draws["\(id)"])[index]))
        }
        for id in round.cohort {
            let key = try RoundDerivations.selfKey(roundHash: bytes(round.rh), id: id, seed: draw(id, 2))
            #expect(try key.exposed() == round.of(id, round.self_keys))
            for other in round.cohort where other != id {
                let key = try RoundDerivations.pairKey(
                    roundHash: bytes(round.rh),
                    secretKey: draw(id, 0),
                    me: id,
                    myPublicKey: X25519.publicKey(of: draw(id, 0)),
                    other: other,
                    otherPublicKey: X25519.publicKey(of: draw(other, 0))
                )
                #expect(key.exposed() == bytes(try #require(round.pair_keys["\(min(id, other))-\(max(id, other))"])))
            }
        }
    }

    @Test(arguments: rounds) func quantisation(_ round: Round) throws {
        let codec = try FixedPointCodec(round.roundHeader(), rotation: round.rotation())
        for id in round.survivors {
            let words = try codec.encode(
                #require(round.updates["\(id)"]),
                weight: #require(round.weights["\(id)"]),
                roundingKey: SecretBytes(copying: round.of(id, round.rounding_keys))
            )
            #expect(words == round.inputs["\(id)"])
        }
    }

    /// The coordinator, fed with the participants' messages, sends what the Python program's coordinator sent.
    @Test(arguments: rounds) func theCoordinatorsMessages(_ round: Round) throws {
        let server = try SecureAggregationServer(
            header: round.roundHeader(),
            signingKey: round.coordinatorKey(),
            roster: round.roster(),
            updateRule: round.update_rule
        )
        #expect(server.signedHeader.encoded() == bytes(round.signed_header))
        func feed<Message: RoundMessage>(
            _ ids: [UInt32],
            _ messages: [String: String],
            _ receive: (Message) throws -> Void
        ) throws {
            for id in ids {
                let bytes = try round.of(id, messages)
                let message = try Message(decoding: bytes)
                #expect(message.encoded() == bytes)
                try receive(message)
            }
        }
        try feed(round.cohort, round.advertisements) { (message: Advertisement) in try server.receive(message) }
        #expect(try server.closeAdvertising().encoded() == bytes(round.advertisement_list))
        try feed(round.cohort, round.bundles) { (message: ShareBundle) in
            #expect(try message.seedCommitment == round.of(message.id, round.seed_commitments))
            try server.receive(message)
        }
        let deliveries = try server.closeShares()
        #expect(deliveries.count == round.cohort.count)
        for (id, delivery) in deliveries { #expect(try delivery.encoded() == round.of(id, round.deliveries)) }
        try feed(round.survivors, round.masked_messages) { (message: MaskedInput) in
            #expect(message.words == round.masked["\(message.id)"])
            #expect(message.sharersHash == bytes(round.sharers_hash))
            try server.receive(message)
        }
        #expect(try server.closeMasking().encoded() == bytes(round.survivor_list))
        try feed(round.survivors, round.confirmations) { (message: ConsistencySignature) in
            #expect(message.survivorsHash == bytes(round.survivors_hash))
            try server.receive(message)
        }
        #expect(try server.closeConsistency().encoded() == bytes(round.request))
        try feed(round.survivors, round.answers) { (message: UnmaskAnswer) in try server.receive(message) }
        let result = try server.finish()
        #expect(result.aggregate == round.aggregate)
        #expect(result.stateHash == bytes(round.next_state))
        #expect(result.transcriptHash == bytes(round.transcript))
        #expect(result.encoded() == bytes(round.result))
    }

    /// Each participant, with the Python program's random bytes, answers what its participant answered.
    @Test(arguments: rounds) func theParticipantsMessages(_ round: Round) throws {
        let header = try round.roundHeader()
        let expectation = RoundExpectation(
            emulatorManifestHash: header.emulatorManifestHash,
            stateHash: header.stateHash,
            updateLength: try #require(round.updates["1"]).count,
            updateRule: round.update_rule,
            rotation: try round.rotation()
        )
        for id in round.cohort {
            let participant = SecureAggregationParticipant(
                id: id,
                signingKey: try round.memberKeys()[Int(id) - 1],
                roster: try round.roster(),
                policy: RoundPolicy(),
                memory: TransientRoundMemory()
            )
            var draws = try #require(round.draws["\(id)"]).map(bytes)
            participant.draw = { count in
                let next = draws.removeFirst()
                #expect(next.count == count)
                return try SecretBytes(copying: next)
            }
            let opening = try SignedRoundHeader(decoding: bytes(round.signed_header))
            #expect(
                try participant.advertise(opening, expecting: expectation).encoded()
                    == round.of(id, round.advertisements)
            )
            let list = try AdvertisementList(decoding: bytes(round.advertisement_list))
            #expect(try participant.share(list).encoded() == round.of(id, round.bundles))
            #expect(draws.isEmpty)
            guard round.survivors.contains(id) else { continue }
            let delivery = try ShareDelivery(decoding: round.of(id, round.deliveries))
            let masked = try participant.mask(#require(round.inputs["\(id)"]), after: delivery)
            #expect(try masked.encoded() == round.of(id, round.masked_messages))
            let survivors = try SurvivorList(decoding: bytes(round.survivor_list))
            #expect(try participant.confirm(survivors).encoded() == round.of(id, round.confirmations))
            let request = try UnmaskRequest(decoding: bytes(round.request))
            #expect(try participant.unmask(request).encoded() == round.of(id, round.answers))
            #expect(try participant.accept(RoundResult(decoding: bytes(round.result))) == round.aggregate)
            #expect(participant.nextStateHash == bytes(round.next_state))
            #expect(participant.transcriptHash == bytes(round.transcript))
        }
    }
}
