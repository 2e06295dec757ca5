import CKernels

/// Keys and values of several sequences that grow by one token a step, each from its own start: for sampling in batches,
/// where a product with a weight pays for loading it once for all of them.
public final class BatchedKeyValueCache {
    /// Rows that fit into each slot.
    public let capacity: Int
    /// Tokens of the sequence in each slot.
    public private(set) var lengths: [Int]
    private let keys: [Tensor]
    private let values: [Tensor]

    /// An empty cache for `layers` layers whose keys and values have `keyValueDim` columns.
    public init(layers: Int, slots: Int, capacity: Int, keyValueDim: Int) {
        self.capacity = capacity
        lengths = Array(repeating: 0, count: slots)
        keys = (0..<layers).map { _ in Tensor(uninitialized: [slots, capacity, keyValueDim]) }
        values = (0..<layers).map { _ in Tensor(uninitialized: [slots, capacity, keyValueDim]) }
    }

    /// Forgets the sequence in `slot`: another one starts there.
    public func restart(slot: Int) { lengths[slot] = 0 }

    /// All layers have seen the token: call once after each step.
    public func advance() { for slot in lengths.indices { lengths[slot] += 1 } }

    /// Appends one key and value a slot to `layer` and gives the attention of each slot's query over its sequence. `query` is
    /// `[slots, heads · d]`, `key` and `value` `[slots, keyValueHeads · d]`, already rotated; the result is like `query`.
    public func attend(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        layer: Int,
        heads: Int,
        keyValueHeads: Int
    ) -> Tensor {
        let shape = AttentionShape(query: query, key: key, value: value, heads: heads, keyValueHeads: keyValueHeads)
        let (n, slots) = (key.columns, lengths.count)
        precondition(
            query.rows == slots && n == keys[layer].columns,
            "a batch of \(query.shape) does not fit \(slots) slots."
        )
        precondition(lengths.allSatisfy { $0 < capacity }, "the cache of \(capacity) tokens is full; make it longer.")
        let y = Tensor(uninitialized: query.shape)
        let scratch = Tensor(uninitialized: [slots, shape.group * capacity])
        let (allKeys, allValues) = (keys[layer].pointer, values[layer].pointer)
        Tiling.run(slots, size: 2) { range in
            for slot in range {
                let start = slot * capacity * n
                let length = lengths[slot]
                (allKeys + start + length * n).update(from: key.pointer + slot * n, count: n)
                (allValues + start + length * n).update(from: value.pointer + slot * n, count: n)
                for head in 0..<keyValueHeads {
                    let column = slot * shape.queryStride + head * shape.group * shape.headSize
                    fsot_decode_attention(
                        query.pointer + column,
                        shape.group,
                        shape.headSize,
                        allKeys + start + head * shape.headSize,
                        allValues + start + head * shape.headSize,
                        n,
                        length + 1,
                        shape.scale,
                        scratch.pointer + slot * scratch.columns,
                        y.pointer + column
                    )
                }
            }
        }
        return y
    }
}
