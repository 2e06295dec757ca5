/// Keys and values of one sequence, for generation.
public final class KeyValueCache {
    /// Rows that fit.
    public let capacity: Int
    private let keys: [Tensor]
    private let values: [Tensor]
    private var lengths: [Int]

    /// An empty cache for `layers` layers whose keys and values have `keyValueDim` columns.
    public init(layers: Int, capacity: Int, keyValueDim: Int) {
        self.capacity = capacity
        keys = (0..<layers).map { _ in Tensor(uninitialized: [capacity, keyValueDim]) }
        values = (0..<layers).map { _ in Tensor(uninitialized: [capacity, keyValueDim]) }
        lengths = Array(repeating: 0, count: layers)
    }

    /// Rows that every layer holds: the position of the next token, also while a step is under way.
    public var length: Int { lengths.min() ?? 0 }

    /// Forgets everything from row `length` on.
    public func truncate(to length: Int) {
        lengths = lengths.map { min($0, length) }
    }

    fileprivate func append(key: Tensor, value: Tensor, layer: Int) -> (key: Tensor, value: Tensor, first: Int) {
        let first = lengths[layer]
        precondition(first + key.rows <= capacity, "the cache of \(capacity) tokens is full; make it longer.")
        let n = keys[layer].columns
        precondition(
            key.columns == n && value.shape == key.shape,
            "keys \(key.shape) do not fit the cache's \(n) columns."
        )
        (keys[layer].pointer + first * n).update(from: key.pointer, count: key.count)
        (values[layer].pointer + first * n).update(from: value.pointer, count: value.count)
        lengths[layer] = first + key.rows
        return (keys[layer], values[layer], first)
    }
}

/// Causal attention of new tokens of one sequence over those in the cache and themselves; appends their keys and values.
/// `query` is `[new, heads · d]`, `key` and `value` `[new, keyValueHeads · d]`, already rotated; the result is like `query`.
public func cachedAttention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cache: KeyValueCache,
    layer: Int,
    heads: Int,
    keyValueHeads: Int
) -> Tensor {
    let shape = AttentionShape(query: query, key: key, value: value, heads: heads, keyValueHeads: keyValueHeads)
    let (keys, values, first) = cache.append(key: key, value: value, layer: layer)
    let y = Tensor(uninitialized: query.shape)
    let scratch = AttentionScratch(shape, keys: first + query.rows, matrices: 1)
    let blocks = stride(from: 0, to: query.rows, by: AttentionShape.block).map {
        $0..<min(query.rows, $0 + AttentionShape.block)
    }
    Workers.run(blocks.count * keyValueHeads, limit: scratch.workers) { task, worker in
        let rows = blocks[task / keyValueHeads]
        shape.attend(
            queries: query.pointer + rows.lowerBound * shape.queryStride,
            rows: rows.count,
            keys: keys.pointer,
            values: values.pointer,
            first: first + rows.lowerBound,
            keyHead: task % keyValueHeads,
            output: y.pointer + rows.lowerBound * shape.queryStride,
            lse: nil,
            scratch: scratch[worker]
        )
    }
    return y
}
