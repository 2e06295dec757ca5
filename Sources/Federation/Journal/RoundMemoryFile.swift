import AtomicFiles
import Cryptography
import Foundation
import SecureAggregation

/// Which rounds a participant began and answered, in a file that is synced before anything is sent: also across a crash no
/// round is begun twice, and no request to unmask is answered twice.
public final class RoundMemoryFile: RoundMemory {
    private let path: String
    private let lock: FileLock
    private var lines: Set<String>

    /// Opens or makes the file; no other process may use it meanwhile.
    ///
    /// - Throws: `AtomicFileError`.
    public init(path: String) throws {
        self.path = path
        lock = try FileLock(path: path + ".lock")
        var text = ""
        if FileManager.default.fileExists(atPath: path) {
            // A memory that cannot be read is not an empty one.
            guard let data = FileManager.default.contents(atPath: path) else {
                throw AtomicFileError.system(operation: "read", path: path, reason: "it is there and cannot be read")
            }
            text = String(decoding: data, as: UTF8.self)
        }
        lines = Set(text.split(separator: "\n").map(String.init))
    }

    /// See `RoundMemory`.
    ///
    /// - Throws: `AtomicFileError`: then nothing may be sent.
    public func begin(_ roundHash: [UInt8]) throws -> Bool { try note("begin \(roundHash.hexadecimal)") }

    /// See `RoundMemory`.
    ///
    /// - Throws: `AtomicFileError`: then nothing may be sent.
    public func answer(_ roundHash: [UInt8]) throws -> Bool { try note("answer \(roundHash.hexadecimal)") }

    /// See `RoundMemory`.
    public func hasAnswered(_ roundHash: [UInt8]) -> Bool { lines.contains("answer \(roundHash.hexadecimal)") }

    private func note(_ line: String) throws -> Bool {
        guard lines.insert(line).inserted else { return false }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("open") }
        defer { close(descriptor) }
        // A line feed first: half a line that a crash left behind must not swallow this one.
        let bytes = Array("\n\(line)\n".utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw failure("write")
        }
        AtomicFile.synchronize(directory: AtomicFile.directory(of: path))
        return true
    }

    private func failure(_ operation: String) -> AtomicFileError {
        .system(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }
}
