import Foundation

/// A regular file mapped read-only into memory; its pages are read on first touch and can be given back. Or bytes that
/// somebody else keeps in memory.
final class MappedFile: @unchecked Sendable {
    let path: String
    /// All bytes of the file; valid as long as this object lives.
    let bytes: UnsafeRawBufferPointer
    /// Keeps bytes that are not ours to unmap.
    private let owner: (any AnyObject & Sendable)?

    /// Bytes that live as long as `owner`; `path` is for errors.
    init(path: String, bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        self.path = path
        self.bytes = bytes
        self.owner = owner
    }

    /// - Throws: `CheckpointError.unreadable` for a missing or unreadable file, a directory or a device.
    init(path: String) throws(CheckpointError) {
        self.path = path
        owner = nil
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "it is not a regular file")
        }
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw Self.failure(path)
        }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    deinit {
        if owner == nil, let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    }

    private static func failure(_ path: String) -> CheckpointError {
        .unreadable(path: path, reason: String(cString: strerror(errno)))
    }

    /// Gives the whole pages inside `range` back to the system, so that a model that is read tensor by tensor does not
    /// stay resident a second time; touching them again reads them again. Bytes that are only in memory stay.
    func release(_ range: Range<Int>) {
        guard owner == nil else { return }
        let page = Int(getpagesize())
        let first = (range.lowerBound + page - 1) / page * page
        let last = range.upperBound / page * page
        guard last > first, let base = bytes.baseAddress else { return }
        madvise(UnsafeMutableRawPointer(mutating: base + first), last - first, Int32(MADV_DONTNEED))
    }
}
