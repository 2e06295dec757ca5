import SecureAggregation
import Testing

/// One genuine message of every kind, from a round with a dropout.
struct Specimens {
    let header: SignedRoundHeader
    let advertisement: Advertisement
    let list: AdvertisementList
    let bundle: ShareBundle
    let delivery: ShareDelivery
    let masked: MaskedInput
    let survivors: SurvivorList
    let confirmation: ConsistencySignature
    let request: UnmaskRequest
    let answer: UnmaskAnswer
    let result: RoundResult

    init() throws {
        let federation = try TestFederation(participants: 4, threshold: 3)
        let round = try TestRound(federation)
        header = round.server.signedHeader
        list = try round.advertise()
        advertisement = list.advertisements[0]
        bundle = try round[1].share(list)
        try round.server.receive(bundle)
        let deliveries = try round.share(list, [2, 3, 4])
        delivery = try #require(deliveries[1])
        masked = try round[1].mask(federation.input(1), after: delivery)
        try round.server.receive(masked)
        survivors = try round.mask(deliveries, [2, 3])
        confirmation = try round[1].confirm(survivors)
        try round.server.receive(confirmation)
        request = try round.confirm(survivors, [2, 3])
        answer = try round[1].unmask(request)
        try round.server.receive(answer)
        result = try round.unmask(request, [2, 3])
    }
}

@Suite("Decoders under fuzzing")
struct MessageFuzzTests {
    private func fuzz<Message: RoundMessage>(_ message: Message) throws {
        let bytes = message.encoded()
        #expect(message.encodedByteCount == bytes.count)
        #expect(try Message(decoding: bytes) == message)
        for length in 0..<bytes.count {
            #expect(throws: SecureAggregationError.self) { try Message(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: SecureAggregationError.self) { try Message(decoding: bytes + [0]) }
        for index in bytes.indices {
            for flip in [0x01, 0x80, 0xff] as [UInt8] {
                var changed = bytes
                changed[index] ^= flip
                try expectCanonical(Message.self, changed, differsFrom: message)
            }
        }
        for _ in 0..<300 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...12) { changed[Int.random(in: 5..<changed.count)] = .random(in: 0...255) }
            if Bool.random() { changed.removeSubrange(Int.random(in: 5..<changed.count)..<changed.count) }
            if Bool.random() { changed += (0..<Int.random(in: 0...40)).map { _ in UInt8.random(in: 0...255) } }
            try expectCanonical(Message.self, changed, differsFrom: changed == bytes ? nil : message)
        }
    }

    /// Either the bytes are malformed, or they are the one encoding of another message.
    private func expectCanonical<Message: RoundMessage>(
        _ type: Message.Type,
        _ bytes: [UInt8],
        differsFrom original: Message?
    ) throws {
        do {
            let decoded = try Message(decoding: bytes)
            if let original, decoded == original { Issue.record("two encodings of one \(type)") }
            #expect(decoded.encoded() == bytes)
        } catch SecureAggregationError.malformed {}
    }

    @Test func everyMessage() throws {
        let specimens = try Specimens()
        try fuzz(specimens.header)
        try fuzz(specimens.header.header)
        try fuzz(specimens.advertisement)
        try fuzz(specimens.list)
        try fuzz(specimens.bundle)
        try fuzz(specimens.delivery)
        try fuzz(specimens.masked)
        try fuzz(specimens.survivors)
        try fuzz(specimens.confirmation)
        try fuzz(specimens.request)
        try fuzz(specimens.answer)
        try fuzz(specimens.result)
    }

    @Test func oneMessageIsNotAnother() throws {
        let specimens = try Specimens()
        #expect(throws: SecureAggregationError.self) { try UnmaskAnswer(decoding: specimens.confirmation.encoded()) }
        #expect(throws: SecureAggregationError.self) { try Advertisement(decoding: specimens.list.encoded()) }
        #expect(throws: SecureAggregationError.self) { try RoundResult(decoding: []) }
    }
}
