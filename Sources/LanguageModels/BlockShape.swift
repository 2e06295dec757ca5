/// The shape of a block that is thinner than its model's configuration says: what width pruning and low-rank attention leave.
public struct BlockShape: Codable, Sendable, Equatable {
    /// Channels of the feed-forward layer.
    public var feedForwardSize: Int
    /// Projections that are stored as two factors: the rank by the module's name within the block, such as `self_attn.q_proj`.
    public var ranks: [String: Int]

    enum CodingKeys: String, CodingKey {
        case feedForwardSize = "intermediate_size"
        case ranks
    }

    /// Makes a shape.
    public init(feedForwardSize: Int, ranks: [String: Int] = [:]) {
        self.feedForwardSize = feedForwardSize
        self.ranks = ranks
    }
}

extension ModelConfiguration {
    /// The shape of a block: as wide as the configuration says and whole, unless it was thinned.
    public func shape(ofBlock index: Int) -> BlockShape {
        thinnedBlocks[index] ?? BlockShape(feedForwardSize: feedForwardSize)
    }

    /// The same model with some blocks thinner; blocks that are not named keep the shape they have.
    ///
    /// - Throws: `LanguageModelError.badValue` for a block that does not exist, a width outside 1 ... `feedForwardSize`, or a
    ///   rank below 1. A rank of a module that the block does not have shows when the weights are asked for.
    public func thinned(_ shapes: [Int: BlockShape]) throws -> ModelConfiguration {
        var result = self
        for (index, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            guard (0..<layerCount).contains(index) else {
                throw LanguageModelError.noSuchBlock(index: index, layerCount: layerCount)
            }
            guard (1...feedForwardSize).contains(shape.feedForwardSize) else {
                throw LanguageModelError.badValue(
                    key: "intermediate_size of block \(index)",
                    value: String(shape.feedForwardSize),
                    expected: "from 1 to \(feedForwardSize)"
                )
            }
            let widest = max(hiddenSize, headCount * headSize * 3)
            if let (name, rank) = shape.ranks.first(where: { !(1...widest).contains($0.value) }) {
                throw LanguageModelError.badValue(
                    key: "rank of \(name) in block \(index)",
                    value: String(rank),
                    expected: "from 1 to \(widest)"
                )
            }
            result.thinnedBlocks[index] = shape == BlockShape(feedForwardSize: feedForwardSize) ? nil : shape
        }
        return result
    }
}
