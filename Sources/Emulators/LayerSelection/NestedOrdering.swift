import TensorEngine

/// Orderings of the middle's blocks of which an emulator keeps the first k, so that smaller emulators are part of larger
/// ones and the union of several releases is the largest of them.
public enum NestedOrdering {
    /// First the block in the middle, then always the one farthest from all so far (the highest of several): every
    /// beginning is spread as evenly as an ordering allows. A function of the number of blocks alone, so that no two
    /// releases of one model can disagree about it.
    ///
    /// - Parameter count: n, the blocks of the middle.
    /// - Returns: a permutation of 0 ..< n.
    public static func coarseToFine(_ count: Int) -> [Int] {
        guard count > 0 else { return [] }
        var ordering = [LayerSelection.centre(of: count)]
        var distances = (0..<count).map { abs($0 - ordering[0]) }
        while ordering.count < count {
            var farthest = 0
            for index in 1..<count where distances[index] >= distances[farthest] { farthest = index }
            ordering.append(farthest)
            for index in 0..<count { distances[index] = min(distances[index], abs(index - farthest)) }
        }
        return ordering
    }

    /// A permutation of 0 ..< n that the seed draws.
    public static func random(_ count: Int, seed: UInt64) -> [Int] {
        var generator = SeededGenerator(seed: seed).derive("layer selection")
        return (0..<count).shuffled(using: &generator)
    }
}
