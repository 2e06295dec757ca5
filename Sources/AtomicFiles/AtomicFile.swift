import Foundation

/// Why a file or a directory could not be put in place.
public enum AtomicFileError: Error, Equatable, CustomStringConvertible {
    /// A system call on `path` failed; `reason` is the system's own text for `errno`.
    case system(operation: String, path: String, reason: String)
    /// The destination exists and replacing was not asked for.
    case alreadyExists(path: String)

    /// One sentence that names the path and what to do.
    public var description: String {
        switch self {
        case .system(let operation, let path, let reason):
            return
                "Cannot \(operation) \(path): \(reason); free space or fix the permissions and run the command again."
        case .alreadyExists(let path):
            return "\(path) already exists; choose another output or remove it first."
        }
    }
}

/// Files that appear whole or not at all: a temporary name in the same directory, `fsync`, `rename`.
public enum AtomicFile {
    /// Writes `data` to `path`, replacing what is there only once all bytes are on disk.
    ///
    /// - Parameter permissions: of the file, before the process's umask; `0o600` for secrets.
    /// - Throws: `AtomicFileError.system`; the temporary file is removed and the old content is untouched.
    public static func write(_ data: Data, to path: String, permissions: mode_t = 0o644) throws {
        let writer = try AtomicFileWriter(path: path, permissions: permissions)
        try writer.write(data)
        try writer.commit()
    }

    /// Writes UTF-8 text; see ``write(_:to:permissions:)-(Data,_,_)``.
    public static func write(_ text: String, to path: String, permissions: mode_t = 0o644) throws {
        try write(Data(text.utf8), to: path, permissions: permissions)
    }

    static func failure(_ operation: String, _ path: String) -> AtomicFileError {
        .system(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }

    /// Makes renames inside a directory last; best effort, as file systems differ.
    public static func synchronize(directory path: String) {
        let descriptor = open(path, O_RDONLY)
        if descriptor >= 0 {
            _ = fsync(descriptor)
            close(descriptor)
        }
    }
}

/// A file being written under a temporary name beside its destination; nothing is left behind unless `commit()` ran.
public final class AtomicFileWriter {
    private let destination: String
    private let temporary: String
    private var descriptor: Int32

    /// Opens the temporary file `<path>.fsot-partial-<pid>-<random>`.
    ///
    /// - Parameter permissions: of the file, before the process's umask; `0o600` for secrets.
    /// - Throws: `AtomicFileError.system` when the directory is missing or not writable.
    public init(path: String, permissions: mode_t = 0o644) throws {
        destination = path
        temporary = "\(path).fsot-partial-\(getpid())-\(UInt32.random(in: .min ... .max))"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        if descriptor < 0 { throw AtomicFile.failure("create", path) }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(temporary)
        }
    }

    /// Appends raw bytes.
    ///
    /// - Throws: `AtomicFileError.system`, for example on a full disk.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        var offset = 0
        while offset < bytes.count {
            guard let base = bytes.baseAddress else { return }
            let written = Foundation.write(descriptor, base + offset, bytes.count - offset)
            if written < 0 {
                if errno == EINTR { continue }
                throw AtomicFile.failure("write", destination)
            }
            offset += written
        }
    }

    /// Leaves `count` bytes out, which ``fill(_:at:)`` writes later: what stands first may depend on what follows.
    ///
    /// - Throws: `AtomicFileError.system`.
    public func reserve(_ count: Int) throws {
        if lseek(descriptor, off_t(count), SEEK_CUR) < 0 { throw AtomicFile.failure("write", destination) }
    }

    /// Writes bytes into what was reserved; where the file goes on does not change.
    ///
    /// - Throws: `AtomicFileError.system`.
    public func fill(_ bytes: UnsafeRawBufferPointer, at start: Int) throws {
        var offset = 0
        while offset < bytes.count {
            guard let base = bytes.baseAddress else { return }
            let written = pwrite(descriptor, base + offset, bytes.count - offset, off_t(start + offset))
            if written < 0 {
                if errno == EINTR { continue }
                throw AtomicFile.failure("write", destination)
            }
            offset += written
        }
    }

    /// Appends data.
    ///
    /// - Throws: `AtomicFileError.system`, for example on a full disk.
    public func write(_ data: Data) throws {
        try data.withUnsafeBytes { try write($0) }
    }

    /// Flushes to disk and renames to the destination.
    ///
    /// - Throws: `AtomicFileError.system`; the destination is then unchanged.
    public func commit() throws {
        guard descriptor >= 0 else { return }
        if fsync(descriptor) != 0 { throw AtomicFile.failure("write", destination) }
        if close(descriptor) != 0 {
            descriptor = -1
            unlink(temporary)
            throw AtomicFile.failure("write", destination)
        }
        descriptor = -1
        if rename(temporary, destination) != 0 {
            let error = AtomicFile.failure("rename to", destination)
            unlink(temporary)
            throw error
        }
        AtomicFile.synchronize(directory: AtomicFile.directory(of: destination))
    }
}

/// A directory that appears whole or not at all: built under a temporary name, then renamed.
public final class StagedDirectory {
    /// The final path.
    public let destination: String
    /// Where to put the content until `commit()`; in the same parent, so that the rename is atomic.
    public let path: String
    private var isPending = true

    /// Makes the temporary directory; missing parents of `destination` are made too.
    ///
    /// - Parameter permissions: of the directory; `0o700` for secrets.
    /// - Throws: `AtomicFileError.alreadyExists` when the destination exists and is not an empty directory,
    ///   `AtomicFileError.system` otherwise.
    public init(destination: String, permissions: mode_t = 0o755) throws {
        var trimmed = destination
        while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.destination = trimmed
        path = "\(trimmed).fsot-partial-\(getpid())-\(UInt32.random(in: .min ... .max))"
        let manager = FileManager.default
        if let content = try? manager.contentsOfDirectory(atPath: trimmed) {
            if !content.isEmpty { throw AtomicFileError.alreadyExists(path: trimmed) }
        } else if manager.fileExists(atPath: trimmed) {
            throw AtomicFileError.alreadyExists(path: trimmed)
        }
        do {
            try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
            if permissions != 0o755 { try manager.setAttributes([.posixPermissions: permissions], ofItemAtPath: path) }
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: trimmed,
                reason: (error as NSError).localizedDescription
            )
        }
    }

    deinit {
        if isPending { try? FileManager.default.removeItem(atPath: path) }
    }

    /// Moves the finished directory to its destination.
    ///
    /// - Throws: `AtomicFileError.system`; the destination is then unchanged.
    public func commit() throws {
        AtomicFile.synchronize(directory: path)
        if rename(path, destination) != 0 { throw AtomicFile.failure("rename to", destination) }
        isPending = false
        AtomicFile.synchronize(directory: AtomicFile.directory(of: destination))
    }
}
