import TensorEngine
import Testing

@Suite struct AttentionTests {
    @Test(arguments: [
        ([1], 1, 1, 4), ([5, 1, 3], 2, 2, 6), ([4, 7], 6, 2, 8), ([3, 2], 4, 1, 5),
    ])
    func matchesTheReference(lengths: [Int], heads: Int, keyHeads: Int, size: Int) {
        let rows = lengths.reduce(0, +)
        GradientCheck(
            shapes: [
                (.tensor, [rows, heads * size]), (.tensor, [rows, keyHeads * size]),
                (.tensor, [rows, keyHeads * size]),
            ],
            operation: { tape, inputs in
                tape.causalAttention(
                    query: inputs.tensors[0],
                    key: inputs.tensors[1],
                    value: inputs.tensors[2],
                    layout: SequenceLayout(lengths: lengths),
                    heads: heads,
                    keyValueHeads: keyHeads
                )
            },
            reference: { v in
                Reference.attention(v[0], v[1], v[2], lengths: lengths, heads: heads, keyHeads: keyHeads, size: size)
            }
        ).run()
    }

    /// Lengths around the block of 64 rows: values against the reference, gradients against directional differences.
    @Test(arguments: [[63], [64], [65], [130, 1, 64]])
    func blocksAreExact(lengths: [Int]) {
        let (heads, keyHeads, size) = (3, 1, 8)
        let rows = lengths.reduce(0, +)
        var generator = SeededGenerator(seed: 9)
        let widths = [heads * size, keyHeads * size, keyHeads * size]
        let values = widths.map { randomValues(rows * $0, &generator) }
        let inputs = zip(values, widths).map { Tensor(shape: [rows, $1], values: $0, requiresGradient: true) }
        let tape = Tape()
        let y = tape.causalAttention(
            query: inputs[0],
            key: inputs[1],
            value: inputs[2],
            layout: SequenceLayout(lengths: lengths),
            heads: heads,
            keyValueHeads: keyHeads
        )
        let doubles = values.map { $0.map(Double.init) }
        func reference(_ v: [[Double]]) -> [Double] {
            Reference.attention(v[0], v[1], v[2], lengths: lengths, heads: heads, keyHeads: keyHeads, size: size)
        }
        #expect(distance(y.values, reference(doubles)) < 1e-5)
        let weights = randomValues(y.count, &generator)
        tape.backward(from: y, seed: Tensor(shape: y.shape, values: weights))
        for index in 0..<3 {
            let direction = randomValues(values[index].count, &generator).map(Double.init)
            func along(_ step: Double) -> Double {
                var moved = doubles
                moved[index] = zip(moved[index], direction).map { $0 + step * $1 }
                return zip(reference(moved), weights).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let numeric = (along(1e-5) - along(-1e-5)) / 2e-5
            let computed = zip(inputs[index].gradient?.values ?? [], direction).reduce(0) { $0 + Double($1.0) * $1.1 }
            #expect(abs(computed - numeric) < 1e-4 * max(1, abs(numeric)))
        }
    }

    @Test func largeScoresStayFinite() {
        let q = Tensor(shape: [2, 2], values: [1e4, 0, 1e4, 0], requiresGradient: true)
        let k = Tensor(shape: [2, 2], values: [1e4, 0, -1e4, 0])
        let v = Tensor(shape: [2, 2], values: [1, 2, 3, 4])
        let tape = Tape()
        let y = tape.causalAttention(
            query: q,
            key: k,
            value: v,
            layout: SequenceLayout(lengths: [2]),
            heads: 1,
            keyValueHeads: 1
        )
        #expect(y.values == [1, 2, 1, 2])
        tape.backward(from: y, seed: Tensor(shape: [2, 2], values: [1, 1, 1, 1]))
        #expect(distance(q.gradient?.values ?? [], [0, 0, 0, 0]) < 1e-30)
    }

    /// Token by token, in pieces, or at once: the cache gives what the whole sequence gives.
    @Test(arguments: [[1, 1, 1, 1, 1], [3, 2], [70, 1, 1, 66], [5]])
    func cacheContinuesTheSequence(pieces: [Int]) {
        let (heads, keyHeads, size) = (4, 2, 6)
        let rows = pieces.reduce(0, +)
        var generator = SeededGenerator(seed: 11)
        let q = Tensor(shape: [rows, heads * size], values: randomValues(rows * heads * size, &generator))
        let k = Tensor(shape: [rows, keyHeads * size], values: randomValues(rows * keyHeads * size, &generator))
        let v = Tensor(shape: [rows, keyHeads * size], values: randomValues(rows * keyHeads * size, &generator))
        let whole = Tape(isRecording: false).causalAttention(
            query: q,
            key: k,
            value: v,
            layout: SequenceLayout(lengths: [rows]),
            heads: heads,
            keyValueHeads: keyHeads
        )
        let cache = KeyValueCache(layers: 2, capacity: rows, keyValueDim: keyHeads * size)
        var start = 0
        for piece in pieces {
            #expect(cache.length == start)
            for layer in 0..<2 {
                let range = start..<start + piece
                let y = cachedAttention(
                    query: q.copyRows(range),
                    key: k.copyRows(range),
                    value: v.copyRows(range),
                    cache: cache,
                    layer: layer,
                    heads: heads,
                    keyValueHeads: keyHeads
                )
                #expect(distance(y.values, whole.copyRows(range).values.map(Double.init)) < 1e-5)
            }
            start += piece
        }
        cache.truncate(to: 1)
        #expect(cache.length == 1)
    }
}
