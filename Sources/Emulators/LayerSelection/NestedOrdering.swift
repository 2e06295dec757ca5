import TensorEngine

/// Orderings of the middle's blocks of which an emulator keeps the first k, so that smaller emulators are part of larger
/// ones and the union of several releases is the largest of them.
public enum NestedOrdering {
    /// First the block in the middle and both ends, then always the one farthest from all so far: every beginning is spread
    /// as evenly as an ordering allows. Of several that are equally far the one whose number, its bits reversed, is least,
    /// which spreads them too. A function of the number of blocks alone, so that no two releases of one
    /// model can disagree about it.
    ///
    /// - Parameter count: n, the blocks of the middle.
    /// - Returns: a permutation of 0 ..< n.
    public static func coarseToFine(_ count: Int) -> [Int] {
        guard count > 0 else { return [] }
        var ordering: [Int] = []
        var distances = [Int](repeating: count, count: count)
        func add(_ block: Int) {
            ordering.append(block)
            for index in 0..<count { distances[index] = min(distances[index], abs(index - block)) }
        }
        for block in [LayerSelection.centre(of: count), 0, count - 1] where distances[block] > 0 { add(block) }
        func reversedBits(_ index: Int) -> UInt64 {
            (0..<64).reduce(UInt64(0)) { $0 << 1 | (UInt64(index) >> UInt64($1)) & 1 }
        }
        let spread = (0..<count).sorted { reversedBits($0) < reversedBits($1) }
        while ordering.count < count {
            var farthest = spread[0]
            for index in spread where distances[index] > distances[farthest] { farthest = index }
            add(farthest)
        }
        return ordering
    }

    /// A permutation of 0 ..< n that the seed draws.
    public static func random(_ count: Int, seed: UInt64) -> [Int] {
        var generator = SeededGenerator(seed: seed).derive("layer selection")
        return (0..<count).shuffled(using: &generator)
    }
}
