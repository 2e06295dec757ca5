import Cryptography
import Foundation
import SecureAggregation
import TensorEngine

/// One round of SA1 among fresh keys in this process, every message as bytes, with the CPU time of each side.
///
/// The parties take turns, so the process's CPU clock between two messages is that of the one whose turn it is, its
/// helper threads included. What nobody does in a real round (making up updates, checking the sum) is not counted.
struct AggregationRehearsal {
    /// What a round took.
    struct Figures {
        /// Whether the sum is that of the survivors' vectors, word for word, for the coordinator and every survivor.
        var isExact = true
        /// CPU seconds of each participant in each leg R0 ... R5.
        var participants: [UInt32: [Double]] = [:]
        /// CPU seconds of the coordinator in each leg R0 ... R5.
        var server = [Double](repeating: 0, count: 6)
        /// Bytes that a participant that stays to the end sends in R0 ... R4.
        var uploads: [UInt32: Int] = [:]
        /// Wall-clock seconds of removing the masks from the sum.
        var unmaskingSeconds = 0.0
        /// Participants in the sum.
        var survivors = 0

        /// Seconds of an average survivor, leg by leg.
        var survivorMean: [Double] {
            let complete = participants.values.filter { $0[5] > 0 }
            return (0..<6).map { leg in complete.reduce(0) { $0 + $1[leg] } / Double(max(1, complete.count)) }
        }
    }

    let parameters: Int
    let dropouts: Int
    private let header: RoundHeader
    private let server: SecureAggregationServer
    private let participants: [UInt32: SecureAggregationParticipant]
    private let expectation: RoundExpectation
    private let rotation: HadamardRotation?

    /// Keys, a roster and a header.
    ///
    /// - Parameter dropouts: participants that leave after they shared their secrets: the coordinator's dearest case.
    /// - Throws: `SecureAggregationError` when so few stay that the threshold is missed.
    init(participants n: Int, parameters: Int, dropouts: Int, bits: Int, isRotated: Bool = false) throws {
        self.parameters = parameters
        self.dropouts = dropouts
        let coordinatorKey = try Ed25519SigningKey()
        let keys = try (0..<n).map { _ in try Ed25519SigningKey() }
        let roster = try Roster(coordinatorKey: coordinatorKey.publicKey, memberKeys: keys.map(\.publicKey))
        rotation =
            isRotated
            ? try HadamardRotation(runSeed: 1, round: 1, updateLength: parameters) : nil
        expectation = RoundExpectation(
            emulatorManifestHash: SecureRandom.bytes(32),
            stateHash: SecureRandom.bytes(32),
            updateLength: parameters,
            updateRule: "bench/1",
            rotation: rotation
        )
        header = try RoundHeader(
            session: SecureRandom.bytes(16),
            round: 1,
            roster: roster,
            cohort: roster.ids,
            emulatorManifestHash: expectation.emulatorManifestHash,
            stateHash: expectation.stateHash,
            updateLength: parameters,
            clip: 1,
            bits: bits,
            rotation: rotation
        )
        guard n - dropouts >= header.neededSurvivors else {
            throw SecureAggregationError.tooFew(leg: .masked, count: n - dropouts, needed: header.neededSurvivors)
        }
        server = try SecureAggregationServer(
            header: header,
            signingKey: coordinatorKey,
            roster: roster,
            updateRule: expectation.updateRule
        )
        participants = Dictionary(
            uniqueKeysWithValues: zip(roster.ids, keys).map { id, key in
                let participant = SecureAggregationParticipant(
                    id: id,
                    signingKey: key,
                    roster: roster,
                    policy: RoundPolicy(),
                    memory: TransientRoundMemory()
                )
                return (id, participant)
            }
        )
    }

    /// Plays the round.
    ///
    /// - Parameter progress: called with each leg, and the number of participants done with it.
    /// - Throws: `SecureAggregationError`, `CryptographyError`.
    func play(_ progress: (Leg, Int) throws -> Void) throws -> Figures {
        var figures = Figures()
        for id in header.cohort {
            figures.participants[id] = [Double](repeating: 0, count: 6)
            figures.uploads[id] = 0
        }
        let opening = onServer(0, &figures) { server.signedHeader.encoded() }
        try turn(.advertise, header.cohort, &figures, progress) { participant, _ in
            try participant.advertise(SignedRoundHeader(decoding: opening), expecting: expectation).encoded()
        } receive: {
            try server.receive(Advertisement(decoding: $0))
        }
        let list = try onServer(0, &figures) { try server.closeAdvertising().encoded() }
        try turn(.shares, header.cohort, &figures, progress) { participant, _ in
            try participant.share(AdvertisementList(decoding: list)).encoded()
        } receive: {
            try server.receive(ShareBundle(decoding: $0))
        }
        let deliveries = try onServer(1, &figures) { try server.closeShares() }

        var expected = [UInt32](repeating: 0, count: Int(header.length))
        let codec = try FixedPointCodec(header, rotation: rotation)
        // The first ones leave: a survivor's sign towards a dropout is then not always the same as towards a survivor.
        let survivors = Array(header.cohort.dropFirst(dropouts))
        try turn(.masked, survivors, &figures, progress) { participant, seconds in
            let update = Self.update(parameters, of: participant.id)
            // The same rounding twice: once for the participant, once for the sum to compare with.
            let roundingKey = try SecretBytes.random(count: 32)
            let words = try codec.encode(update, roundingKey: roundingKey)
            for index in expected.indices { expected[index] = expected[index] &+ words[index] }
            let delivery = deliveries[participant.id]?.encoded() ?? []
            let start = ProcessUsage.cpuSeconds
            let masked = try participant.mask(
                codec.encode(update, roundingKey: roundingKey),
                after: ShareDelivery(decoding: delivery)
            ).encoded()
            seconds = ProcessUsage.cpuSeconds - start
            return masked
        } receive: {
            try server.receive(MaskedInput(decoding: $0))
        }
        let survivorList = try onServer(2, &figures) { try server.closeMasking().encoded() }
        try turn(.consistent, survivors, &figures, progress) { participant, _ in
            try participant.confirm(SurvivorList(decoding: survivorList)).encoded()
        } receive: {
            try server.receive(ConsistencySignature(decoding: $0))
        }
        let request = try onServer(3, &figures) { try server.closeConsistency().encoded() }
        try turn(.unmask, survivors, &figures, progress) { participant, _ in
            try participant.unmask(UnmaskRequest(decoding: request)).encoded()
        } receive: {
            try server.receive(UnmaskAnswer(decoding: $0))
        }
        let start = ContinuousClock.now
        let result = try onServer(4, &figures) { try server.finish() }
        figures.unmaskingSeconds = start.duration(to: .now) / .seconds(1)
        let encoded = onServer(5, &figures) { result.encoded() }
        let mask = header.bits == 32 ? UInt32.max : UInt32(1) << UInt32(header.bits) - 1
        for index in expected.indices { expected[index] &= mask }
        var isExact = true
        try turn(.result, survivors, &figures, progress) { participant, seconds in
            let start = ProcessUsage.cpuSeconds
            let sum = try participant.accept(RoundResult(decoding: encoded))
            seconds = ProcessUsage.cpuSeconds - start
            if sum != expected { isExact = false }
            return []
        } receive: { _ in
        }
        figures.isExact = isExact && result.aggregate == expected && result.survivors == survivors
        figures.survivors = result.survivors.count
        return figures
    }

    /// One leg: each participant answers, the coordinator takes the answer. `answer` may say itself what it took.
    private func turn(
        _ leg: Leg,
        _ ids: [UInt32],
        _ figures: inout Figures,
        _ progress: (Leg, Int) throws -> Void,
        answer: (SecureAggregationParticipant, inout Double) throws -> [UInt8],
        receive: ([UInt8]) throws -> Void
    ) throws {
        let index = Int(leg.rawValue)
        for (done, id) in ids.enumerated() {
            guard let participant = participants[id] else { continue }
            try progress(leg, done)
            var seconds = -1.0
            let start = ProcessUsage.cpuSeconds
            let message = try answer(participant, &seconds)
            figures.participants[id]?[index] += seconds < 0 ? ProcessUsage.cpuSeconds - start : seconds
            figures.uploads[id]? += message.count
            try onServer(index, &figures) { try receive(message) }
        }
    }

    private func onServer<Result>(_ leg: Int, _ figures: inout Figures, _ body: () throws -> Result) rethrows -> Result
    {
        let start = ProcessUsage.cpuSeconds
        let result = try body()
        figures.server[leg] += ProcessUsage.cpuSeconds - start
        return result
    }

    /// Numbers whose norm stays below the clip bound 1.
    private static func update(_ count: Int, of id: UInt32) -> [Float] {
        var generator = SeededGenerator(seed: UInt64(id))
        let bound = 1 / Double(count).squareRoot()
        return (0..<count).map { _ in
            Float((Double(generator.next() >> 11) / Double(1 << 53) * 2 - 1) * bound)
        }
    }
}
