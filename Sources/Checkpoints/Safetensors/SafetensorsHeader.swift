import Foundation

/// The directory at the front of a safetensors file: `[length: u64][JSON][data]`.
struct SafetensorsHeader {
    /// The reference implementation's own limit; a longer one is an attack or damage.
    static let maximumLength = 100_000_000

    struct Entry {
        let info: TensorInfo
        /// Bytes from the start of the file.
        let range: Range<Int>
    }

    let entries: [String: Entry]
    let metadata: [String: String]

    /// Reads and checks the whole directory: after this every range lies in the file, ranges neither overlap nor leave
    /// gaps, and each is as long as its shape and type demand.
    init(file: MappedFile) throws(CheckpointError) {
        let path = file.path
        let bytes = file.bytes
        guard bytes.count >= 8 else {
            throw .truncated(path: path, offset: 0, needed: 8, available: bytes.count)
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.maximumLength) else {
            throw .damaged(
                path: path,
                offset: 0,
                reason: "its header claims \(length) bytes, more than \(Self.maximumLength)"
            )
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= bytes.count else {
            throw .truncated(path: path, offset: 8, needed: Int(length), available: bytes.count - 8)
        }
        guard length > 0, bytes[8] == UInt8(ascii: "{") else {
            throw .damaged(path: path, offset: 8, reason: "its header does not start with a brace")
        }
        let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
        guard case .object(let root) = try JSONValue.parse(text, path: path, offset: 8) else {
            throw .damaged(path: path, offset: 8, reason: "its header is no object")
        }
        var entries: [String: Entry] = [:]
        var metadata: [String: String] = [:]
        for (name, value) in root {
            if name == "__metadata__" {
                metadata = try Self.metadata(value, path: path)
            } else {
                let entry = try Self.entry(name, value, path: path, dataStart: dataStart, end: bytes.count)
                // Names that differ only in Unicode composition are equal here: nothing could tell them apart later.
                if entries.updateValue(entry, forKey: name) != nil {
                    throw .damaged(path: path, offset: 8, reason: "the tensor \(name) occurs twice")
                }
            }
        }
        try Self.requireContiguous(entries, path: path, dataStart: dataStart, end: bytes.count)
        self.entries = entries
        self.metadata = metadata
    }

    private static func metadata(_ value: JSONValue, path: String) throws(CheckpointError) -> [String: String] {
        guard let object = value.object else {
            throw .badMetadata(path: path, key: "__metadata__", reason: "is no object")
        }
        var metadata: [String: String] = [:]
        for (key, value) in object {
            guard let text = value.string else {
                throw .badMetadata(path: path, key: key, reason: "in __metadata__ is no string")
            }
            metadata[key] = text
        }
        return metadata
    }

    private static func entry(
        _ name: String,
        _ value: JSONValue,
        path: String,
        dataStart: Int,
        end: Int
    ) throws(CheckpointError) -> Entry {
        guard let typeName = value["dtype"]?.string else {
            throw .badMetadata(path: path, key: name, reason: "has no dtype")
        }
        guard let type = ElementType(rawValue: typeName), type.isSafetensors else {
            throw .unsupportedType(path: path, tensor: name, type: typeName)
        }
        guard let extents = value["shape"]?.array else {
            throw .badMetadata(path: path, key: name, reason: "has no shape")
        }
        var shape: [Int] = []
        for extent in extents {
            guard case .int(let number) = extent, number >= 0 else {
                throw .badMetadata(path: path, key: name, reason: "has an extent that is no whole number")
            }
            shape.append(number)
        }
        guard let needed = type.byteCount(shape: shape) else {
            throw .badMetadata(path: path, key: name, reason: "has a shape that overflows, \(shape)")
        }
        guard let offsets = value["data_offsets"]?.array, offsets.count == 2,
            case .int(let lower) = offsets[0], case .int(let upper) = offsets[1], lower >= 0, lower <= upper
        else {
            throw .badMetadata(path: path, key: name, reason: "has no usable data_offsets")
        }
        guard upper <= end - dataStart else {
            throw .truncated(
                path: path,
                offset: dataStart + min(lower, end - dataStart),
                needed: upper - lower,
                available: max(0, end - dataStart - lower)
            )
        }
        guard upper - lower == needed else {
            throw .lengthMismatch(
                path: path,
                tensor: name,
                shape: shape,
                type: typeName,
                expectedBytes: needed,
                foundBytes: upper - lower
            )
        }
        return Entry(
            info: TensorInfo(shape: shape, type: type, byteCount: needed),
            range: dataStart + lower..<dataStart + upper
        )
    }

    private static func requireContiguous(
        _ entries: [String: Entry],
        path: String,
        dataStart: Int,
        end: Int
    ) throws(CheckpointError) {
        var position = dataStart
        let ordered = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
                < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
        }
        for (name, entry) in ordered {
            if entry.range.lowerBound < position {
                throw .damaged(
                    path: path,
                    offset: entry.range.lowerBound,
                    reason: "the data of \(name) overlaps another tensor's"
                )
            }
            if entry.range.lowerBound > position {
                throw .damaged(path: path, offset: position, reason: "there is a gap before the data of \(name)")
            }
            position = entry.range.upperBound
        }
        if position < end {
            throw .damaged(path: path, offset: position, reason: "\(end - position) bytes belong to no tensor")
        }
    }
}
