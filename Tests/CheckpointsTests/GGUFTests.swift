import Checkpoints
import Foundation
import TensorEngine
import Testing

@Suite struct GGUFTests {
    let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private func open(_ builder: GGUFBuilder) throws -> GGUFFile {
        try GGUFFile(path: workspace.write(builder.build(), "x.gguf"))
    }

    @Test func readsEveryMetadataTypeAsTheReferencePackageWritesIt() throws {
        let metadata = try GGUFFile(path: Fixture.checkpoints("blocks.gguf")).metadata
        #expect(metadata["t.uint8"] == .integer(250))
        #expect(metadata["t.int8"] == .integer(-7))
        #expect(metadata["t.uint16"] == .integer(65000))
        #expect(metadata["t.int16"] == .integer(-3000))
        #expect(metadata["t.uint32"] == .integer(4_000_000_000))
        #expect(metadata["t.int32"] == .integer(-2_000_000_000))
        #expect(metadata["t.uint64"] == .large(.max))
        #expect(metadata["t.int64"] == .integer(-(1 << 62)))
        #expect(metadata["t.float32"] == .float(1e-5))
        #expect(metadata["t.float32"]?.double == 1e-5)
        #expect(metadata["t.float64"] == .double(0.1))
        #expect(metadata["t.bool"]?.bool == true)
        #expect(metadata["t.string"]?.string == "naïve ☃")
        #expect(metadata["t.strings"]?.strings == ["a", "", "☃"])
        #expect(metadata["t.integers"]?.integers == [1, -2, 3])
        #expect(metadata["t.floats"]?.floats == [0.5, -0.25])
        #expect(metadata["t.bools"]?.bools == [true, false, true])
    }

    @Test func dequantisesBitForBitAsTheReferencePackage() throws {
        let file = try GGUFFile(path: Fixture.checkpoints("blocks.gguf"))
        let expected = try SafetensorsFile(path: Fixture.checkpoints("blocks.safetensors"))
        #expect(file.tensorNames == expected.tensorNames)
        #expect(file.tensorNames.count == 10)
        for name in expected.tensorNames {
            #expect(try file.info(name).shape == expected.info(name).shape, "\(name)")
            #expect(try file.info(name).type.rawValue == name)
            #expect(try file.values(name).bits == expected.values(name).bits, "\(name)")
        }
    }

    @Test func dequantisesBlocksWorkedOutByHand() throws {
        let two = Data([0x00, 0x40])  // 2.0 as a half
        let minusHalf = Data([0x00, 0xb8])  // −0.5
        // Byte j holds number j below and number j + 16 above.
        let nibbles = Data((0..<16).map { UInt8($0 | (15 - $0) << 4) })
        let low = (0..<16).map { Float($0) }
        let high = (0..<16).map { Float(15 - $0) }
        // Fifth bits: set for number 0 and number 31.
        let fifth = Data.bytes(UInt32(0x8000_0001))
        let fiveLow = [16] + low.dropFirst()
        let fiveHigh = high.dropLast() + [high[15] + 16]
        let eight = (0..<32).map { Int8($0 * 8 - 128) }
        var builder = GGUFBuilder()
        builder.add(tensor: "q4_0", type: 2, extents: [32], data: .joined(two, nibbles))
        builder.add(tensor: "q4_1", type: 3, extents: [32], data: .joined(two, minusHalf, nibbles))
        builder.add(tensor: "q5_0", type: 6, extents: [32], data: .joined(two, fifth, nibbles))
        builder.add(tensor: "q5_1", type: 7, extents: [32], data: .joined(two, minusHalf, fifth, nibbles))
        builder.add(
            tensor: "q8_0",
            type: 8,
            extents: [32],
            data: .joined(minusHalf, Data(eight.map { UInt8(bitPattern: $0) }))
        )
        let file = try open(builder)
        #expect(try file.values("q4_0") == (low + high).map { ($0 - 8) * 2 })
        #expect(try file.values("q4_1") == (low + high).map { $0 * 2 - 0.5 })
        #expect(try file.values("q5_0") == (fiveLow + fiveHigh).map { ($0 - 16) * 2 })
        #expect(try file.values("q5_1") == (fiveLow + fiveHigh).map { $0 * 2 - 0.5 })
        #expect(try file.values("q8_0") == eight.map { Float($0) * -0.5 })
    }

    @Test func reversesExtentsAndReadsVersion2AndNestedArrays() throws {
        var builder = GGUFBuilder()
        builder.version = 2
        // An array of two arrays: of one INT8, and of no strings.
        let inner = Data.joined(.bytes(UInt32(1)), .bytes(UInt64(1)), .bytes(Int8(-4)))
        let none = Data.joined(.bytes(UInt32(8)), .bytes(UInt64(0)))
        builder.add("nested", type: 9, .joined(.bytes(UInt32(9)), .bytes(UInt64(2)), inner, none))
        builder.add("general.alignment", 64)
        builder.alignment = 64
        let values = (0..<6).map { Float($0) }
        builder.add(tensor: "w", type: 0, extents: [3, 2], data: Data(values.flatMap { Data.bytes($0) }))
        builder.add(tensor: "v", type: 30, extents: [1], data: Data([0x40, 0xc0]))
        let file = try open(builder)
        #expect(file.version == 2)
        #expect(file.metadata["nested"] == .array([.integers([-4]), .strings([])]))
        #expect(try file.info("w").shape == [2, 3])
        #expect(try file.values("w") == values)
        #expect(try file.values("v") == [-3])
    }

    @Test func refusesUnknownTypesByName() throws {
        for (code, name) in [(UInt32(10), "Q2_K"), (16, "IQ2_XXS"), (4321, "ggml type 4321")] {
            var builder = GGUFBuilder()
            builder.add(tensor: "w", type: code, extents: [256], data: Data(count: 400))
            let path = try workspace.write(builder.build(), "x.gguf")
            #expect(throws: CheckpointError.unsupportedType(path: path, tensor: "w", type: name)) {
                try GGUFFile(path: path)
            }
        }
        var integers = GGUFBuilder()
        integers.add(tensor: "w", type: 26, extents: [1], data: Data(count: 4))
        let file = try open(integers)
        #expect(throws: CheckpointError.unsupportedType(path: file.path, tensor: "w", type: "I32")) {
            try file.values("w")
        }
    }

    /// Each change makes one thing wrong in an otherwise good file.
    @Test(arguments: [
        "magic", "version 1", "big-endian", "tensor count", "metadata count", "alignment 0", "alignment 24",
        "alignment text", "duplicate key", "duplicate tensor", "five extents", "huge extent", "overflow",
        "partial block", "offset overlap", "offset gap", "offset beyond", "unknown metadata type", "bad truth value",
        "array count", "text length", "text not UTF-8", "nested too deep",
    ])
    func refusesDamage(_ kind: String) throws {
        var builder = GGUFBuilder()
        let data = Data(count: 64)
        switch kind {
        case "magic": builder.magic = Data("GGML".utf8)
        case "version 1": builder.version = 1
        case "big-endian": builder.version = UInt32(3).byteSwapped
        case "tensor count": builder.tensorCount = .max
        case "metadata count": builder.metadataCount = .max
        case "alignment 0": builder.add("general.alignment", 0)
        case "alignment 24": builder.add("general.alignment", 24)
        case "alignment text": builder.add("general.alignment", "32")
        case "duplicate key":
            builder.add("k", 1)
            builder.add("k", 2)
        case "duplicate tensor": builder.add(tensor: "first", type: 0, extents: [16], data: data)
        case "five extents": builder.add(tensor: "w", type: 0, extents: [1, 1, 1, 1, 1], data: Data(count: 4))
        case "huge extent": builder.add(tensor: "w", type: 0, extents: [.max], data: data)
        case "overflow": builder.add(tensor: "w", type: 0, extents: [1 << 40, 1 << 40], data: data)
        case "partial block": builder.add(tensor: "w", type: 2, extents: [16, 2], data: Data(count: 18))
        case "offset overlap": builder.add(tensor: "w", type: 0, extents: [16], data: data, offset: 32)
        case "offset gap": builder.add(tensor: "w", type: 0, extents: [16], data: data, offset: 96)
        case "offset beyond": builder.add(tensor: "w", type: 0, extents: [16], data: data, offset: .max)
        case "unknown metadata type": builder.add("k", type: 13, Data(count: 8))
        case "bad truth value": builder.add("k", type: 7, Data([2]))
        case "array count": builder.add("k", type: 9, .joined(.bytes(UInt32(4)), .bytes(UInt64(1) << 61)))
        case "text length": builder.add("k", type: 8, .bytes(UInt64.max))
        case "text not UTF-8": builder.add("k", type: 8, .joined(.bytes(UInt64(2)), Data([0xff, 0xfe])))
        default:
            let level = Data.joined(.bytes(UInt32(9)), .bytes(UInt64(1)))
            builder.add("k", type: 9, Data((0..<1000).flatMap { _ in level }))
        }
        builder.add(tensor: "first", type: 0, extents: [16], data: data)
        let path = try workspace.write(builder.build(), "x.gguf")
        let error = #expect(throws: CheckpointError.self) { try GGUFFile(path: path) }
        #expect(error?.description.contains(path) == true)
        #expect(error?.description.hasSuffix(".") == true)
    }

    @Test func acceptsTheFileThatTheDamageTestsStartFrom() throws {
        var builder = GGUFBuilder()
        builder.add(tensor: "first", type: 0, extents: [16], data: Data(count: 64))
        #expect(try open(builder).values("first") == [Float](repeating: 0, count: 16))
    }

    private func small() -> Data {
        var builder = GGUFBuilder()
        builder.add("general.architecture", "llama")
        builder.add(
            "numbers",
            type: 9,
            .joined(.bytes(UInt32(5)), .bytes(UInt64(2)), .bytes(Int32(1)), .bytes(Int32(2)))
        )
        builder.add(
            "texts",
            type: 9,
            .joined(.bytes(UInt32(8)), .bytes(UInt64(2)), GGUFBuilder.text("a"), GGUFBuilder.text(""))
        )
        builder.add("flag", type: 7, Data([1]))
        builder.add(tensor: "a", type: 0, extents: [4, 2], data: Data(count: 32))
        builder.add(tensor: "b", type: 8, extents: [32], data: Data(count: 34))
        return builder.build()
    }

    @Test func anyTruncationIsAnError() throws {
        let whole = small()
        _ = try GGUFFile(path: workspace.write(whole, "t"))
        for length in 0..<whole.count {
            let path = try workspace.write(whole.prefix(length), "t")
            #expect(throws: CheckpointError.self) { try GGUFFile(path: path) }
        }
    }

    @Test func anyFlippedBitIsAnErrorOrAFileThatReads() throws {
        let whole = small()
        for index in whole.indices {
            for bit in 0..<8 {
                var damaged = whole
                damaged[index] ^= 1 << bit
                let path = try workspace.write(damaged, "t")
                guard let file = try? GGUFFile(path: path) else { continue }
                for name in file.tensorNames where try !file.info(name).type.isInteger {
                    #expect(try file.values(name).count == file.info(name).elementCount)
                }
                _ = try? Checkpoint.open(path)
            }
        }
    }

    @Test func randomBytesAfterTheMagicNeverTrap() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let tensors = UInt64.random(in: 0...3, using: &generator)
            let entries = UInt64.random(in: 0...3, using: &generator)
            let noise = Data((0..<200).map { _ in UInt8.random(in: 0...8, using: &generator) })
            let data = Data.joined(Data("GGUF".utf8), .bytes(UInt32(3)), .bytes(tensors), .bytes(entries), noise)
            _ = try? GGUFFile(path: workspace.write(data, "t"))
        }
    }
}
