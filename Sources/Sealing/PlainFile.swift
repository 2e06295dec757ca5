import Foundation

/// A decrypted file that lies in memory alone: no name leads to it, no core dump holds it, and it goes with the process.
///
/// The pages are the process's own and anonymous; where the machine swaps without encryption they may reach its swap.
///
/// `@unchecked Sendable`: the bytes are written only while the file is made.
public final class PlainFile: @unchecked Sendable {
    /// The content; valid as long as this object lives.
    public let bytes: UnsafeRawBufferPointer
    private let memory: UnsafeMutableRawBufferPointer

    /// Makes room for `count` bytes.
    ///
    /// - Throws: `SealingError.invalid` when there is not enough memory.
    init(count: Int, what: String) throws {
        memory = try Self.room(count, what)
        bytes = UnsafeRawBufferPointer(memory)
    }

    /// Takes all that a source gives.
    ///
    /// - Parameter limit: at most so many bytes.
    /// - Throws: `SealingError.invalid` when there is not enough memory, and what the source throws.
    init(of source: any ByteSource, limit: Int, what: String) throws {
        memory = try Self.room(limit, what)
        do {
            bytes = UnsafeRawBufferPointer(rebasing: memory[..<(try source.readFully(into: memory))])
        } catch {
            if let start = memory.baseAddress { munmap(start, memory.count) }
            throw error
        }
    }

    private static func room(_ count: Int, _ what: String) throws -> UnsafeMutableRawBufferPointer {
        guard count > 0 else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
            throw SealingError.invalid(what: what, reason: "there is no memory for its \(count) bytes; free some")
        }
        madvise(start, count, Int32(MADV_DONTDUMP))
        return UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    deinit {
        if let start = memory.baseAddress { munmap(start, memory.count) }
    }

    /// Writes into it, once, from its first byte on.
    final class Sink: ByteSink {
        private let file: PlainFile
        private var count = 0

        init(_ file: PlainFile) { self.file = file }

        func write(_ bytes: UnsafeRawBufferPointer) throws {
            let end = count + bytes.count
            precondition(end <= file.memory.count, "a plain file must have room for all of its content")
            UnsafeMutableRawBufferPointer(rebasing: file.memory[count..<end]).copyMemory(from: bytes)
            count = end
        }
    }
}
