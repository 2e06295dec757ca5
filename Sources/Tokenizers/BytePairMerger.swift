/// The merge loop: a linked list of symbols and a heap of candidate pairs, O(n log n) in the piece's length.
///
/// One merger serves many pieces, so that its buffers are allocated once.
struct BytePairMerger {
    private struct Candidate: Comparable {
        let rank: Int32
        let position: Int32
        let id: Int32

        static func < (left: Candidate, right: Candidate) -> Bool {
            left.rank != right.rank ? left.rank < right.rank : left.position < right.position
        }
    }

    private var previous: [Int32] = []
    private var next: [Int32] = []
    private var heap: [Candidate] = []

    /// Merges `symbols` in place until no pair of neighbours is in `pairs`.
    ///
    /// The lowest rank goes first, the leftmost among equals. A candidate whose neighbours have changed since it was
    /// found is dropped unless the pair now there gives the same id: Hugging Face's rule, kept for equal ids.
    mutating func merge(_ symbols: inout [Int32], with pairs: PairTable) {
        let count = symbols.count
        if count < 2 { return }
        heap.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        next.removeAll(keepingCapacity: true)
        for index in 0..<count {
            previous.append(Int32(index) - 1)
            next.append(index + 1 < count ? Int32(index) + 1 : -1)
            if index + 1 < count { consider(symbols[index], symbols[index + 1], at: Int32(index), in: pairs) }
        }
        let removed: Int32 = -1
        while let top = popMinimum() {
            let left = Int(top.position)
            let right = Int(next[left])
            guard symbols[left] != removed, right >= 0,
                let merge = pairs[symbols[left], symbols[right]], merge.id == top.id
            else { continue }
            symbols[left] = merge.id
            symbols[right] = removed
            next[left] = next[right]
            if next[left] >= 0 {
                previous[Int(next[left])] = top.position
                consider(merge.id, symbols[Int(next[left])], at: top.position, in: pairs)
            }
            if previous[left] >= 0 {
                consider(symbols[Int(previous[left])], merge.id, at: previous[left], in: pairs)
            }
        }
        symbols.removeAll { $0 == removed }
    }

    private mutating func consider(_ left: Int32, _ right: Int32, at position: Int32, in pairs: PairTable) {
        guard let merge = pairs[left, right] else { return }
        heap.append(Candidate(rank: merge.rank, position: position, id: merge.id))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if !(heap[child] < heap[parent]) { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popMinimum() -> Candidate? {
        guard let top = heap.first, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return top }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= heap.count { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            if !(heap[child] < heap[parent]) { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return top
    }
}
