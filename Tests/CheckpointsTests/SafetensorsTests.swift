import AtomicFiles
import Checkpoints
import Foundation
import TensorEngine
import Testing

@Suite struct SafetensorsTests {
    let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private func file(header: String, data: Data, padding: Int = 0) throws -> String {
        let text = Data((header + String(repeating: " ", count: padding)).utf8)
        return try workspace.write(.joined(.bytes(UInt64(text.count)), text, data), "x.safetensors")
    }

    @Test func writesWhatItReads() throws {
        let values: [Float] = [0, -0.0, 1.5, -3.25, .infinity, .leastNonzeroMagnitude, 65504, 1e-8]
        let tensor = Tensor(shape: [2, 4], values: values)
        let path = workspace.file("a.safetensors")
        try SafetensorsWriter.write(
            [
                .init(name: "half", tensor: tensor, type: .f16), .init(name: "single", tensor: tensor),
                .init(name: "brain", shape: [8], values: values, type: .bf16),
                .init(name: "none", shape: [0, 7], values: []), .init(name: "scalar", shape: [], values: [7]),
            ],
            metadata: ["format": "pt", "quote": "\"☃\""],
            to: path
        )
        let file = try SafetensorsFile(path: path)
        #expect(file.tensorNames == ["brain", "half", "none", "scalar", "single"])
        #expect(file.metadata == ["format": "pt", "quote": "\"☃\""])
        #expect(try file.values("single").bits == values.bits)
        #expect(try file.values("half").bits == values.map { Float(Float16($0)) }.bits)
        #expect(try file.values("brain")[2...3] == [1.5, -3.25])
        #expect(try file.values("scalar") == [7])
        #expect(try file.info("none") == TensorInfo(shape: [0, 7], type: .f32, byteCount: 0))
        #expect(try file.tensor("single").shape == [2, 4])
        #expect(try file.tensor("single", shape: [2, 4]).values.bits == values.bits)
        #expect(throws: CheckpointError.shapeMismatch(path: path, tensor: "half", expected: [8], found: [2, 4])) {
            try file.tensor("half", shape: [8])
        }
        #expect(throws: CheckpointError.missingTensor(path: path, tensor: "x")) { try file.info("x") }
    }

    @Test func roundsToBFloat16ToNearestEvenInPieces() throws {
        // Halfway between two neighbours: to the even one; just above: up; NaN stays NaN.
        let values: [Float] = [0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x7f80_0001, 0xff7f_ffff].map {
            Float(bitPattern: $0)
        }
        let path = workspace.file("b.safetensors")
        let entry = SafetensorsWriter.Entry(name: "w", shape: [5], type: .bf16) { sink in
            for value in values { try [value].withUnsafeBufferPointer { try sink($0) } }
        }
        try SafetensorsWriter.write([entry], to: path)
        let read = try SafetensorsFile(path: path).values("w")
        #expect(read[0].bitPattern == 0x3f80_0000)
        #expect(read[1].bitPattern == 0x3f82_0000)
        #expect(read[2].bitPattern == 0x3f81_0000)
        #expect(read[3].isNaN)
        #expect(read[4] == -.infinity)
    }

    @Test func largeHalfTensorsPassTheScratchBufferInParts() throws {
        let values = (0..<700_000).map { Float($0 % 1000) / 8 }
        let path = workspace.file("c.safetensors")
        try SafetensorsWriter.write([.init(name: "w", shape: [700, 1000], values: values, type: .f16)], to: path)
        #expect(try SafetensorsFile(path: path).values("w") == values)
    }

    @Test func equalInputGivesEqualBytesAndAlignedData() throws {
        func write(_ name: String) throws -> Data {
            try SafetensorsWriter.write(
                [
                    .init(name: "b", shape: [3], values: [1, 2, 3], type: .bf16),
                    .init(name: "a", shape: [1], values: [4]),
                ],
                metadata: ["z": "1", "y": "2"],
                to: workspace.file(name)
            )
            return try Data(contentsOf: URL(fileURLWithPath: workspace.file(name)))
        }
        let first = try write("d1")
        #expect(try write("d2") == first)
        let length = first.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
        #expect((8 + length) % 8 == 0)
        let header = try JSONValue.parse(first[8..<8 + length])
        #expect(header["a"]?["data_offsets"] == [0, 4])
        #expect(header["b"]?["data_offsets"] == [4, 10])
    }

    @Test func refusesEntriesThatCannotBeStoredAndLeavesNothingBehind() throws {
        let path = workspace.file("e.safetensors")
        let one = SafetensorsWriter.Entry(name: "w", shape: [1], values: [1])
        let wrong: [[SafetensorsWriter.Entry]] = [
            [one, one], [.init(name: "w", shape: [2], values: [1])], [.init(name: "w", shape: [-1], values: [])],
            [.init(name: "w", shape: [1], values: [1], type: .q8_0)],
            [.init(name: "__metadata__", shape: [], values: [1])],
        ]
        for entries in wrong {
            #expect(throws: CheckpointError.self) { try SafetensorsWriter.write(entries, to: path) }
        }
        #expect(throws: AtomicFileError.self) {
            try SafetensorsWriter.write([one], to: workspace.file("absent/e.safetensors"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: workspace.path).isEmpty)
    }

    @Test func readsEveryTypeAtOddAddresses() throws {
        let header =
            #"{"f16":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"i8":{"dtype":"I8","shape":[1],"data_offsets":[4,5]},"#
            + #""bf":{"dtype":"BF16","shape":[1],"data_offsets":[5,7]},"f64":{"dtype":"F64","shape":[1],"data_offsets":[7,15]},"#
            + #""i64":{"dtype":"I64","shape":[1],"data_offsets":[15,23]},"i32":{"dtype":"I32","shape":[2],"data_offsets":[23,31]},"#
            + #""b":{"dtype":"BOOL","shape":[1],"data_offsets":[31,32]},"f32":{"dtype":"F32","shape":[1],"data_offsets":[32,36]}}"#
        var data = Data([0x00, 0x3c, 0x01, 0x80])
        data.append(.joined(.bytes(Int8(-3)), Data([0x40, 0xc0]), .bytes(0.1), .bytes(Int64(-5)), .bytes(Int32(7))))
        data.append(.joined(.bytes(Int32(-100)), Data([1]), .bytes(Float(2.5))))
        for padding in [0, 1] {
            let file = try SafetensorsFile(path: try file(header: header, data: data, padding: padding))
            #expect(try file.values("f16").bits == [1, -0x1p-24].bits)
            #expect(try file.values("bf") == [-3])
            #expect(try file.values("f64") == [0.1])
            #expect(try file.values("f32") == [2.5])
            #expect(try file.integers("i8") == [-3])
            #expect(try file.integers("i64") == [-5])
            #expect(try file.integers("i32") == [7, -100])
            #expect(try file.integers("b") == [1])
            #expect(throws: CheckpointError.unsupportedType(path: file.path, tensor: "i32", type: "I32")) {
                try file.values("i32")
            }
            #expect(throws: CheckpointError.unsupportedType(path: file.path, tensor: "f32", type: "F32")) {
                try file.integers("f32")
            }
        }
        let file = try SafetensorsFile(path: try file(header: header, data: data))
        var short = [Float](repeating: 0, count: 1)
        #expect(throws: CheckpointError.bufferMismatch(path: file.path, tensor: "f16", expected: 2, found: 1)) {
            try short.withUnsafeMutableBufferPointer { try file.read("f16", into: $0) }
        }
    }

    @Test(arguments: [
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
        #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775800,9223372036854775807]}}"#,
        #"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"Q8_0","shape":[8],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"x":1}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":[]}"#,
        #"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, #"{"a":{"shape":[2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2]}}"#, #"{"a":1}"#, #"[]"#, #" {}"#, #"{"a":"#, "{}", "",
    ])
    func refusesHeadersThatContradictThemselves(_ header: String) throws {
        let path = try file(header: header, data: Data(count: 8))
        let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
        #expect(error?.description.contains(path) == true)
    }

    @Test func namesWhatIsWrong() throws {
        let overlap =
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        let path = try file(header: overlap, data: Data(count: 8))
        let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(path: path) }
        #expect(
            error?.description
                == "\(path) is damaged at byte \(8 + overlap.utf8.count + 4): the data of b overlaps another tensor's; "
                + "fetch the file again."
        )
        let short = try file(
            header: #"{"a":{"dtype":"BF16","shape":[3,1],"data_offsets":[0,8]}}"#,
            data: Data(count: 8)
        )
        #expect(
            throws: CheckpointError.lengthMismatch(
                path: short,
                tensor: "a",
                shape: [3, 1],
                type: "BF16",
                expectedBytes: 6,
                foundBytes: 8
            )
        ) { try SafetensorsFile(path: short) }
        let huge = try workspace.write(.joined(.bytes(UInt64.max), Data("{}".utf8)), "huge")
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: huge) }
        let over = try workspace.write(.joined(.bytes(UInt64(1000)), Data("{}".utf8)), "over")
        #expect(throws: CheckpointError.truncated(path: over, offset: 8, needed: 1000, available: 2)) {
            try SafetensorsFile(path: over)
        }
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: workspace.file("absent")) }
        #expect(throws: CheckpointError.unreadable(path: workspace.path, reason: "it is not a regular file")) {
            try SafetensorsFile(path: workspace.path)
        }
        let empty = try workspace.write(Data(), "empty")
        #expect(throws: CheckpointError.truncated(path: empty, offset: 0, needed: 8, available: 0)) {
            try SafetensorsFile(path: empty)
        }
    }

    @Test func anyTruncationIsAnErrorAndAnyFlippedBitAnErrorOrAFile() throws {
        let path = workspace.file("f.safetensors")
        try SafetensorsWriter.write(
            [
                .init(name: "a", shape: [2, 2], values: [1, 2, 3, 4]),
                .init(name: "b", shape: [3], values: [5, 6, 7], type: .f16),
            ],
            metadata: ["k": "v"],
            to: path
        )
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for length in 0..<whole.count {
            try workspace.write(whole.prefix(length), "t")
            #expect(throws: CheckpointError.self) { try SafetensorsFile(path: workspace.file("t")) }
        }
        try workspace.write(whole + Data([0]), "t")
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: workspace.file("t")) }
        for index in whole.indices {
            for bit in 0..<8 {
                var damaged = whole
                damaged[index] ^= 1 << bit
                try workspace.write(damaged, "t")
                guard let file = try? SafetensorsFile(path: workspace.file("t")) else { continue }
                for name in file.tensorNames {
                    let info = try file.info(name)
                    if info.type.isInteger {
                        #expect(try file.integers(name).count == info.elementCount)
                    } else {
                        #expect(try file.values(name).count == info.elementCount)
                    }
                }
            }
        }
    }
}
