import AtomicFiles
import Foundation
import TensorEngine

/// Writes safetensors files tensor by tensor; the file appears whole or not at all.
public struct SafetensorsWriter {
    /// One tensor to be written.
    public struct Entry {
        /// The name in the file.
        public let name: String
        /// Extents, outermost first.
        public let shape: [Int]
        /// `.f32`, `.f16` or `.bf16`; rounding is to nearest even.
        public let type: ElementType
        let produce: ((UnsafeBufferPointer<Float>) throws -> Void) throws -> Void

        /// A tensor whose values come in pieces, row-major: `produce` hands them to the function that it is given, and
        /// runs only when its turn has come. Values are written as they are, NaN included: the caller decides.
        public init(
            name: String,
            shape: [Int],
            type: ElementType = .f32,
            produce: @escaping ((UnsafeBufferPointer<Float>) throws -> Void) throws -> Void
        ) {
            self.name = name
            self.shape = shape
            self.type = type
            self.produce = produce
        }

        /// A tensor of the engine.
        public init(name: String, tensor: Tensor, type: ElementType = .f32) {
            self.init(name: name, shape: tensor.shape, type: type) { sink in
                try tensor.withUnsafeBufferPointer { try sink($0) }
            }
        }

        /// An array, row-major.
        public init(name: String, shape: [Int], values: [Float], type: ElementType = .f32) {
            self.init(name: name, shape: shape, type: type) { sink in
                try values.withUnsafeBufferPointer { try sink($0) }
            }
        }

        /// A tensor of another checkpoint, read when its turn has come.
        ///
        /// - Throws: `CheckpointError.missingTensor`.
        public init(name: String, from source: any TensorSource, type: ElementType = .f32) throws {
            self.init(name: name, shape: try source.info(name).shape, type: type) { sink in
                try source.values(name).withUnsafeBufferPointer { try sink($0) }
            }
        }
    }

    /// Writes the entries: wider types first, otherwise in the order given, so that equal input gives equal bytes and
    /// every tensor is aligned to its element. The header is padded with spaces to a multiple of 8 bytes.
    ///
    /// - Throws: `CheckpointError.unwritable` for a name that occurs twice, an unusable shape or type, or values that do
    ///   not fill the shape; `AtomicFileError` when the disk refuses; what an entry's `produce` throws. `path` is
    ///   untouched then.
    public static func write(_ entries: [Entry], metadata: [String: String] = [:], to path: String) throws {
        let file = try AtomicFileWriter(path: path)
        try write(entries, metadata: metadata, path: path) { try file.write($0) }
        try file.commit()
    }

    /// The same bytes in pieces, for a file of another kind around them.
    ///
    /// - Parameters:
    ///   - path: where they go, for errors.
    ///   - sink: takes them in order.
    /// - Throws: `CheckpointError.unwritable`, and what `sink` or an entry throws.
    public static func write(
        _ entries: [Entry],
        metadata: [String: String] = [:],
        path: String,
        sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let ordered = entries.filter { $0.type == .f32 } + entries.filter { $0.type != .f32 }
        try header(ordered, metadata: metadata, path: path).withUnsafeBytes { try sink($0) }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { scratch.deallocate() }
        for entry in ordered { try write(entry, to: sink, path: path, scratch: scratch) }
    }

    private static func header(_ entries: [Entry], metadata: [String: String], path: String) throws -> Data {
        var parts: [String] = []
        if !metadata.isEmpty {
            let text = JSONValue.object(metadata.mapValues { .string($0) }).canonicalText
            parts.append("\"__metadata__\":\(text)")
        }
        var names: Set<String> = ["__metadata__"]
        var position = 0
        for entry in entries {
            guard names.insert(entry.name).inserted else {
                throw CheckpointError.unwritable(path: path, tensor: entry.name, reason: "the name is taken")
            }
            guard [.f32, .f16, .bf16].contains(entry.type) else {
                throw CheckpointError.unwritable(
                    path: path,
                    tensor: entry.name,
                    reason: "\(entry.type.rawValue) is not written, only F32, F16, BF16"
                )
            }
            guard let count = entry.type.byteCount(shape: entry.shape) else {
                throw CheckpointError.unwritable(
                    path: path,
                    tensor: entry.name,
                    reason: "its shape \(entry.shape) is not usable"
                )
            }
            // The field order of Hugging Face's own writer: the same tensors give the same bytes.
            let shape = JSONValue.array(entry.shape.map { .int($0) }).canonicalText
            let offsets = "[\(position),\(position + count)]"
            let fields = "{\"dtype\":\"\(entry.type.rawValue)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
            parts.append("\(JSONValue.string(entry.name).canonicalText):\(fields)")
            position += count
        }
        var text = Data("{\(parts.joined(separator: ","))}".utf8)
        text.append(Data(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
        guard text.count <= SafetensorsHeader.maximumLength else {
            throw CheckpointError.unwritable(path: path, tensor: "the header", reason: "it is longer than 100 MB")
        }
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text
    }

    private static func write(
        _ entry: Entry,
        to sink: (UnsafeRawBufferPointer) throws -> Void,
        path: String,
        scratch: UnsafeMutableRawBufferPointer
    ) throws {
        let expected = entry.shape.reduce(1, *)
        var written = 0
        try entry.produce { piece in
            written += piece.count
            if entry.type == .f32 {
                try sink(UnsafeRawBufferPointer(piece))
                return
            }
            guard let target = scratch.baseAddress else { return }
            let step = scratch.count / entry.type.blockBytes
            for start in stride(from: 0, to: piece.count, by: step) {
                let part = UnsafeBufferPointer(rebasing: piece[start..<min(start + step, piece.count)])
                entry.type.encode(part, into: target)
                try sink(UnsafeRawBufferPointer(start: target, count: part.count * entry.type.blockBytes))
            }
        }
        guard written == expected else {
            throw CheckpointError.unwritable(
                path: path,
                tensor: entry.name,
                reason: "\(written) values do not fill the shape \(entry.shape)"
            )
        }
    }
}
