import LanguageModels
import TensorEngine

/// What a model's blocks consist of: how thin they have to be for a share of their parameters.
public struct BlockWeights: Sendable, Equatable {
    /// Parameters of one block's attention.
    public let attention: Int
    /// Parameters of one block's feed-forward layer.
    public let feedForward: Int
    /// Blocks.
    public let blocks: Int

    /// Below this share of the feed-forward channels, attention is thinned first.
    private static let leastChannels = 1.0 / 6

    /// Counts the first block's parameters.
    public init(of model: LanguageModel) {
        func count(_ layers: [Linear]) -> Int {
            layers.flatMap(\.parameters).reduce(0) { $0 + $1.value.count }
        }
        attention = model.blocks.first.map { count($0.attentionProjections) } ?? 0
        feedForward = model.blocks.first.map { count($0.feedForwardInputs + [$0.feedForwardOutput]) } ?? 0
        blocks = model.blocks.count
    }

    /// All blocks' parameters.
    public var parameters: Int { (attention + feedForward) * blocks }

    /// Attention whole as long as a sixth of the channels stays with it, then half of it, then a quarter.
    ///
    /// - Parameter ratio: the share of the middle's parameters to keep, in (0, 1].
    public func thinning(to ratio: Double) -> Thinning {
        let wanted = ratio * Double(attention + feedForward)
        for share in [1, 0.5, 0.25] {
            let channels = (wanted - share * Double(attention)) / Double(max(1, feedForward))
            if channels >= Self.leastChannels {
                return Thinning(feedForward: min(1, (channels * 1e4).rounded() / 1e4), attention: share)
            }
        }
        return Thinning(feedForward: ratio, attention: ratio)
    }
}
