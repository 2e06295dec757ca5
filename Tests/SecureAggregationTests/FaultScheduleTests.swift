import Cryptography
import SecureAggregation
import Testing

@Suite("Random fault schedules end in the exact ring sum or an error, never in a wrong sum")
struct FaultScheduleTests {
    @Test(arguments: 0..<10) func aHundredSchedules(block: Int) throws {
        var sums = 0
        var smaller = 0
        for number in block * 100..<(block + 1) * 100 {
            guard let survivors = try FaultSchedule(number).play() else { continue }
            sums += 1
            if survivors.wereFewer { smaller += 1 }
        }
        // Both ends have to occur, or the schedules test nothing.
        #expect(sums > 10 && sums < 95, "\(sums) of 100 rounds came to a sum")
        #expect(smaller > 2, "\(smaller) sums were of fewer than all")
    }
}

/// One round in which a seeded adversary sits between the parties, owns some of the participants' keys and, at times, the
/// coordinator's.
///
/// What arrives is compared in one way only: a sum that anybody accepts is that of the survivors' vectors.
final class FaultSchedule {
    /// What a round that came to a sum says about it.
    struct Outcome {
        var survivors: [UInt32]
        var wereFewer: Bool
    }

    private let number: Int
    private var dice: SeededDice
    private let federation: TestFederation
    private let round: TestRound
    /// One in how many messages goes wrong in this schedule.
    private let rarity: Int
    /// Bytes of earlier messages, to be replayed in any leg.
    private var past: [[UInt8]] = []

    init(_ number: Int) throws {
        self.number = number
        var dice = SeededDice(number)
        let n = Int.random(in: 3...6, using: &dice)
        // Mostly as low as it may be, so that rounds survive their dropouts.
        let lowest = n / 2 + 1
        let threshold = dice.isOne(of: 3) ? Int.random(in: lowest...n, using: &dice) : lowest
        let weights: UInt32 = dice.isOne(of: 4) ? 50 : 0
        federation = try TestFederation(
            participants: n,
            threshold: threshold,
            minimumSurvivors: dice.isOne(of: 4) ? Int.random(in: 2...n, using: &dice) : 2,
            updateLength: Int.random(in: 1...40, using: &dice),
            weightMaximum: weights,
            bits: [16, 24, 32].randomElement(using: &dice) ?? 32,
            round: UInt32(number + 1)
        )
        round = try TestRound(federation)
        rarity = [4, 10, 30, 100].randomElement(using: &dice) ?? 10
        self.dice = dice
    }

    /// Nil when the round ended in an error.
    func play() throws -> Outcome? {
        let server = round.server
        do {
            let opening = server.signedHeader
            try leg(
                federation.header.cohort,
                answer: { id in
                    try self.hand(opening, to: id, lies: self.lies(about: opening)) {
                        try self.round[id].advertise($0, expecting: self.federation.expectation)
                    }
                },
                forge: { (message: inout Advertisement, dice: inout SeededDice) in
                    message.maskKey = dice.isOne(of: 2) ? message.encryptionKey : [UInt8](repeating: 0, count: 32)
                },
                signed: \.signedBytes,
                id: \.id,
                receive: server.receive
            )
            let list = try server.closeAdvertising()
            try leg(
                server.advertised,
                answer: { id in
                    try self.hand(list, to: id, lies: self.lies(about: list)) { try self.round[id].share($0) }
                },
                forge: { (message: inout ShareBundle, dice: inout SeededDice) in
                    guard !message.shares.isEmpty else { return }
                    let victim = Int.random(in: message.shares.indices, using: &dice)
                    message.shares[victim].bytes[Int.random(in: 0..<104, using: &dice)] ^= 1
                },
                signed: \.signedBytes,
                id: \.id,
                receive: server.receive
            )
            let deliveries = try server.closeShares()
            try leg(
                server.sharing,
                answer: { id in
                    guard let delivery = deliveries[id] else { return nil }
                    return try self.hand(delivery, to: id, lies: self.lies(about: delivery)) {
                        try self.round[id].mask(self.federation.input(id), after: $0)
                    }
                },
                forge: { (message: inout MaskedInput, dice: inout SeededDice) in
                    if dice.isOne(of: 2) { message.words.append(1) } else { message.sharersHash[0] ^= 1 }
                },
                signed: { message in
                    MaskedInput.signedBytes(
                        roundHash: message.roundHash,
                        id: message.id,
                        sharersHash: message.sharersHash,
                        vectorHash: TaggedHash.digest("fsot/sa1/y", message.words.flatMap(\.littleEndianBytes))
                    )
                },
                id: \.id,
                receive: server.receive
            )
            let survivors = try server.closeMasking()
            try leg(
                server.survivors,
                answer: { id in
                    try self.hand(survivors, to: id, lies: self.lies(about: survivors)) {
                        try self.round[id].confirm($0)
                    }
                },
                forge: { (message: inout ConsistencySignature, _) in
                    message.survivorsHash[5] ^= 0x40
                },
                signed: { message in
                    ConsistencySignature.signedBytes(
                        roundHash: message.roundHash,
                        id: message.id,
                        survivorsHash: message.survivorsHash
                    )
                },
                id: \.id,
                receive: server.receive
            )
            let request = try server.closeConsistency()
            try leg(
                server.survivors,
                answer: { id in
                    try self.hand(request, to: id, lies: self.lies(about: request)) { try self.round[id].unmask($0) }
                },
                forge: { (message: inout UnmaskAnswer, dice: inout SeededDice) in
                    // Bad shares under a good signature.
                    for index in message.seedShares.indices { message.seedShares[index].bytes[index % 32] ^= 0x11 }
                    for index in message.keyShares.indices { message.keyShares[index].bytes[31] ^= 0x80 }
                },
                signed: \.signedBytes,
                id: \.id,
                receive: server.receive
            )
            let result = try server.finish()
            let expected = federation.ringSum(result.survivors)
            #expect(result.aggregate == expected, "schedule \(number)")
            #expect(result.survivors.count >= federation.header.neededSurvivors, "schedule \(number)")
            for id in result.survivors {
                let sum = try? hand(result, to: id, lies: lies(about: result)) { try round[id].accept($0) }
                if let sum { #expect(sum == expected, "schedule \(number), participant \(id)") }
            }
            return Outcome(
                survivors: result.survivors,
                wereFewer: result.survivors.count < federation.header.cohort.count
            )
        } catch is SecureAggregationError {
            return nil
        } catch is CryptographyError {
            return nil
        }
    }

    /// One leg: some participants are silent, the rest answer in any order, and what they send goes astray at times.
    private func leg<Message: RoundMessage>(
        _ ids: [UInt32],
        answer: (UInt32) throws -> Message?,
        forge: (inout Message, inout SeededDice) -> Void,
        signed: (Message) -> [UInt8],
        id: WritableKeyPath<Message, UInt32>,
        receive: (Message) throws -> Void
    ) throws {
        for sender in ids.shuffled(using: &dice) where !dice.isOne(of: 2 * rarity) {
            // A participant that refuses what it was told is silent.
            guard let message = try? answer(sender) else { continue }
            let bytes = message.encoded()
            for attempt in attempts(message, from: sender, forge, signed, id) {
                if let arrived = try? Message(decoding: attempt) { try? receive(arrived) }
            }
            past.append(bytes)
        }
    }

    /// What arrives in place of a message: usually the message.
    private func attempts<Message: RoundMessage>(
        _ message: Message,
        from sender: UInt32,
        _ forge: (inout Message, inout SeededDice) -> Void,
        _ signed: (Message) -> [UInt8],
        _ id: WritableKeyPath<Message, UInt32>
    ) -> [[UInt8]] {
        let bytes = message.encoded()
        guard dice.isOne(of: rarity) else { return [bytes] }
        switch Int.random(in: 0..<7, using: &dice) {
        case 0:
            return [bytes, bytes]
        case 1:
            return past.shuffled(using: &dice).prefix(3) + [bytes]
        case 2:
            return [corrupted(bytes)]
        case 3:
            return [corrupted(bytes), bytes]
        case 4:
            return [Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &dice)))]
        case 5:
            // In another's name, under the sender's own key.
            var stolen = message
            stolen[keyPath: id] = federation.header.cohort.randomElement(using: &dice) ?? sender
            return [resigned(stolen, by: sender, signed), bytes]
        default:
            var forged = message
            forge(&forged, &dice)
            return [resigned(forged, by: sender, signed)]
        }
    }

    private func resigned<Message: RoundMessage>(
        _ message: Message,
        by sender: UInt32,
        _ signed: (Message) -> [UInt8]
    ) -> [UInt8] {
        // The signature is the last field of every participant's message.
        let signature = (try? federation.key(sender).sign(signed(message))) ?? []
        return message.encoded().dropLast(64) + signature
    }

    private func corrupted(_ bytes: [UInt8]) -> [UInt8] {
        var changed = bytes
        for _ in 0...Int.random(in: 0...2, using: &dice) {
            changed[Int.random(in: changed.indices, using: &dice)] ^= UInt8.random(in: 1...255, using: &dice)
        }
        return changed
    }

    /// Hands a participant the coordinator's message: at times lies first, at times only lies.
    private func hand<Message: RoundMessage, Answer>(
        _ message: Message,
        to id: UInt32,
        lies: [Message],
        _ deliver: (Message) throws -> Answer
    ) throws -> Answer? {
        guard dice.isOne(of: rarity) else { return try deliver(wire(message)) }
        let lie = lies.randomElement(using: &dice) ?? message
        if dice.isOne(of: 3) { _ = try? deliver(Message(decoding: corrupted(message.encoded()))) }
        if let answer = try? deliver(wire(lie)) { return answer }
        return dice.isOne(of: 2) ? nil : try deliver(wire(message))
    }

    // MARK: - What a lying coordinator sends

    private func lies(about opening: SignedRoundHeader) -> [SignedRoundHeader] {
        let changes: [(inout RoundHeader) -> Void] = [
            { $0.clip /= 2 }, { $0.stateHash[3] ^= 1 }, { $0.cohort.removeLast() }, { $0.round += 1 },
            { $0.threshold = UInt16($0.cohort.count) }, { $0.emulatorManifestHash[0] ^= 8 }, { $0.weightMaximum ^= 7 },
        ]
        return changes.compactMap { change in
            var header = opening.header
            change(&header)
            return try? SignedRoundHeader(header, signingKey: federation.coordinator)
        }
    }

    private func lies(about list: AdvertisementList) -> [AdvertisementList] {
        var without = list
        without.advertisements.removeLast()
        var swapped = list
        if let key = try? X25519KeyPair() {
            // Its own key in place of a participant's, under the coordinator's signature.
            swapped.advertisements[0].maskKey = key.publicKey
            let bytes = swapped.advertisements[0].signedBytes
            swapped.advertisements[0].signature = (try? federation.coordinator.sign(bytes)) ?? []
        }
        var exchanged = list
        if list.advertisements.count > 1 {
            exchanged.advertisements[0].maskKey = list.advertisements[1].maskKey
            exchanged.advertisements[1].maskKey = list.advertisements[0].maskKey
        }
        return [without, swapped, exchanged]
    }

    private func lies(about delivery: ShareDelivery) -> [ShareDelivery] {
        var without = delivery
        without.entries.removeFirst()
        var changed = delivery
        if let last = changed.entries.indices.last { changed.entries[last].seedCommitment[0] ^= 1 }
        var garbled = delivery
        for index in garbled.entries.indices where !garbled.entries[index].share.isEmpty {
            garbled.entries[index].share[50] ^= 1
        }
        return [without, changed, garbled]
    }

    private func lies(about list: SurvivorList) -> [SurvivorList] {
        var without = list
        without.entries.removeFirst()
        var shorter = list
        shorter.entries.removeLast()
        var changed = list
        changed.entries[0].vectorHash[0] ^= 1
        return [without, shorter, changed]
    }

    private func lies(about request: UnmaskRequest) -> [UnmaskRequest] {
        var both = request
        both.dropouts = request.survivors
        var moved = request
        moved.dropouts = (request.dropouts + [request.survivors[0]]).sorted()
        moved.survivors.removeFirst()
        var few = request
        few.confirmations.removeLast()
        return [both, moved, few]
    }

    private func lies(about result: RoundResult) -> [RoundResult] {
        var changed = result
        changed.aggregate[0] ^= 1
        var fewer = result
        fewer.survivors.removeLast()
        return [changed, fewer]
    }
}
