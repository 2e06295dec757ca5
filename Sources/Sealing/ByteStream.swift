import Cryptography
import Foundation

/// Takes bytes in order: a file, a hash, an encryption, an archive.
public protocol ByteSink: AnyObject {
    /// Takes the next bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

extension ByteSink {
    /// Takes the next bytes.
    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }
}

/// Gives bytes in order.
public protocol ByteSource: AnyObject {
    /// Puts up to `buffer.count` bytes there; 0 only at the end (or for an empty buffer).
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension ByteSource {
    /// Reads until `buffer` is full or the source ends; returns the number of bytes.
    func readFully(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Reads up to `count` bytes; fewer only at the end.
    func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try bytes.withUnsafeMutableBytes { try readFully(into: $0) }
        return got == count ? bytes : Array(bytes[0..<got])
    }

    /// Lends the next `count` bytes piece by piece to `body`; false when the source ends before.
    func forEachPiece(of count: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        var piece = [UInt8](repeating: 0, count: min(max(count, 1), 256 << 10))
        var left = count
        while left > 0 {
            let wanted = min(left, piece.count)
            let got = try piece.withUnsafeMutableBytes { buffer in
                let got = try readFully(into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<wanted]))
                try body(UnsafeRawBufferPointer(rebasing: buffer[0..<got]))
                return got
            }
            if got < wanted { return false }
            left -= got
        }
        return true
    }
}

/// Bytes collected in memory.
public final class MemorySink: ByteSink {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []
    /// An empty sink.
    public init() {}
    /// Appends.
    public func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }
}

/// Bytes from memory.
public final class MemorySource: ByteSource {
    private var rest: ArraySlice<UInt8>
    /// Gives `bytes`.
    public init(_ bytes: [UInt8]) { rest = bytes[...] }
    /// See ``ByteSource``.
    public func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
}

/// Bytes at an address that stays, wiped and freed with the object, also where a throwing `init` gives it up.
final class ByteBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    init(count: Int) { bytes = .allocate(byteCount: count, alignment: 64) }

    deinit {
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        bytes.deallocate()
    }
}

/// The next `count` bytes of another source.
final class LimitedSource: ByteSource {
    private let source: any ByteSource
    /// How many of them were not read yet.
    private(set) var left: Int

    init(_ source: any ByteSource, count: Int) {
        self.source = source
        left = count
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = min(buffer.count, left)
        if wanted == 0 { return 0 }
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        left -= count
        return count
    }
}

/// A source that hashes what is read from it, on the second core.
final class HashingSource: ByteSource {
    let hash: BackgroundSHA256
    private let source: any ByteSource
    private let observer: (Int) -> Void

    init(_ source: any ByteSource, observer: @escaping (Int) -> Void) throws {
        hash = try BackgroundSHA256()
        self.source = source
        self.observer = observer
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try source.read(into: buffer)
        hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        observer(count)
        return count
    }
}

/// Hashes what passes through, on the second core.
final class HashingSink: ByteSink {
    let hash: BackgroundSHA256
    private let next: any ByteSink

    init(_ next: any ByteSink) throws {
        hash = try BackgroundSHA256()
        self.next = next
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        hash.update(bytes)
        try next.write(bytes)
    }
}

/// An open file; closed with the object.
final class OpenFile {
    let path: String
    let descriptor: Int32

    init(reading path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw SealingError.unreadable(path: path, reason: String(cString: strerror(errno))) }
    }

    deinit { close(descriptor) }

    /// True and a size only for a regular file.
    func regularSize() throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SealingError.unreadable(path: path, reason: "it is not a regular file")
        }
        return Int(status.st_size)
    }
}

/// A range of an open file as a source; several may read one file.
final class FileSource: ByteSource {
    private let file: OpenFile
    private(set) var offset: Int
    private let end: Int

    init(_ file: OpenFile, range: Range<Int>) {
        self.file = file
        offset = range.lowerBound
        end = range.upperBound
    }

    convenience init(path: String) throws {
        let file = try OpenFile(reading: path)
        self.init(file, range: 0..<(try file.regularSize()))
    }

    /// Passes over `count` bytes.
    func skip(_ count: Int) { offset = min(end, offset + count) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = min(buffer.count, end - offset)
        if wanted <= 0 { return 0 }
        while true {
            let count = pread(file.descriptor, buffer.baseAddress, wanted, off_t(offset))
            if count < 0 && errno == EINTR { continue }
            if count < 0 {
                throw SealingError.unreadable(path: file.path, reason: String(cString: strerror(errno)))
            }
            offset += count
            return count
        }
    }
}
