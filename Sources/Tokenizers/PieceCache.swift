import Synchronization

/// Ids of pieces met before. Text repeats itself: nearly every piece of a long text is found here.
struct PieceCache {
    /// Longer pieces repeat too rarely to be worth their memory.
    static let longestPiece = 48
    private static let capacity = 1 << 16

    private var ids: [ArraySlice<UInt8>: [Int32]] = [:]

    var count: Int { ids.count }

    subscript(piece: ArraySlice<UInt8>) -> [Int32]? { ids[piece] }

    mutating func insert(_ value: [Int32], for piece: ArraySlice<UInt8>) {
        // A copy of the key: a slice would keep the whole text alive.
        if ids.count < Self.capacity { ids[ArraySlice(Array(piece))] = value }
    }
}

/// Caches lent to one encoding at a time, so that concurrent encodings never wait for each other.
final class PieceCachePool: Sendable {
    private let caches = Mutex<[PieceCache]>([])

    func borrow() -> PieceCache { caches.withLock { $0.popLast() } ?? PieceCache() }

    func giveBack(_ cache: consuming PieceCache) {
        let cache = cache
        caches.withLock { if $0.count < 4 { $0.append(cache) } }
    }
}
