/// The merges, looked up by the two ids: open addressing over a power of two, so that the hot loop costs one
/// multiplication and, mostly, one cache line.
struct PairTable: Sendable {
    struct Merge: Sendable {
        /// Order of the merge: the lowest goes first.
        let rank: Int32
        /// What the pair becomes.
        let id: Int32
    }

    private var keys: [UInt64]
    private var merges: [Merge]
    private let shift: UInt64
    private static let emptyKey = UInt64.max

    /// - Parameter capacity: the number of insertions to come.
    init(capacity: Int) {
        let bits = max(4, Int.bitWidth - max(1, capacity * 2 - 1).leadingZeroBitCount)
        keys = Array(repeating: Self.emptyKey, count: 1 << bits)
        merges = Array(repeating: Merge(rank: 0, id: 0), count: 1 << bits)
        shift = UInt64(64 - bits)
    }

    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        var index = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while keys[index] != key && keys[index] != Self.emptyKey { index = (index + 1) & (keys.count - 1) }
        return index
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Sets the merge of a pair; a later one replaces an earlier one, as in the reference.
    mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
        let key = Self.key(left, right)
        let index = slot(of: key)
        keys[index] = key
        merges[index] = merge
    }

    @inline(__always)
    subscript(left: Int32, right: Int32) -> Merge? {
        let index = slot(of: Self.key(left, right))
        return keys[index] == Self.emptyKey ? nil : merges[index]
    }
}
