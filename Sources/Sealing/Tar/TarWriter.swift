/// Writes a ustar archive of plain files, in ascending order of their names, the same bytes for the same content.
public final class TarWriter {
    private let sink: any ByteSink
    private var last = ""

    /// Writes into `sink`.
    public init(_ sink: any ByteSink) {
        self.sink = sink
    }

    /// Appends a file of `size` bytes, taken from `source` and also shown to `observer`.
    ///
    /// - Throws: `SealingError.invalid` for an unsafe name, one out of order, a file above 8 GiB, or a `source` that
    ///   gives another number of bytes; what `sink` and `source` throw.
    public func append(
        name: String,
        size: Int,
        from source: any ByteSource,
        observer: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws {
        guard name > last else {
            throw SealingError.invalid(what: "The archive entry \(name)", reason: "it does not come after \(last)")
        }
        last = name
        try sink.write(TarHeader(name: name, size: size).block())
        let isWhole = try source.forEachPiece(of: size) { piece in
            try observer(piece)
            try sink.write(piece)
        }
        guard isWhole, try source.read(1).isEmpty else {
            throw SealingError.invalid(what: name, reason: "its size changed while it was read")
        }
        try sink.write([UInt8](repeating: 0, count: TarReader.padding(after: size)))
    }

    /// Writes the end of the archive.
    public func finish() throws {
        try sink.write([UInt8](repeating: 0, count: 2 * TarHeader.blockLength))
    }
}
