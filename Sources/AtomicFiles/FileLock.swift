import Foundation

/// An exclusive lock between processes on a file (`flock`): it goes with the process that holds it.
public final class FileLock {
    private var descriptor: Int32

    /// Makes the file where it is missing, with mode 0600, and waits until nobody else holds it.
    ///
    /// - Throws: `AtomicFileError.system`.
    public init(path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw AtomicFile.failure("create", path) }
        while flock(descriptor, LOCK_EX) != 0 {
            if errno == EINTR { continue }
            let error = AtomicFile.failure("lock", path)
            close(descriptor)
            descriptor = -1
            throw error
        }
    }

    deinit { unlock() }

    /// Lets go; to be called once.
    public func unlock() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
