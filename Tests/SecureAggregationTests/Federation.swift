import Cryptography
import SecureAggregation

/// A roster with keys, and rounds over it whose messages all cross an imaginary wire as bytes.
struct TestFederation {
    let roster: Roster
    let coordinator: Ed25519SigningKey
    let members: [Ed25519SigningKey]
    let policy: RoundPolicy
    let memories: [TransientRoundMemory]
    let expectation: RoundExpectation
    let header: RoundHeader

    init(
        participants n: Int,
        threshold: Int? = nil,
        minimumSurvivors: Int? = nil,
        updateLength: Int = 5,
        clip: Double = 10,
        weightMaximum: UInt32 = 0,
        bits: Int = 32,
        round: UInt32 = 1,
        policy: RoundPolicy? = nil,
        rotation: HadamardRotation? = nil
    ) throws {
        coordinator = try Ed25519SigningKey()
        members = try (0..<n).map { _ in try Ed25519SigningKey() }
        roster = try Roster(coordinatorKey: coordinator.publicKey, memberKeys: members.map(\.publicKey))
        memories = (0..<n).map { _ in TransientRoundMemory() }
        self.policy = policy ?? RoundPolicy(threshold: .majority, minimumCohort: 2, minimumSurvivors: 2)
        expectation = RoundExpectation(
            emulatorManifestHash: [UInt8](repeating: 0xe0, count: 32),
            stateHash: [UInt8](repeating: 0x50, count: 32),
            updateLength: updateLength,
            updateRule: "test/1",
            rotation: rotation
        )
        header = try RoundHeader(
            session: Array("test-session-001".utf8),
            round: round,
            roster: roster,
            cohort: roster.ids,
            emulatorManifestHash: expectation.emulatorManifestHash,
            stateHash: expectation.stateHash,
            updateLength: updateLength,
            clip: clip,
            weightMaximum: weightMaximum,
            threshold: threshold,
            minimumSurvivors: minimumSurvivors ?? min(threshold ?? n, n),
            bits: bits,
            rotation: rotation
        )
    }

    func participant(_ id: UInt32) -> SecureAggregationParticipant {
        SecureAggregationParticipant(
            id: id,
            signingKey: members[Int(id) - 1],
            roster: roster,
            policy: policy,
            memory: memories[Int(id) - 1]
        )
    }

    func server(_ header: RoundHeader? = nil) throws -> SecureAggregationServer {
        try SecureAggregationServer(
            header: header ?? self.header,
            signingKey: coordinator,
            roster: roster,
            updateRule: expectation.updateRule
        )
    }

    func key(_ id: UInt32) -> Ed25519SigningKey { members[Int(id) - 1] }

    /// Distinct vectors over the whole ring.
    func input(_ id: UInt32) -> [UInt32] {
        let mask = header.bits == 32 ? UInt32.max : (UInt32(1) << UInt32(header.bits)) - 1
        return (0..<UInt32(header.length)).map { (id &* 0x9e37_79b9 &+ $0 &* 0x85eb_ca6b) & mask }
    }

    func ringSum(_ ids: [UInt32]) -> [UInt32] {
        let mask = header.bits == 32 ? UInt32.max : (UInt32(1) << UInt32(header.bits)) - 1
        return ids.reduce([UInt32](repeating: 0, count: Int(header.length))) { sum, id in
            zip(sum, input(id)).map { ($0 &+ $1) & mask }
        }
    }
}

/// What arrives at the other end of a wire.
func wire<Message: RoundMessage>(_ message: Message) throws -> Message {
    try Message(decoding: message.encoded())
}

/// One round in progress: all participants and the server, each leg a call; `present` says who still answers.
final class TestRound {
    let federation: TestFederation
    let server: SecureAggregationServer
    var participants: [UInt32: SecureAggregationParticipant] = [:]

    init(_ federation: TestFederation) throws {
        self.federation = federation
        server = try federation.server()
        for id in federation.header.cohort { participants[id] = federation.participant(id) }
    }

    subscript(_ id: UInt32) -> SecureAggregationParticipant {
        participants[id] ?? federation.participant(id)
    }

    func advertise(_ present: [UInt32]? = nil) throws -> AdvertisementList {
        for id in present ?? federation.header.cohort {
            try server.receive(
                wire(self[id].advertise(wire(server.signedHeader), expecting: federation.expectation))
            )
        }
        return try wire(server.closeAdvertising())
    }

    func share(_ list: AdvertisementList, _ present: [UInt32]? = nil) throws -> [UInt32: ShareDelivery] {
        for id in present ?? server.advertised { try server.receive(wire(self[id].share(list))) }
        return try server.closeShares().mapValues { try wire($0) }
    }

    func mask(_ deliveries: [UInt32: ShareDelivery], _ present: [UInt32]? = nil) throws -> SurvivorList {
        for id in present ?? server.sharing {
            guard let delivery = deliveries[id] else { continue }
            try server.receive(wire(self[id].mask(federation.input(id), after: delivery)))
        }
        return try wire(server.closeMasking())
    }

    func confirm(_ list: SurvivorList, _ present: [UInt32]? = nil) throws -> UnmaskRequest {
        for id in present ?? server.survivors { try server.receive(wire(self[id].confirm(list))) }
        return try wire(server.closeConsistency())
    }

    func unmask(_ request: UnmaskRequest, _ present: [UInt32]? = nil) throws -> RoundResult {
        for id in present ?? server.survivors { try server.receive(wire(self[id].unmask(request))) }
        return try wire(server.finish())
    }
}
