import AtomicFiles
import Cryptography
import Foundation

/// `answers.jsonl`: every query that the owner answered, one line each, only ever appended to; and the limit that follows from it.
///
/// Each line holds the SHA-256 of the line before, so that a changed or removed line shows, except at the end.
public struct AnswerLog: Sendable {
    /// One answer.
    public struct Entry: Codable, Sendable, Equatable {
        /// When, ISO 8601, UTC.
        public var time: String
        /// The holder by the name on the card that the answer was sealed to.
        public var holder: String
        /// SHA-256 of that card's certificate: whom the limit is counted for, since nobody else can open the answer.
        public var fingerprint: String
        /// SHA-256 of the query.
        public var query: String
        /// SHA-256 of the adapter's weights.
        public var adapter: String
        /// Records scored.
        public var records: Int
        /// SHA-256 of the line before; 64 zeros in the first.
        public var previous: String

        /// Describes an answer; the log fills in the line before.
        public init(
            time: String,
            holder: String,
            fingerprint: String,
            query: String,
            adapter: String,
            records: Int
        ) {
            self.time = time
            self.holder = holder
            self.fingerprint = fingerprint
            self.query = query
            self.adapter = adapter
            self.records = records
            previous = ""
        }

        /// The day in UTC, `2026-01-31`.
        var day: Substring { time.prefix(10) }
    }

    private static let origin = String(repeating: "0", count: 64)
    /// The file.
    public let path: String

    /// Uses the file at `path`, which need not exist.
    public init(path: String) { self.path = path }

    /// The answers so far, oldest first.
    ///
    /// - Throws: `AuditError.unusableExchange` when a line was changed, removed or left unfinished.
    public func entries() throws -> [Entry] { try read().entries }

    /// Refuses an answer for which its holder has not so many records left today.
    ///
    /// - Parameter limit: records that one holder may have scored in one day (UTC).
    /// - Throws: `AuditError.overLimit`, `.unusableExchange`.
    public func check(_ entry: Entry, limit: Int) throws { try check(entry, after: entries(), limit: limit) }

    /// Appends an answer, checked; on disk before this returns.
    ///
    /// - Parameter limit: see ``check(_:limit:)``.
    /// - Throws: `AuditError.overLimit`, `.unusableExchange`, `AtomicFileError`; the log is then as it was.
    public func append(_ entry: Entry, limit: Int) throws {
        let lock = try FileLock(path: path)
        defer { lock.unlock() }
        let (earlier, head, bytes) = try read()
        try check(entry, after: earlier, limit: limit)
        var entry = entry
        entry.previous = head
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write(try encoder.encode(entry) + Data("\n".utf8), after: bytes)
    }

    private func check(_ entry: Entry, after earlier: [Entry], limit: Int) throws {
        let used = earlier.filter { $0.fingerprint == entry.fingerprint && $0.day == entry.day }
            .reduce(0) { $0 + $1.records }
        guard used + entry.records <= limit else {
            throw AuditError.overLimit(holder: entry.holder, asked: entry.records, used: used, limit: limit)
        }
    }

    private func write(_ line: Data, after end: Int) throws {
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw AtomicFileError.system(operation: "append to", path: path, reason: "it cannot be written")
        }
        defer { try? file.close() }
        do {
            try file.seekToEnd()
            try file.write(contentsOf: line)
            try file.synchronize()
        } catch {
            try? file.truncate(atOffset: UInt64(end))
            throw AtomicFileError.system(
                operation: "append to",
                path: path,
                reason: (error as NSError).localizedDescription
            )
        }
    }

    private func read() throws -> (entries: [Entry], head: String, bytes: Int) {
        guard FileManager.default.fileExists(atPath: path) else { return ([], Self.origin, 0) }
        func broken(_ line: Int) -> AuditError {
            .unusableExchange(
                path: path,
                reason: "line \(line) is damaged, or a line before it was changed or removed",
                remedy: "put back the log as it was, or begin another with --log"
            )
        }
        guard let bytes = FileManager.default.contents(atPath: path) else { throw broken(1) }
        var entries: [Entry] = []
        var head = Self.origin
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let entry = try? JSONDecoder().decode(Entry.self, from: Data(line)), entry.previous == head,
                entry.records >= 0
            else { throw broken(entries.count + 1) }
            entries.append(entry)
            head = SHA256.digest([UInt8](line)).hexadecimal
        }
        guard bytes.isEmpty || bytes.last == UInt8(ascii: "\n") else { throw broken(entries.count) }
        return (entries, head, bytes.count)
    }
}
