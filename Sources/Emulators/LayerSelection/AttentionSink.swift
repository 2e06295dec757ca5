/// Where a model makes its attention sink: the block after which token 0 carries most of the hidden states' energy.
///
/// Later blocks attend to that token when they have nothing to say (Xiao et al., arXiv 2309.17453; Sun et al.,
/// arXiv 2402.17762). Without the block that makes it they attend to the text instead, and the model is broken out of
/// proportion to one block: in SmolLM2-135M's middle of 26 no other block's loss raises the loss half as much.
public struct AttentionSink: Codable, Sendable, Equatable {
    /// A rise of token 0's share by less than this is no sink.
    public static let leastRise = 0.1

    /// Token 0's share of the energy before the middle and after each of its blocks: n + 1 values. It depends on the length
    /// of the sequences.
    public var firstTokenShare: [Double]
    /// The block after which the share rises the most, 0-based within the middle, the first of several; nil when none
    /// raises it by ``leastRise``: there is no sink, or the bottom makes it.
    public var block: Int?

    /// Finds the sink.
    public init(firstTokenShare: [Double]) {
        self.firstTokenShare = firstTokenShare
        let rises = zip(firstTokenShare.dropFirst(), firstTokenShare).map { $0 - $1 }
        guard let most = rises.max(), most >= Self.leastRise else { return }
        block = rises.firstIndex(of: most)
    }
}
