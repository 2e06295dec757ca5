import Cryptography
import SecureAggregation
import Testing

@Suite("Fixed point")
struct FixedPointCodecTests {
    private func codec(
        _ length: Int,
        participants: Int = 3,
        clip: Double = 1,
        weightMaximum: UInt32 = 0,
        bits: Int = 32
    ) throws -> (codec: FixedPointCodec, header: RoundHeader) {
        let header = try TestFederation(
            participants: participants,
            updateLength: length,
            clip: clip,
            weightMaximum: weightMaximum,
            bits: bits
        ).header
        return (try FixedPointCodec(header), header)
    }

    @Test(arguments: [16, 24, 32]) func theDecodedSumIsTheSumOfTheIntegers(bits: Int) throws {
        let (codec, header) = try codec(50, participants: 7, clip: 3, bits: bits)
        let mask = bits == 32 ? UInt32.max : (UInt32(1) << UInt32(bits)) - 1
        var ring = [UInt32](repeating: 0, count: 50)
        var integers = [Int](repeating: 0, count: 50)
        for _ in 0..<7 {
            let update = (0..<50).map { _ in Float.random(in: -3...3) }
            let words = try codec.encode(update)
            ring = zip(ring, words).map { ($0 &+ $1) & mask }
            integers = zip(integers, try codec.decodeIntegers(words)).map { $0 + Int($1) }
        }
        #expect(try codec.decodeIntegers(ring).map { Int($0) } == integers)
        let mean = try codec.decodeMean(ring, survivors: 7)
        for (value, integer) in zip(mean, integers) { #expect(value == Float(Double(integer) / (header.scale * 7))) }
    }

    @Test func roundingIsUnbiasedAndBelowOneStep() throws {
        let (codec, header) = try codec(1, clip: 1, bits: 16)
        for value in [0.123456, -0.123456, 1e-6, -0.99999] as [Float] {
            let exact = Double(value) * header.scale
            var total = 0.0
            let draws = 4000
            for _ in 0..<draws {
                let integer = Double(try codec.decodeIntegers(codec.encode([value]))[0])
                #expect(abs(integer - exact) < 1)
                total += integer
            }
            // Five standard deviations of a mean of Bernoulli draws.
            #expect(abs(total / Double(draws) - exact) < 5 * 0.5 / Double(draws).squareRoot())
        }
    }

    @Test func sameKeySameRounding() throws {
        let (codec, _) = try codec(1000)
        let update = (0..<1000).map { Float($0) / 40_000 }
        let key = try SecretBytes.random(count: 32)
        #expect(try codec.encode(update, roundingKey: key) == codec.encode(update, roundingKey: key))
        #expect(try codec.encode(update) != codec.encode(update))
    }

    @Test func longUpdatesAreClippedOrRefused() throws {
        let (codec, header) = try codec(2, clip: 1)
        let decoded = try codec.decodeIntegers(codec.encode([30, -40])).map { Double($0) / header.scale }
        #expect(abs(decoded[0] - 0.6) < 1e-6)
        #expect(abs(decoded[1] + 0.8) < 1e-6)
        #expect(throws: SecureAggregationError.exceedsClip(norm: 50, clip: 1)) {
            try codec.encode([30, -40], clipping: .refuse)
        }
        let within = try codec.decodeIntegers(codec.encode([0.5, 0], clipping: .refuse)).map {
            Double($0) / header.scale
        }
        #expect(abs(within[0] - 0.5) < 1e-8)
    }

    @Test func badValuesAreNamed() throws {
        let (codec, _) = try codec(3)
        #expect(throws: SecureAggregationError.notFinite(index: 1)) { try codec.encode([0, .nan, .infinity]) }
        #expect(throws: SecureAggregationError.notFinite(index: 2)) { try codec.encode([0, 1, -.infinity]) }
        #expect(throws: SecureAggregationError.wrongLength(of: "update", expected: 3, actual: 2)) {
            try codec.encode([0, 0])
        }
        #expect(throws: SecureAggregationError.self) { try codec.encode([0, 0, 0], weight: 2) }
        #expect(throws: SecureAggregationError.self) { try codec.decodeMean([0, 0], survivors: 2) }
        #expect(throws: SecureAggregationError.self) { try codec.decodeMean([0, 0, 0], survivors: 0) }
        #expect(throws: SecureAggregationError.self) { try codec.weightSum([0, 0, 0]) }
        let weighted = try self.codec(1, weightMaximum: 7).codec
        #expect(throws: SecureAggregationError.self) { try weighted.encode([0], weight: 0) }
        #expect(throws: SecureAggregationError.self) { try weighted.encode([0], weight: 8) }
    }

    @Test(arguments: [2, 3, 100, 128], [16, 24, 32]) func theFinestScaleNeverOverflowsAndWastesLittle(
        participants: Int,
        bits: Int
    ) throws {
        for clip in [1e-6, 0.1, 1, 3, 1e5] {
            let (codec, header) = try codec(1, participants: participants, clip: clip, bits: bits)
            // Every participant at the bound: the worst sum.
            let limit = Int32(1) << Int32(bits - 2)
            for value in [Float(clip), -Float(clip)] {
                var sum: UInt32 = 0
                var exact = 0
                for _ in 0..<participants {
                    let word = try codec.encode([value])
                    sum = sum &+ word[0]
                    exact += Int(try codec.decodeIntegers(word)[0])
                }
                let decoded = try codec.decodeIntegers([bits == 32 ? sum : sum & ((1 << UInt32(bits)) - 1)])[0]
                #expect(Int(decoded) == exact)
                if bits == 32 || participants < 100 { #expect(abs(decoded) > limit / 2) }
            }
            var finer = header
            finer.scale *= 1.1
            if bits == 32 { #expect(throws: SecureAggregationError.self) { try finer.validate() } }
        }
    }
}
