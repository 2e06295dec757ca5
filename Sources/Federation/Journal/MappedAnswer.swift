import AtomicFiles
import Foundation

/// The bytes of an answer on disk without a copy in memory: a hundred answers that wait for their turn cost nothing.
///
/// `Data(contentsOf:options: .alwaysMapped)` reads files of this size on Linux instead of mapping them.
enum MappedAnswer {
    /// Maps a file; it may be renamed or removed meanwhile.
    ///
    /// - Throws: `AtomicFileError`.
    static func read(_ path: String) throws -> Data {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("read", path) }
        let count = Int(status.st_size)
        if count == 0 { return Data() }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw failure("map", path)
        }
        return Data(bytesNoCopy: start, count: count, deallocator: .custom { munmap($0, $1) })
    }

    private static func failure(_ operation: String, _ path: String) -> AtomicFileError {
        .system(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }
}
