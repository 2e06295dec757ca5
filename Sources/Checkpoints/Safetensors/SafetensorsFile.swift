import Foundation

/// A safetensors file, mapped into memory and checked whole when opened.
///
/// Format: <https://github.com/huggingface/safetensors#format>. F32, F16, BF16 and F64 are read as Float32; integers
/// through ``integers(_:)``.
public final class SafetensorsFile: TensorSource, Sendable {
    /// The file.
    public let path: String
    /// `__metadata__` of the header.
    public let metadata: [String: String]
    /// All names, sorted.
    public let tensorNames: [String]

    private let file: MappedFile
    private let entries: [String: SafetensorsHeader.Entry]

    /// Opens a file and checks its header.
    ///
    /// - Throws: `CheckpointError` naming the file and the offending byte or tensor.
    public convenience init(path: String) throws(CheckpointError) {
        try self.init(file: try MappedFile(path: path))
    }

    /// Checks the header of a file that is in memory already.
    init(file: MappedFile) throws(CheckpointError) {
        path = file.path
        self.file = file
        let header = try SafetensorsHeader(file: file)
        metadata = header.metadata
        entries = header.entries
        tensorNames = header.entries.keys.sorted()
    }

    private func entry(_ name: String) throws(CheckpointError) -> SafetensorsHeader.Entry {
        guard let entry = entries[name] else { throw .missingTensor(path: path, tensor: name) }
        return entry
    }

    /// The shape and type of one tensor.
    public func info(_ name: String) throws(CheckpointError) -> TensorInfo { try entry(name).info }

    /// Reads one tensor as Float32.
    public func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
        let entry = try entry(name)
        guard !entry.info.type.isInteger else {
            throw .unsupportedType(path: path, tensor: name, type: entry.info.type.rawValue)
        }
        let count = entry.info.elementCount
        guard buffer.count == count else {
            throw .bufferMismatch(path: path, tensor: name, expected: count, found: buffer.count)
        }
        guard let target = buffer.baseAddress, let base = file.bytes.baseAddress else { return }
        entry.info.type.decode(base + entry.range.lowerBound, count: count, into: target)
        file.release(entry.range)
    }

    /// Reads an integer tensor, row-major.
    ///
    /// - Throws: `CheckpointError.missingTensor`; `.unsupportedType` when it holds no integers; `.badMetadata` when a
    ///   number does not fit 32 bits.
    public func integers(_ name: String) throws(CheckpointError) -> [Int32] {
        let entry = try entry(name)
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
        switch entry.info.type {
        case .bool, .u8: return bytes.map { Int32($0) }
        case .i8: return bytes.map { Int32(Int8(bitPattern: $0)) }
        case .i16: return try integers(name, bytes, Int16.self)
        case .u16: return try integers(name, bytes, UInt16.self)
        case .i32: return try integers(name, bytes, Int32.self)
        case .u32: return try integers(name, bytes, UInt32.self)
        case .i64: return try integers(name, bytes, Int64.self)
        case .u64: return try integers(name, bytes, UInt64.self)
        default: throw .unsupportedType(path: path, tensor: name, type: entry.info.type.rawValue)
        }
    }

    private func integers<Number: FixedWidthInteger & BitwiseCopyable>(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        _ type: Number.Type
    ) throws(CheckpointError) -> [Int32] {
        let size = MemoryLayout<Number>.size
        var numbers: [Int32] = []
        numbers.reserveCapacity(bytes.count / size)
        for offset in stride(from: 0, to: bytes.count, by: size) {
            guard let number = Int32(exactly: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self)) else {
                throw .badMetadata(path: path, key: name, reason: "holds an integer beyond 32 bits")
            }
            numbers.append(number)
        }
        return numbers
    }
}
