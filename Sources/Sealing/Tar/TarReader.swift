/// Reads a ustar archive of plain files and refuses everything else: links, directories, unsafe or repeated names,
/// padding that is not zero, bytes after the end.
public final class TarReader {
    /// An entry's name and size in bytes.
    public struct Entry: Equatable, Sendable {
        /// Relative, without `.` and `..`.
        public let name: String
        /// Bytes of content.
        public let size: Int
    }

    private let source: any ByteSource
    private let what: String
    private var names = Set<String>()
    private var pending: Entry?

    /// Reads from `source`; `what` is how errors name it.
    public init(_ source: any ByteSource, what: String) {
        self.source = source
        self.what = what
    }

    static func padding(after size: Int) -> Int {
        (TarHeader.blockLength - size % TarHeader.blockLength) % TarHeader.blockLength
    }

    /// The next entry, or nil after the last one, when the archive was read to its very end.
    ///
    /// The content of the entry before must have been read.
    ///
    /// - Throws: `SealingError.malformed`.
    public func next() throws -> Entry? {
        precondition(pending == nil, "the content of an entry must be read before the next entry")
        let block = try source.read(TarHeader.blockLength)
        if block.allSatisfy({ $0 == 0 }) {
            guard block.count == TarHeader.blockLength else { throw failure("it ends too early") }
            try readEnd()
            return nil
        }
        let header = try TarHeader(block: block, what: what)
        guard names.insert(header.name).inserted else { throw failure("it holds \(header.name) twice") }
        let entry = Entry(name: header.name, size: header.size)
        pending = entry
        return entry
    }

    /// Lends the content of the entry that `next()` gave, piece by piece.
    ///
    /// - Throws: `SealingError.malformed` when the archive ends before; what `body` throws.
    public func readContent(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let entry = pending else { return }
        pending = nil
        guard try source.forEachPiece(of: entry.size, body) else { throw failure("it ends inside \(entry.name)") }
        try readPadding(after: entry)
    }

    private func readPadding(after entry: Entry) throws {
        let padding = try source.read(Self.padding(after: entry.size))
        guard padding.count == Self.padding(after: entry.size), padding.allSatisfy({ $0 == 0 }) else {
            throw failure("it was cut or changed after \(entry.name)")
        }
    }

    /// Lends the content of the entry that `next()` gave as a source, which `body` has to read to its end.
    ///
    /// - Throws: `SealingError.malformed` when the archive ends before or `body` left something; what `body` throws.
    func withContent<Result>(_ body: (any ByteSource) throws -> Result) throws -> Result {
        guard let entry = pending else { throw failure("it has no entry to read") }
        pending = nil
        let content = LimitedSource(source, count: entry.size)
        let result = try body(content)
        guard content.left == 0 else { throw failure("\(entry.name) is longer than what it holds, or cut short") }
        try readPadding(after: entry)
        return result
    }

    /// The content of the entry that `next()` gave, for small files.
    ///
    /// - Throws: `SealingError.malformed` when it has more than `limit` bytes.
    public func readContent(limit: Int) throws -> [UInt8] {
        if let entry = pending, entry.size > limit { throw failure("\(entry.name) has more than \(limit) bytes") }
        var bytes = [UInt8]()
        try readContent { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// The second zero block, and the zero blocks with which other tools fill up to 10 240 bytes.
    private func readEnd() throws {
        let rest = try source.read(10_240)
        guard (TarHeader.blockLength..<10_240).contains(rest.count), rest.count % TarHeader.blockLength == 0,
            rest.allSatisfy({ $0 == 0 })
        else { throw failure("its end was cut, changed or extended") }
    }

    private func failure(_ reason: String) -> SealingError { .malformed(what: what, reason: reason) }
}
