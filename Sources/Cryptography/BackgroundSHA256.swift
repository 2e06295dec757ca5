import Dispatch

/// SHA-256 of a long stream on a thread of its own: the second core hashes while the first one encrypts.
///
/// Bytes are copied into a ring of blocks; whoever appends faster than the hash follows waits. Called from one thread
/// at a time.
public final class BackgroundSHA256 {
    private static let blockLength = 128 << 10
    private static let blockCount = 24

    /// `@unchecked`: `hash` and `failure` are touched by the serial queue alone until `finalize` has waited for it.
    private final class State: @unchecked Sendable {
        let hash: BulkSHA256
        var failure: (any Error)?
        /// A block is free to be filled again once the queue has signalled for it; the queue works in order.
        let free = DispatchSemaphore(value: BackgroundSHA256.blockCount - 1)
        let memory: UnsafeMutableRawBufferPointer

        init() throws {
            hash = try BulkSHA256()
            memory = .allocate(
                byteCount: BackgroundSHA256.blockLength * BackgroundSHA256.blockCount,
                alignment: 64
            )
        }

        deinit { memory.deallocate() }

        func update(_ range: Range<Int>) {
            if failure == nil {
                do {
                    try hash.update(UnsafeRawBufferPointer(rebasing: memory[range]))
                } catch {
                    failure = error
                }
            }
            free.signal()
        }
    }

    private let state: State
    private let queue = DispatchQueue(label: "fsot.sha256", qos: .userInitiated)
    private var block = 0
    private var filled = 0
    /// Bytes so far.
    public private(set) var count = 0

    /// An empty hasher.
    ///
    /// - Throws: `OpenSSLError`.
    public init() throws { state = try State() }

    deinit {
        // A semaphore must not go below the value that it was made with.
        queue.sync {}
    }

    /// Appends bytes.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        count += bytes.count
        while !rest.isEmpty {
            let taken = rest.prefix(Self.blockLength - filled)
            let start = block * Self.blockLength + filled
            UnsafeMutableRawBufferPointer(rebasing: state.memory[start..<(start + taken.count)])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: taken))
            filled += taken.count
            rest = rest.dropFirst(taken.count)
            if filled == Self.blockLength { hand() }
        }
    }

    /// The digest of all that was appended, 32 bytes; the hasher must not be used afterwards.
    ///
    /// - Throws: `OpenSSLError`.
    public func finalize() throws -> [UInt8] {
        if filled > 0 { hand() }
        queue.sync {}
        if let failure = state.failure { throw failure }
        return try state.hash.finalize()
    }

    /// Gives the current block to the queue and waits until the next one is free.
    private func hand() {
        let range = (block * Self.blockLength)..<(block * Self.blockLength + filled)
        queue.async { [state] in state.update(range) }
        state.free.wait()
        block = (block + 1) % Self.blockCount
        filled = 0
    }
}
