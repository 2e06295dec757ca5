import AtomicFiles
import Cryptography
import Foundation

/// An answer while it arrives, piece by piece, in a file: a lost line costs at most one piece, and no answer is held in memory.
///
/// Only a whole piece whose digest fits counts; what a broken connection left behind it is written over.
final class AnswerSpool {
    let path: String
    let total: Int
    /// BLAKE2b-256 of the whole answer, hexadecimal, as announced.
    let digest: String
    /// Bytes that count.
    private(set) var received = 0
    private var descriptor: Int32
    private var position = 0
    private var chunk = BLAKE2b256()

    /// - Throws: `AtomicFileError`.
    init(path: String, total: Int, digest: String) throws {
        self.path = path
        self.total = total
        self.digest = digest
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw failure("create") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Begins the piece that follows what counts.
    func beginChunk() {
        position = received
        chunk = BLAKE2b256()
    }

    /// Writes a part of the piece of the moment.
    ///
    /// - Returns: false when it is longer than the answer may be.
    /// - Throws: `AtomicFileError`.
    func append(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard position + bytes.count <= min(total, received + FederationWire.chunkLength) else { return false }
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let written = pwrite(descriptor, base, rest.count, off_t(position))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("write")
            }
            position += written
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
        chunk.update(bytes)
        return true
    }

    /// Ends the piece.
    ///
    /// - Returns: false when its digest is another one, and it counts for nothing.
    func endChunk(_ expected: String) throws -> Bool {
        guard position > received || total == 0, chunk.finalize().hexadecimal == expected else { return false }
        received = position
        return true
    }

    /// Syncs an answer that is complete.
    ///
    /// - Returns: false when the whole has another digest than was announced: all pieces are forgotten.
    /// - Throws: `AtomicFileError`.
    func complete() throws -> Bool {
        guard fsync(descriptor) == 0 else { throw failure("sync") }
        let data = try MappedAnswer.read(path)
        guard data.count == total, FederationWire.digest(data) == digest else {
            received = 0
            return false
        }
        return true
    }

    private func failure(_ operation: String) -> AtomicFileError {
        .system(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }
}
