import CSodium

/// Bytes that must not leak: a key, a seed, a mask.
///
/// They lie between guard pages, locked in memory where the system allows it and left out of core dumps, are read-only
/// once made, and are wiped when the last reference goes. There is one copy (reference semantics), nothing prints or
/// reflects the content, and `==` takes the same time wherever the difference lies. Each value costs three pages and
/// about four memory maps: hold keys in it, not bulk data.
public final class SecretBytes: @unchecked Sendable {
    // `@unchecked`: the content is written only inside `init`, before any other reference exists.
    private let memory: UnsafeMutableRawPointer

    /// Number of bytes.
    public let count: Int

    /// False where the system refused to lock the pages (a small `RLIMIT_MEMLOCK`, as in containers): the secret is
    /// still guarded and wiped, but may reach swap.
    public let isLocked: Bool

    /// Makes `count` bytes, zero at first, that `fill` writes.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`, and whatever `fill` throws (the memory is then wiped).
    public init(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        Sodium.start
        guard count >= 0, let memory = sodium_malloc(max(count, 1)) else {
            throw CryptographyError.noSecretMemory(count: count)
        }
        sodium_memzero(memory, max(count, 1))
        self.memory = memory
        self.count = count
        // sodium_malloc locks the pages but does not say whether that worked; locking again is idempotent and does.
        isLocked = sodium_mlock(memory, max(count, 1)) == 0
        try fill(UnsafeMutableRawBufferPointer(start: memory, count: count))
        sodium_mprotect_readonly(memory)
    }

    /// Copies `bytes`; the caller's own copy is the caller's to wipe, see ``init(wiping:)``.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public convenience init(copying bytes: [UInt8]) throws {
        try self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// Moves `bytes` here and leaves zeros behind.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`; `bytes` is wiped all the same.
    public convenience init(wiping bytes: inout [UInt8]) throws {
        defer { bytes.wipe() }
        try self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// `count` bytes from the system's generator.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public static func random(count: Int) throws -> SecretBytes {
        try SecretBytes(count: count) { SecureRandom.fill($0) }
    }

    deinit {
        sodium_free(memory)
    }

    /// Lends the bytes for reading; the pointer must not outlive `body`.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// The bytes in ordinary memory, for a secret that has to be written into a file or a message.
    ///
    /// The caller wipes them (`[UInt8].wipe()`) when done.
    public func exposed() -> [UInt8] {
        withUnsafeBytes { [UInt8]($0) }
    }

    /// The secret's bytes in `range` as a secret of its own.
    ///
    /// - Throws: `CryptographyError.outOfRange` when `range` leaves the secret, `CryptographyError.noSecretMemory`.
    public func slice(_ range: Range<Int>) throws -> SecretBytes {
        guard range.lowerBound >= 0, range.upperBound <= count else {
            throw CryptographyError.outOfRange(
                parameter: "The slice of a secret",
                value: "\(range)",
                allowed: "within 0..<\(count)"
            )
        }
        return try SecretBytes(count: range.count) { target in
            withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
    }

    /// The address as libsodium wants it.
    var bytePointer: UnsafePointer<UInt8> {
        UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
    }
}

extension SecretBytes: Equatable {
    /// Constant-time in the content; lengths are public.
    public static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        left.count == right.count && sodium_memcmp(left.memory, right.memory, left.count) == 0
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The length only.
    public var description: String { "SecretBytes(\(count) hidden bytes)" }
    /// The length only.
    public var debugDescription: String { description }
    /// No children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Array where Element: FixedWidthInteger {
    /// Overwrites the elements with zeros in a way that the compiler may not drop.
    public mutating func wipe() {
        withUnsafeMutableBytes { buffer in
            if let base = buffer.baseAddress { sodium_memzero(base, buffer.count) }
        }
    }
}
