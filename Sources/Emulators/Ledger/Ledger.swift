import AtomicFiles
import Cryptography
import Foundation

/// The owner's ledger of releases: a file of lines that is only ever appended to, each holding the SHA-256 of the line
/// before.
///
/// A changed, removed or reordered line breaks the chain at its place. Lines removed at the end do not: beside the ledger
/// lies `….head` with the number of lines and the last one's hash. Whoever can write both files can still shorten both, or
/// make a whole new chain: against that only a head that was noted elsewhere helps (``verify(head:)``).
public struct Ledger: Sendable {
    /// A ledger whose chain is whole.
    public struct Verification: Sendable, Equatable {
        /// Lines.
        public var count: Int
        /// SHA-256 of the last line, in hexadecimal; 64 zeros for an empty ledger.
        public var head: String
        /// Whether the last line was appended without the head being written: the machine stopped in between.
        public var endsBeyondHead: Bool
    }

    private struct Head: Codable {
        var count: Int
        var sha256: String
    }

    private static let origin = String(repeating: "0", count: 64)
    /// The file.
    public let path: String
    private var headPath: String { path + ".head" }

    /// Uses the file at `path`, which need not exist.
    public init(path: String) { self.path = path }

    /// The releases, oldest first, once the chain was verified; empty where there is no file.
    ///
    /// - Throws: `EmulatorError.brokenLedger`, `EmulatorError.shortenedLedger`,
    /// `EmulatorError.unreadableLedger`.
    public func entries() throws -> [LedgerEntry] { try read(allowingUnfinishedLine: false).entries }

    /// Checks the chain and the head.
    ///
    /// - Parameter noted: a head that was noted elsewhere; it has to be the hash of one of the lines.
    /// - Throws: as ``entries()``.
    public func verify(head noted: String? = nil) throws -> Verification {
        let content = try read(allowingUnfinishedLine: false)
        if let noted, noted != Self.origin, !content.hashes.contains(noted.lowercased()) {
            throw EmulatorError.brokenLedger(
                path: path,
                line: content.entries.count,
                reason: "no line up to here has the hash \(noted), so it was made anew or cut after that head was noted"
            )
        }
        return Verification(
            count: content.entries.count,
            head: content.hashes.last ?? Self.origin,
            endsBeyondHead: content.endsBeyondHead
        )
    }

    /// Appends a release: under a lock, on disk before this returns.
    ///
    /// A line that a stopped machine left unfinished is removed: its release was never reported.
    ///
    /// - Returns: the entry as it stands in the ledger.
    /// - Throws: as ``entries()``, and `AtomicFileError`; the ledger is then as it was.
    @discardableResult
    public func append(_ entry: LedgerEntry) throws -> LedgerEntry {
        try makeDirectory()
        let lock = try FileLock(path: path)
        defer { lock.unlock() }
        let content = try read(allowingUnfinishedLine: true)
        var entry = entry
        entry.number = content.entries.count + 1
        entry.previous = content.hashes.last ?? Self.origin
        let line = try entry.line()
        try write(line, after: content.finishedBytes)
        try writeHead(Head(count: entry.number, sha256: Self.hash(line)))
        return entry
    }

    private func makeDirectory() throws {
        let directory = AtomicFile.directory(of: path)
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: directory,
                reason: (error as NSError).localizedDescription
            )
        }
    }

    private func write(_ line: Data, after start: Int) throws {
        func failure() -> AtomicFileError {
            .system(operation: "append to", path: path, reason: String(cString: strerror(errno)))
        }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        do {
            guard ftruncate(descriptor, off_t(start)) == 0 else { throw failure() }
            let bytes = [UInt8](line) + [UInt8(ascii: "\n")]
            var offset = 0
            while offset < bytes.count {
                let count = bytes.withUnsafeBytes {
                    pwrite(
                        descriptor,
                        $0.baseAddress?.advanced(by: offset),
                        bytes.count - offset,
                        off_t(start + offset)
                    )
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure() }
                offset += count
            }
            guard fsync(descriptor) == 0 else { throw failure() }
        } catch {
            ftruncate(descriptor, off_t(start))
            throw error
        }
    }

    private func writeHead(_ head: Head) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try AtomicFile.write(try encoder.encode(head) + [UInt8(ascii: "\n")], to: headPath, permissions: 0o600)
    }

    // MARK: - Reading

    private struct Content {
        var entries: [LedgerEntry] = []
        var hashes: [String] = []
        /// Bytes up to and with the last line feed.
        var finishedBytes = 0
        var endsBeyondHead = false
    }

    private func read(allowingUnfinishedLine: Bool) throws -> Content {
        func broken(_ line: Int, _ reason: String) -> EmulatorError {
            .brokenLedger(path: path, line: line, reason: reason)
        }
        var content = Content()
        guard FileManager.default.fileExists(atPath: path) else {
            if FileManager.default.fileExists(atPath: headPath) {
                throw EmulatorError.shortenedLedger(path: path, lines: 0, expected: try head()?.count ?? 0)
            }
            return content
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw EmulatorError.unreadableLedger(path: path, reason: "it cannot be read")
        }
        var rest = data[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let (line, number) = (Data(rest[..<end]), content.entries.count + 1)
            guard let entry = try? JSONDecoder().decode(LedgerEntry.self, from: line), entry.format == 1 else {
                throw broken(number, "it is not an entry that this version knows")
            }
            guard entry.number == number else {
                throw broken(number, "it is entry \(entry.number), so lines were removed, added or reordered here")
            }
            guard entry.previous == content.hashes.last ?? Self.origin else {
                throw number == 1
                    ? broken(1, "it follows another line, so lines before it were removed")
                    : broken(number - 1, "it is not the line that line \(number) follows, so it was changed")
            }
            content.entries.append(entry)
            content.hashes.append(Self.hash(line))
            rest = rest[(end + 1)...]
        }
        content.finishedBytes = data.count - rest.count
        if !rest.isEmpty, !allowingUnfinishedLine {
            throw broken(content.entries.count + 1, "it is unfinished: the machine stopped while it was written")
        }
        try compareWithHead(&content)
        return content
    }

    private func compareWithHead(_ content: inout Content) throws {
        let count = content.entries.count
        guard let head = try head() else {
            // The first append may have stopped before it wrote the head.
            content.endsBeyondHead = count == 1
            guard count <= 1 else {
                throw EmulatorError.unreadableLedger(
                    path: headPath,
                    reason: "it is missing, so nobody can tell whether lines were removed at the ledger's end"
                )
            }
            return
        }
        guard count >= head.count else {
            throw EmulatorError.shortenedLedger(path: path, lines: count, expected: head.count)
        }
        let hash = head.count == 0 ? Self.origin : content.hashes[head.count - 1]
        guard hash == head.sha256, count <= head.count + 1 else {
            throw EmulatorError.brokenLedger(
                path: path,
                line: hash == head.sha256 ? head.count + 2 : head.count,
                reason: "\(headPath) does not know it, so it was changed or added by hand"
            )
        }
        content.endsBeyondHead = count > head.count
    }

    private func head() throws -> Head? {
        guard FileManager.default.fileExists(atPath: headPath) else { return nil }
        guard let data = FileManager.default.contents(atPath: headPath),
            let head = try? JSONDecoder().decode(Head.self, from: data), head.count >= 0
        else { throw EmulatorError.unreadableLedger(path: headPath, reason: "it is damaged") }
        return head
    }

    private static func hash(_ line: Data) -> String {
        SHA256.digest([UInt8](line)).hexadecimal
    }
}
