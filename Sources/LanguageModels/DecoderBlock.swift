import TensorEngine

/// One transformer layer of a decoder: what offsite-tuning keeps, drops, trains and plugs in.
public protocol DecoderBlock: AnyObject {
    /// The block's number in its model, from 0: the number in its parameters' names.
    var index: Int { get }
    /// All parameters of the block, in the order of its Hugging Face module.
    var parameters: [Parameter] { get }
    /// The attention's projections, its output projection last.
    var attentionProjections: [Linear] { get }
    /// The layers that make the feed-forward layer's channels: one for each channel's gate, if any, and its value.
    var feedForwardInputs: [Linear] { get }
    /// The layer that the feed-forward layer's channels go into.
    var feedForwardOutput: Linear { get }
    /// Runs the block on the residual stream `x` `[rows, hidden]`.
    func forward(_ x: Tensor, on tape: Tape, context: AttentionContext) -> Tensor
}

extension DecoderBlock {
    /// The block's linear layers: where a LoRA adapter can attach.
    public var linears: [Linear] { attentionProjections + feedForwardInputs + [feedForwardOutput] }

    /// Runs the block on whole sequences: `x` is `[layout.rows, hidden]`.
    public func forward(_ x: Tensor, on tape: Tape, layout: SequenceLayout) -> Tensor {
        forward(x, on: tape, context: AttentionContext(layout: layout))
    }

    /// Runs the block on the newest rows of one sequence whose earlier keys and values are in `cache`.
    ///
    /// - Parameter position: how many tokens precede `x`.
    public func forwardCached(_ x: Tensor, cache: KeyValueCache, position: Int, on tape: Tape) -> Tensor {
        forward(x, on: tape, context: AttentionContext(cache: cache, position: position, rows: x.rows))
    }
}

/// What attention needs to know beside queries, keys and values: whole sequences, or one that grows in a cache.
public struct AttentionContext {
    /// The position of every row in its sequence, from 0.
    public let positions: [Int32]
    private let layout: SequenceLayout
    private let cache: KeyValueCache?
    private let batch: BatchedKeyValueCache?

    /// Whole sequences, each from position 0.
    public init(layout: SequenceLayout) {
        self.layout = layout
        cache = nil
        batch = nil
        positions = layout.lengths.flatMap { (0..<Int32($0)) }
    }

    /// The next `rows` tokens of a single sequence behind `position` cached ones.
    public init(cache: KeyValueCache, position: Int, rows: Int) {
        self.cache = cache
        batch = nil
        layout = SequenceLayout(lengths: [rows])
        positions = (0..<rows).map { Int32(position + $0) }
    }

    /// The next token of each sequence of a batch: row i belongs to slot i.
    public init(batch: BatchedKeyValueCache) {
        self.batch = batch
        cache = nil
        layout = SequenceLayout(lengths: batch.lengths.map { _ in 1 })
        positions = batch.lengths.map { Int32($0) }
    }

    /// Causal attention of `[rows, heads · headSize]` queries over keys and values of `keyValueHeads` heads, in the precision
    /// of the products around it.
    func attend(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        block: Int,
        configuration: ModelConfiguration,
        precision: ComputePrecision,
        on tape: Tape
    ) -> Tensor {
        if let batch {
            return batch.attend(
                query: query,
                key: key,
                value: value,
                layer: block,
                heads: configuration.headCount,
                keyValueHeads: configuration.keyValueHeadCount
            )
        }
        if let cache {
            return cachedAttention(
                query: query,
                key: key,
                value: value,
                cache: cache,
                layer: block,
                heads: configuration.headCount,
                keyValueHeads: configuration.keyValueHeadCount
            )
        }
        return tape.causalAttention(
            query: query,
            key: key,
            value: value,
            layout: layout,
            heads: configuration.headCount,
            keyValueHeads: configuration.keyValueHeadCount,
            precision: precision
        )
    }
}
