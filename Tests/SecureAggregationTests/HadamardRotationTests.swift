import Cryptography
import SecureAggregation
import Testing

@Suite("Rotation before rounding")
struct HadamardRotationTests {
    private func codec(
        _ length: Int,
        participants: Int = 3,
        clip: Double = 1,
        weightMaximum: UInt32 = 0,
        bits: Int = 24
    ) throws -> (codec: FixedPointCodec, header: RoundHeader, rotation: HadamardRotation) {
        let rotation = try HadamardRotation(runSeed: 5, round: 2, updateLength: length)
        let header = try TestFederation(
            participants: participants,
            updateLength: length,
            clip: clip,
            weightMaximum: weightMaximum,
            bits: bits,
            rotation: rotation
        ).header
        return (try FixedPointCodec(header, rotation: rotation), header, rotation)
    }

    private func mean(_ updates: [[Float]], _ codec: FixedPointCodec, bits: Int) throws -> [Float] {
        let mask = bits == 32 ? UInt32.max : (UInt32(1) << UInt32(bits)) - 1
        var sum: [UInt32] = []
        for update in updates {
            let words = try codec.encode(update)
            sum = sum.isEmpty ? words : zip(sum, words).map { ($0 &+ $1) & mask }
        }
        return try codec.decodeMean(sum, survivors: updates.count)
    }

    @Test(arguments: [1, 2, 3, 5, 64, 1000, 40_000]) func theMeanComesBack(length: Int) throws {
        let (codec, header, rotation) = try codec(length, bits: 32)
        #expect(header.updateLength == rotation.paddedLength)
        #expect(rotation.paddedLength >= length && rotation.paddedLength < 2 * length)
        var dice = SeededDice(length)
        let bound = Float(1 / Double(length).squareRoot())
        let updates = (0..<3).map { _ in (0..<length).map { _ in Float.random(in: -bound...bound, using: &dice) } }
        let mean = try mean(updates, codec, bits: 32)
        #expect(mean.count == length)
        for index in 0..<length {
            let exact = (updates[0][index] + updates[1][index] + updates[2][index]) / 3
            #expect(abs(mean[index] - exact) < 1e-6)
        }
    }

    /// One large coordinate among zeros: what plain rounding does best and rotated rounding must still do right.
    @Test func aSingleSpikeIsSpreadAndComesBack() throws {
        let (codec, header, _) = try codec(4096, bits: 16)
        var update = [Float](repeating: 0, count: 4096)
        update[77] = 1
        let words = try codec.decodeIntegers(codec.encode(update)).map { Double($0) / header.scale }
        for word in words { #expect(abs(abs(word) - 1.0 / 64) < 1 / header.scale) }
        let mean = try mean([update, update, update], codec, bits: 16)
        #expect(abs(mean[77] - 1) < 0.01)
        #expect(mean.enumerated().allSatisfy { $0.offset == 77 || abs($0.element) < 0.01 })
    }

    @Test func theWeightIsNotRotated() throws {
        let (codec, header, rotation) = try codec(100, clip: 50, weightMaximum: 1000)
        #expect(Int(header.length) == rotation.paddedLength + 1)
        let updates = (0..<3).map { holder in (0..<100).map { Float(sin: holder * 100 + $0) } }
        let weights: [UInt32] = [1, 1000, 333]
        var sum = [UInt32](repeating: 0, count: Int(header.length))
        for (update, weight) in zip(updates, weights) {
            let words = try codec.encode(update, weight: weight)
            #expect(words.last == weight)
            sum = zip(sum, words).map { ($0 &+ $1) & 0xff_ffff }
        }
        #expect(try codec.weightSum(sum) == 1334)
        let mean = try codec.decodeMean(sum, survivors: 3)
        #expect(mean.count == 100)
        for index in 0..<100 {
            let exact = zip(updates, weights).reduce(0.0) { $0 + Double($1.0[index]) * Double($1.1) } / 1334
            #expect(abs(Double(mean[index]) - exact) < 1e-3)
        }
    }

    @Test func signsComeFromRunAndRoundOnly() throws {
        let one = try HadamardRotation(runSeed: 1, round: 1, updateLength: 10)
        #expect(one == (try HadamardRotation(runSeed: 1, round: 1, updateLength: 10)))
        let others = try [
            HadamardRotation(runSeed: 2, round: 1, updateLength: 10),
            HadamardRotation(runSeed: 1, round: 2, updateLength: 10),
            HadamardRotation(runSeed: 1, round: 1, updateLength: 11),
        ]
        #expect(Set(([one] + others).map(\.commitment)).count == 4)
        // The same update and rounding in two sessions, whose rh differ: the same words.
        let key = try SecretBytes.random(count: 32)
        let update = (0..<10).map { Float($0) / 100 }
        var encodings: Set<[UInt32]> = []
        for round in [7, 8] as [UInt32] {
            let header = try TestFederation(participants: 3, updateLength: 10, round: round, rotation: one).header
            encodings.insert(try FixedPointCodec(header, rotation: one).encode(update, roundingKey: key))
        }
        #expect(encodings.count == 1)
    }

    @Test func anotherRotationThanTheHeadersIsRefused() throws {
        let (_, header, rotation) = try codec(10)
        let other = try HadamardRotation(runSeed: 6, round: 2, updateLength: 10)
        #expect(throws: SecureAggregationError.self) { try FixedPointCodec(header) }
        #expect(throws: SecureAggregationError.self) { try FixedPointCodec(header, rotation: other) }
        let plain = try TestFederation(participants: 3, updateLength: 16).header
        #expect(throws: SecureAggregationError.self) { try FixedPointCodec(plain, rotation: rotation) }
        #expect(throws: SecureAggregationError.self) {
            try TestFederation(participants: 3, updateLength: 11, rotation: rotation)
        }
        #expect(throws: SecureAggregationError.self) { try HadamardRotation(runSeed: 1, round: 1, updateLength: 0) }
        var crooked = header
        crooked.length = 15
        #expect(throws: SecureAggregationError.self) { try crooked.validate() }
    }

    @Test func participantsRefuseARotationThatTheyDoNotExpect() throws {
        let rotation = try HadamardRotation(runSeed: 5, round: 2, updateLength: 16)
        let rotated = try TestFederation(participants: 3, updateLength: 16, rotation: rotation)
        let opening = try rotated.server().signedHeader
        var expectation = rotated.expectation
        expectation.rotation = nil
        #expect(throws: SecureAggregationError.self) {
            try rotated.participant(1).advertise(opening, expecting: expectation)
        }
        expectation.rotation = try HadamardRotation(runSeed: 6, round: 2, updateLength: 16)
        #expect(throws: SecureAggregationError.self) {
            try rotated.participant(1).advertise(opening, expecting: expectation)
        }
        _ = try rotated.participant(1).advertise(opening, expecting: rotated.expectation)
    }

    @Test(arguments: [3, 100], [16, 24, 32]) func rotatedSumsNeverOverflow(participants: Int, bits: Int) throws {
        // Every coordinate of the rotated update at its bound: an update along a row of the matrix.
        let (codec, header, _) = try codec(1, participants: participants, bits: bits)
        var exact = 0
        var sum: UInt32 = 0
        for _ in 0..<participants {
            let words = try codec.encode([1])
            exact += Int(try codec.decodeIntegers(words)[0])
            sum = sum &+ words[0]
        }
        let mask = bits == 32 ? UInt32.max : (UInt32(1) << UInt32(bits)) - 1
        #expect(Int(try codec.decodeIntegers([sum & mask])[0]) == exact)
        var finer = header
        finer.scale *= 2
        #expect(throws: SecureAggregationError.self) { try finer.validate() }
    }

    @Test func rotationBuysAccuracyWhereBitsAreFew() throws {
        for participants in [3, 10] {
            let plain = try QuantisationAccuracy(
                participants: participants,
                parameters: 4096,
                bits: 16,
                isRotated: false,
                seed: 1
            )
            let rotated = try QuantisationAccuracy(
                participants: participants,
                parameters: 4096,
                bits: 16,
                isRotated: true,
                seed: 1
            )
            let wide = try QuantisationAccuracy(
                participants: participants,
                parameters: 4096,
                bits: 24,
                isRotated: false,
                seed: 1
            )
            #expect(rotated.meanSquaredError < plain.meanSquaredError / 30)
            #expect(wide.meanSquaredError < plain.meanSquaredError / 10_000)
            #expect(plain.vectorBytes == 8192 && wide.vectorBytes == 12288)
            #expect(plain.relativeError < 1)
        }
    }
}

extension Float {
    /// Some number between -1 and 1 for each index.
    fileprivate init(sin index: Int) { self = Float((index * 7919) % 2001 - 1000) / 1000 }
}
