import Glibc
import Synchronization

/// Memory of tensors: 64-byte aligned buffers that return here when their tensor goes, so that a training step reaches a
/// steady state in which it takes nothing from the system.
///
/// Sizes are rounded up to classes of one quarter of a power of two (pages that nobody touches cost nothing), and a request
/// takes an idle buffer of its class only: taking larger ones would let one step use up what the next one needs. Before
/// the pool grows it gives back idle buffers that the present shapes do not use.
public final class BufferPool: Sendable {
    /// The pool that new tensors draw from. Tests bind their own.
    @TaskLocal public static var current = BufferPool()

    /// What the pool holds.
    public struct Usage: Sendable {
        /// Buffers taken from the system since the pool was made.
        public internal(set) var freshAllocations = 0
        /// Bytes in tensors now.
        public internal(set) var liveBytes = 0
        /// The most bytes there ever were in tensors.
        public internal(set) var peakBytes = 0
        /// Bytes kept for reuse.
        public internal(set) var idleBytes = 0
    }

    fileprivate struct State {
        var usage = Usage()
        var idle: [Int: [UInt]] = [:]
    }
    private let state = Mutex(State())

    /// An empty pool.
    public init() {}

    deinit {
        state.withLock { state in
            for (size, addresses) in state.idle {
                for address in addresses { SystemMemory.giveBack(address, bytes: size) }
            }
        }
    }

    /// What the pool holds now.
    public var usage: Usage { state.withLock { $0.usage } }

    /// A buffer of at least `count` floats, contents undefined, and its capacity in bytes.
    func take(count: Int, reusing: Bool) -> (UnsafeMutablePointer<Float>, Int) {
        let wanted = BufferPool.sizeClass(count * MemoryLayout<Float>.stride)
        let (address, capacity) = state.withLock { state -> (UInt, Int) in
            if reusing, let address = state.idle[wanted]?.popLast() {
                state.usage.idleBytes -= wanted
                state.record(taken: wanted)
                return (address, wanted)
            }
            state.trim(toFit: wanted)
            guard let address = SystemMemory.take(bytes: wanted) else {
                preconditionFailure("Out of memory: \(wanted) bytes were refused; use a smaller batch or length.")
            }
            state.usage.freshAllocations += 1
            state.record(taken: wanted)
            return (address, wanted)
        }
        guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else { preconditionFailure("a null buffer") }
        return (pointer.assumingMemoryBound(to: Float.self), capacity)
    }

    func giveBack(_ pointer: UnsafeMutablePointer<Float>, capacity: Int, toSystem: Bool) {
        let address = UInt(bitPattern: pointer)
        state.withLock { state in
            if toSystem {
                state.usage.liveBytes -= capacity
                SystemMemory.giveBack(address, bytes: capacity)
                return
            }
            state.idle[capacity, default: []].append(address)
            state.usage.idleBytes += capacity
            state.usage.liveBytes -= capacity
        }
    }

    static func sizeClass(_ bytes: Int) -> Int {
        guard bytes > 512 else { return (max(bytes, 1) + 63) / 64 * 64 }
        let step = 1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount - 2)
        return (bytes + step - 1) / step * step
    }
}

extension BufferPool.State {
    fileprivate mutating func record(taken bytes: Int) {
        usage.liveBytes += bytes
        usage.peakBytes = max(usage.peakBytes, usage.liveBytes)
    }

    /// Frees idle buffers, largest first, while live, idle and wanted bytes together would pass the peak by a quarter:
    /// batches of ever new lengths would otherwise each leave their own set of buffers behind.
    fileprivate mutating func trim(toFit wanted: Int) {
        let allowed = usage.peakBytes + usage.peakBytes / 4 + (64 << 20)
        for size in idle.keys.sorted(by: >) {
            while usage.liveBytes + usage.idleBytes + wanted > allowed, let address = idle[size]?.popLast() {
                SystemMemory.giveBack(address, bytes: size)
                usage.idleBytes -= size
            }
        }
    }
}

/// One pooled buffer; gives its memory back when the last reference goes.
final class Buffer {
    let pointer: UnsafeMutablePointer<Float>
    private let capacity: Int
    private let pool: BufferPool
    /// Whether nothing will ever want memory of this size again: a weight that lives on in another form.
    var returnsToSystem = false

    /// `isLongLived`: of fresh memory, so that the idle buffers stay a step's own.
    init(count: Int, isLongLived: Bool) {
        pool = BufferPool.current
        (pointer, capacity) = pool.take(count: count, reusing: !isLongLived)
    }

    deinit { pool.giveBack(pointer, capacity: capacity, toSystem: returnsToSystem) }
}
