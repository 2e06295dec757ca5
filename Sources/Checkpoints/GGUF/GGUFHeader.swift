import Foundation

/// Everything of a GGUF file before the data, checked: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
struct GGUFHeader {
    struct Entry {
        let info: TensorInfo
        /// Bytes from the start of the file.
        let range: Range<Int>
    }

    private struct Listed {
        let name: String
        let info: TensorInfo
        let offset: UInt64
        let position: Int
    }

    let version: Int
    let metadata: [String: GGUFValue]
    let entries: [String: Entry]

    init(file: MappedFile) throws(CheckpointError) {
        var reader = GGUFReader(file: file)
        version = try Self.version(&reader)
        let tensorCount = try reader.number(UInt64.self)
        let metadataCount = try reader.count(of: "metadata entries", minimumBytes: 13)
        // A tensor takes at least its name's length, its number of extents, its type and its offset.
        guard tensorCount <= UInt64(reader.remaining / 24) else {
            throw .damaged(
                path: file.path,
                offset: 8,
                reason: "it claims \(tensorCount) tensors, more than the file can hold"
            )
        }
        var metadata: [String: GGUFValue] = [:]
        for _ in 0..<metadataCount {
            let start = reader.position
            let key = try reader.string()
            if metadata.updateValue(try reader.value(), forKey: key) != nil {
                throw .damaged(path: file.path, offset: start, reason: "the metadata key \(key) occurs twice")
            }
        }
        self.metadata = metadata
        let alignment = try Self.alignment(metadata, path: file.path)
        var listed: [Listed] = []
        for _ in 0..<Int(tensorCount) { listed.append(try Self.tensor(&reader)) }
        entries = try Self.place(listed, after: reader.position, alignment: alignment, file: file)
    }

    private static func version(_ reader: inout GGUFReader) throws(CheckpointError) -> Int {
        let path = reader.path
        let magic = try reader.number(UInt32.self)
        guard UInt32(littleEndian: magic) == 0x4655_4747 else {
            throw .unsupportedFormat(
                path: path,
                reason: "it does not start with GGUF; use a file that llama.cpp's converter wrote"
            )
        }
        let version = try reader.number(UInt32.self)
        if version.byteSwapped == 2 || version.byteSwapped == 3 {
            throw .unsupportedFormat(path: path, reason: "it is big-endian; convert it to little-endian GGUF")
        }
        guard version == 2 || version == 3 else {
            throw .unsupportedFormat(
                path: path,
                reason: "it is GGUF version \(version); convert it to version 3 with a current llama.cpp"
            )
        }
        return Int(version)
    }

    private static func alignment(_ metadata: [String: GGUFValue], path: String) throws(CheckpointError) -> Int {
        guard let value = metadata["general.alignment"] else { return 32 }
        guard let alignment = value.int, alignment > 0, alignment <= 1 << 30, alignment & (alignment - 1) == 0 else {
            throw .badMetadata(path: path, key: "general.alignment", reason: "is no power of two")
        }
        return alignment
    }

    private static func tensor(_ reader: inout GGUFReader) throws(CheckpointError) -> Listed {
        let position = reader.position
        let path = reader.path
        let name = try reader.string()
        let dimensions = try reader.number(UInt32.self)
        guard dimensions <= 4 else {
            throw .damaged(path: path, offset: position, reason: "\(name) has \(dimensions) extents, more than 4")
        }
        var shape: [Int] = []
        for _ in 0..<dimensions {
            guard let extent = Int(exactly: try reader.number(UInt64.self)) else {
                throw .damaged(path: path, offset: position, reason: "\(name) has an extent beyond 63 bits")
            }
            // ggml lists the fastest-running extent first.
            shape.insert(extent, at: 0)
        }
        let code = try reader.number(UInt32.self)
        let offset = try reader.number(UInt64.self)
        guard let type = ElementType(ggmlCode: code) else {
            throw .unsupportedType(path: path, tensor: name, type: ElementType.ggmlName(code))
        }
        guard let count = type.byteCount(shape: shape) else {
            throw .damaged(
                path: path,
                offset: position,
                reason: "\(name) cannot have the shape \(shape) in \(type.rawValue)"
            )
        }
        return Listed(
            name: name,
            info: TensorInfo(shape: shape, type: type, byteCount: count),
            offset: offset,
            position: position
        )
    }

    /// Lays the tensors out as every writer does, one after the other, each padded to the alignment; a file that says
    /// otherwise (overlap, gap, beyond the end) is damaged, as it is for llama.cpp.
    private static func place(
        _ listed: [Listed],
        after end: Int,
        alignment: Int,
        file: MappedFile
    ) throws(CheckpointError) -> [String: Entry] {
        let path = file.path
        // Sums cannot overflow: `end` is at most the file's size and the alignment at most 2^30.
        let dataStart = (end + alignment - 1) / alignment * alignment
        var entries: [String: Entry] = [:]
        var position = 0
        for tensor in listed {
            guard tensor.offset == UInt64(position) else {
                throw .damaged(
                    path: path,
                    offset: tensor.position,
                    reason: "the data of \(tensor.name) lies at \(tensor.offset) instead of \(position), "
                        + "so it overlaps another tensor's or leaves a gap"
                )
            }
            let available = file.bytes.count - dataStart - position
            guard tensor.info.byteCount <= available else {
                throw .truncated(
                    path: path,
                    offset: dataStart + position,
                    needed: tensor.info.byteCount,
                    available: max(0, available)
                )
            }
            let start = dataStart + position
            let entry = Entry(info: tensor.info, range: start..<start + tensor.info.byteCount)
            if entries.updateValue(entry, forKey: tensor.name) != nil {
                throw .damaged(
                    path: path,
                    offset: tensor.position,
                    reason: "the tensor \(tensor.name) occurs twice"
                )
            }
            position = (position + tensor.info.byteCount + alignment - 1) / alignment * alignment
        }
        return entries
    }
}

extension ElementType {
    /// The type of a ggml code; nil for one that is not read.
    init?(ggmlCode: UInt32) {
        switch ggmlCode {
        case 0: self = .f32
        case 1: self = .f16
        case 2: self = .q4_0
        case 3: self = .q4_1
        case 6: self = .q5_0
        case 7: self = .q5_1
        case 8: self = .q8_0
        case 12: self = .q4_K
        case 14: self = .q6_K
        case 24: self = .i8
        case 25: self = .i16
        case 26: self = .i32
        case 27: self = .i64
        case 28: self = .f64
        case 30: self = .bf16
        default: return nil
        }
    }

    /// ggml's name of a type code, for errors.
    static func ggmlName(_ code: UInt32) -> String {
        let names: [UInt32: String] = [
            4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 13: "Q5_K", 15: "Q8_K", 16: "IQ2_XXS",
            17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
            29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        ]
        return names[code] ?? "ggml type \(code)"
    }
}
