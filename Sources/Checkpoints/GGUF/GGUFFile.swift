import Foundation

/// A GGUF file (version 2 or 3), mapped into memory and checked whole when opened. Names and layouts are ggml's own; see
/// ``Checkpoint/open(_:)`` for Hugging Face terms.
public final class GGUFFile: TensorSource, Sendable {
    /// The file.
    public let path: String
    /// 2 or 3.
    public let version: Int
    /// All metadata.
    public let metadata: [String: GGUFValue]
    /// All names, sorted.
    public let tensorNames: [String]

    private let file: MappedFile
    private let entries: [String: GGUFHeader.Entry]

    /// Opens a file and checks its header.
    ///
    /// - Throws: `CheckpointError` naming the file and the offending byte, key or tensor.
    public init(path: String) throws(CheckpointError) {
        self.path = path
        file = try MappedFile(path: path)
        let header = try GGUFHeader(file: file)
        version = header.version
        metadata = header.metadata
        entries = header.entries
        tensorNames = header.entries.keys.sorted()
    }

    private func entry(_ name: String) throws(CheckpointError) -> GGUFHeader.Entry {
        guard let entry = entries[name] else { throw .missingTensor(path: path, tensor: name) }
        return entry
    }

    /// The shape (outermost extent first, the reverse of ggml's order) and type of one tensor.
    public func info(_ name: String) throws(CheckpointError) -> TensorInfo { try entry(name).info }

    /// Reads one tensor as Float32, dequantised as ggml does.
    public func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
        let entry = try entry(name)
        let count = entry.info.elementCount
        guard buffer.count == count else {
            throw .bufferMismatch(path: path, tensor: name, expected: count, found: buffer.count)
        }
        guard let target = buffer.baseAddress else { return }
        let source = try self.source(entry, name)
        guard let base = source.baseAddress else { return }
        entry.info.type.decode(base, count: count, into: target)
        file.release(entry.range)
    }

    /// Reads a matrix row by row, the row `index` of the file to the place `destination(index)`.
    func readRows(
        _ name: String,
        into target: UnsafeMutablePointer<Float>,
        destination: (Int) -> Int
    ) throws(CheckpointError) {
        let entry = try entry(name)
        let info = entry.info
        guard info.shape.count == 2 else {
            throw .badMetadata(path: path, key: name, reason: "is no matrix but has shape \(info.shape)")
        }
        guard info.byteCount > 0, let base = try source(entry, name).baseAddress else { return }
        let columns = info.shape[1]
        let rowBytes = info.byteCount / info.shape[0]
        for row in 0..<info.shape[0] {
            info.type.decode(base + row * rowBytes, count: columns, into: target + destination(row) * columns)
        }
        file.release(entry.range)
    }

    private func source(_ entry: GGUFHeader.Entry, _ name: String) throws(CheckpointError) -> UnsafeRawBufferPointer {
        guard !entry.info.type.isInteger else {
            throw .unsupportedType(path: path, tensor: name, type: entry.info.type.rawValue)
        }
        return UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
    }

    /// Whether two tensors are stored as the same bytes of the same type and shape.
    func areIdentical(_ first: String, _ second: String) throws(CheckpointError) -> Bool {
        let (left, right) = (try entry(first), try entry(second))
        guard left.info == right.info else { return false }
        let bytes = file.bytes
        guard let base = bytes.baseAddress, left.info.byteCount > 0 else { return true }
        let equal = memcmp(base + left.range.lowerBound, base + right.range.lowerBound, left.info.byteCount) == 0
        file.release(left.range)
        file.release(right.range)
        return equal
    }
}
