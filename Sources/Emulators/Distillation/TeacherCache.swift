import AtomicFiles
import Cryptography
import Foundation
import TensorEngine

/// Where teacher states are kept, and which full model they are of.
public struct TeacherCacheLocation: Sendable {
    /// A directory of the owner's; made when missing.
    public var directory: String
    /// Identifies the full model's weights and arithmetic, such as a digest of its file and `bf16`.
    public var model: String

    /// Makes a location.
    public init(directory: String, model: String) {
        self.directory = directory
        self.model = model
    }
}

/// Teacher states on disk, in bfloat16, so that every epoch after the first costs only the student: of SmolLM2 31 kB a token.
///
/// One file `teacher-IDENTITY.states` for a model, a split and a text: a magic, one byte a sequence that says whether its
/// states are there, then the states. A sequence's byte is written after its states, so a run that dies loses none.
final class TeacherCache {
    private static let magic = Array("fsot.teacher/1\n\0".utf8)

    private let path: String
    private let handle: FileHandle
    private let lengths: [Int]
    private let offsets: [Int]
    private let matrices: Int
    private let width: Int
    private var present: [UInt8]

    /// Opens or makes the file.
    ///
    /// - Parameters:
    ///   - sequences: the text, in the order in which it is asked for.
    ///   - boundaries: see `Segments`.
    ///   - matrices: how many `[tokens, width]` a sequence has.
    /// - Throws: `AtomicFileError.system`.
    init(_ location: TeacherCacheLocation, sequences: [[Int32]], boundaries: [Int], matrices: Int, width: Int) throws {
        let hash = try BulkSHA256()
        func add(_ text: String) throws { try Array(text.utf8).withUnsafeBytes { try hash.update($0) } }
        try add("\(location.model)\n\(boundaries) \(matrices) \(width)\n")
        for ids in sequences {
            try add("\(ids.count) ")
            try ids.withUnsafeBytes { try hash.update($0) }
        }
        let name = try hash.finalize().prefix(12).hexadecimal
        path = location.directory + "/teacher-\(name).states"
        lengths = sequences.map(\.count)
        self.matrices = matrices
        self.width = width
        var next = Self.magic.count + sequences.count
        offsets = lengths.map { length in
            defer { next += length * width * matrices * 2 }
            return next
        }
        try? FileManager.default.createDirectory(atPath: location.directory, withIntermediateDirectories: true)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let header = (try handle.read(upToCount: Self.magic.count + sequences.count)).map(Array.init) ?? []
        if header.count == Self.magic.count + sequences.count, header.starts(with: Self.magic) {
            present = Array(header[Self.magic.count...])
        } else {
            present = [UInt8](repeating: 0, count: sequences.count)
            try write(Self.magic + present, at: 0)
        }
    }

    /// The states of a sequence, if they are there.
    ///
    /// - Throws: `AtomicFileError.system` when the file cannot be read.
    func read(_ index: Int) throws -> [Tensor]? {
        guard present[index] == 1 else { return nil }
        let count = lengths[index] * width
        do {
            try handle.seek(toOffset: UInt64(offsets[index]))
            guard let data = try handle.read(upToCount: count * matrices * 2), data.count == count * matrices * 2 else {
                return nil
            }
            return data.withUnsafeBytes { bytes in
                let half = bytes.bindMemory(to: UInt16.self)
                return (0..<matrices).map { matrix in
                    let result = Tensor.zeros([lengths[index], width])
                    result.withUnsafeMutableBufferPointer {
                        HalfPrecision.widenBFloat16(
                            UnsafeBufferPointer(rebasing: half[matrix * count..<(matrix + 1) * count]),
                            into: $0
                        )
                    }
                    return result
                }
            }
        } catch {
            throw Self.failure("read", path)
        }
    }

    /// Keeps the states of a sequence.
    ///
    /// - Throws: `AtomicFileError.system`, for example on a full disk.
    func store(_ states: [Tensor], at index: Int) throws {
        precondition(states.count == matrices, "\(states.count) matrices instead of \(matrices).")
        let count = lengths[index] * width
        var half = [UInt16](repeating: 0, count: count * matrices)
        half.withUnsafeMutableBufferPointer { half in
            for (matrix, state) in states.enumerated() {
                state.withUnsafeBufferPointer {
                    HalfPrecision.roundToBFloat16(
                        $0,
                        into: UnsafeMutableBufferPointer(rebasing: half[matrix * count..<(matrix + 1) * count])
                    )
                }
            }
        }
        try write(half.withUnsafeBytes { Array($0) }, at: offsets[index])
        try write([1], at: Self.magic.count + index)
        present[index] = 1
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws {
        do {
            try handle.seek(toOffset: UInt64(offset))
            try handle.write(contentsOf: bytes)
        } catch {
            throw Self.failure("write", path)
        }
    }

    private static func failure(_ operation: String, _ path: String) -> AtomicFileError {
        .system(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }
}
