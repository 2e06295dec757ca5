/// ShortGPT's choice of layers (arXiv 2403.03853): drop the blocks that change the hidden states' direction the least. What
/// they are measured by is ``LayerStates/blockInfluence``.
public enum BlockInfluence {
    /// The blocks of the highest influence, ascending; the lower of equals. Smaller results are part of larger ones.
    ///
    /// - Parameters:
    ///   - influence: of each block.
    ///   - count: how many to keep.
    ///   - pinned: a block that is kept before all others; nil: none.
    public static func kept(_ influence: [Double], count: Int, pinned: Int? = nil) -> [Int] {
        let others = influence.indices.filter { $0 != pinned }
        let ranking = others.sorted { (influence[$1], $0) < (influence[$0], $1) }
        return ((pinned.map { [$0] } ?? []) + ranking).prefix(count).sorted()
    }
}
