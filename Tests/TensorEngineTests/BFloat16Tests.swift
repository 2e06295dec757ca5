import CKernels
import TensorEngine
import Testing

/// The bfloat16 path: kernels against exact sums of rounded operands, operations against their float32 selves.
@Suite(.enabled(if: ComputePrecision.supportsBFloat16, "this processor has no AVX512_BF16"))
struct BFloat16Tests {
    /// The nearest bfloat16, ties to even.
    static func rounded(_ x: Float) -> Double {
        let bits = x.bitPattern
        return Double(Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000))
    }

    /// ‖a − b‖ / ‖b‖.
    static func relativeError(_ a: [Float], _ b: [Float]) -> Double {
        let difference = zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        let norm = b.reduce(0) { $0 + Double($1) * Double($1) }
        return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
    }

    // MARK: - Kernels

    @Test(arguments: [(1, 1, 2), (8, 48, 32), (9, 49, 33), (7, 31, 5), (13, 100, 64), (70, 147, 91), (3, 16, 1)])
    func productsAreExactSumsOfRoundedOperands(m: Int, n: Int, k: Int) {
        var generator = SeededGenerator(seed: UInt64(m * n + k))
        let (a, b) = (randomValues(m * k, &generator), randomValues(n * k, &generator))
        let expected = (0..<m).flatMap { i in
            (0..<n).map { j in
                (0..<k).reduce(0.0) { $0 + Self.rounded(a[i * k + $1]) * Self.rounded(b[j * k + $1]) }
            }
        }
        // Every way to lay the operands out: rows or pairs on the left, columns or rows packed on the right.
        let pairs = (k + 1) / 2
        var rows = [UInt16](repeating: 0xffff, count: m * pairs * 2)
        fsot_bf16_rows(a, m, k, k, 1, &rows, pairs * 2)
        var words = [UInt32](repeating: 0, count: pairs * m)
        fsot_bf16_pairs(Self.transposed(a, m, k), 0, k, m, m, &words, m)
        let columns = Self.panels(n, pairs) { first, width, panel in
            fsot_bf16_panel_of_columns(Array(b[(first * k)...]), 0, width, k, k, panel)
        }
        let bTransposed = Self.transposed(b, n, k)
        let fromRows = Self.panels(n, pairs) { first, width, panel in
            fsot_bf16_panel_of_rows(Array(bTransposed[first...]), 0, k, width, n, panel)
        }
        #expect(columns == fromRows)
        var c = [Float](repeating: 0.5, count: m * n)
        let left = rows.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
        fsot_bf16_gemm(m, n, pairs, left, pairs, 1, columns, n, 48 * pairs, &c, n, 1, nil, 0)
        #expect(distance(c, expected) < 1e-5 * Double(k))
        let scales = (0..<m).map { Float($0) - 2 }
        var scaled = [Float](repeating: 1, count: m * n)
        fsot_bf16_gemm(m, n, pairs, words, 1, m, columns, n, 48 * pairs, &scaled, n, 0.5, scales, 1)
        #expect(
            distance(scaled, expected.indices.map { 1 + 0.5 * Double(scales[$0 / n]) * expected[$0] })
                < 1e-5 * Double(k * m)
        )
    }

    /// To nearest, ties to even; what is beyond the largest bfloat16 becomes infinite, NaN stays NaN.
    @Test func roundingOfSpecialNumbers() {
        let bits: [(Float, UInt16)] = [
            (.infinity, 0x7f80), (-.infinity, 0xff80), (.greatestFiniteMagnitude, 0x7f80),
            (Float(bitPattern: 0x7f7f_7fff), 0x7f7f), (Float(bitPattern: 0x3f80_8000), 0x3f80),
            (Float(bitPattern: 0x3f81_8000), 0x3f82), (-0.0, 0x8000), (1, 0x3f80),
        ]
        let values = bits.map(\.0) + [.nan]
        var rounded = [UInt16](repeating: 0xffff, count: 10)
        fsot_bf16_rows(values, 1, 9, 9, 1, &rounded, 10)
        #expect(Array(rounded.prefix(8)) == bits.map(\.1))
        #expect(rounded[8] & 0x7fff > 0x7f80)
        #expect(rounded[9] == 0)
    }

    static func transposed(_ x: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        (0..<columns).flatMap { column in (0..<rows).map { x[$0 * columns + column] } }
    }

    static func panels(_ n: Int, _ pairs: Int, pack: (Int, Int, UnsafeMutablePointer<UInt32>) -> Void) -> [UInt32] {
        var result = [UInt32](repeating: 0, count: pairs * ((n + 15) / 16 * 16))
        result.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for first in stride(from: 0, to: n, by: 48) { pack(first, min(48, n - first), base + first * pairs) }
        }
        return result
    }

    // MARK: - Operations

    /// Runs an operation in both precisions, forward and backward, and compares all that comes out.
    private func compare(
        _ shapes: [(isWeight: Bool, shape: [Int])],
        trainable: Bool,
        tolerance: Double = 0.01,
        sourceLocation: SourceLocation = #_sourceLocation,
        operation: (Tape, [Tensor], [Parameter], ComputePrecision) -> Tensor
    ) {
        var results: [[[Float]]] = []
        for precision in [ComputePrecision.float32, .bfloat16] {
            var generator = SeededGenerator(seed: 3)
            let values = shapes.map { randomValues($0.shape.reduce(1, *), &generator) }
            let tensors = zip(shapes, values).map { Tensor(shape: $0.shape, values: $1, requiresGradient: true) }
            let parameters = zip(shapes, values).enumerated().map { index, entry in
                Parameter(
                    name: "p\(index)",
                    value: Tensor(shape: entry.0.shape, values: entry.1),
                    isTrainable: trainable
                )
            }
            for parameter in parameters { parameter.precision = precision }
            let tape = Tape()
            let y = operation(tape, tensors, parameters, precision)
            let seed = Tensor(shape: y.shape, values: randomValues(y.count, &generator))
            tape.backward(from: y, seed: seed)
            let gradients = shapes.indices.map { index in
                (shapes[index].isWeight ? parameters[index].gradient : tensors[index].gradient)?.values ?? []
            }
            results.append([y.values] + gradients)
        }
        for (single, half) in zip(results[0], results[1]) {
            #expect(single.count == half.count, sourceLocation: sourceLocation)
            #expect(
                Self.relativeError(half, single) < tolerance,
                "\(half.prefix(20)) is not \(single.prefix(20))",
                sourceLocation: sourceLocation
            )
        }
    }

    @Test(arguments: [(1, 6, 3), (7, 16, 33), (150, 90, 200), (33, 51, 49)], [false, true])
    func linear(size: (rows: Int, input: Int, output: Int), trainable: Bool) {
        let (rows, input, output) = size
        compare(
            [
                (false, [rows, input]), (true, [output, input]), (true, [output]), (true, [3, input]),
                (true, [output, 3]),
            ],
            trainable: trainable
        ) { tape, tensors, p, _ in
            tape.linear(
                tensors[0],
                weight: p[1],
                bias: p[2],
                lowRank: LowRankBranch(a: p[3], b: p[4], scale: 0.5)
            )
        }
        compare([(false, [rows, input]), (true, [input, output])], trainable: trainable) { tape, tensors, p, _ in
            tape.linear(tensors[0], weight: p[1], layout: .inputByOutput)
        }
    }

    @Test(arguments: [
        ([1], 1, 1, 4), ([5, 1, 3], 2, 2, 6), ([63, 64, 65], 3, 1, 8), ([130, 1, 67], 9, 3, 64), ([300], 6, 2, 64),
    ])
    func causalAttention(lengths: [Int], heads: Int, keyHeads: Int, size: Int) {
        let rows = lengths.reduce(0, +)
        compare(
            [(false, [rows, heads * size]), (false, [rows, keyHeads * size]), (false, [rows, keyHeads * size])],
            trainable: false,
            tolerance: 0.015
        ) { tape, tensors, _, precision in
            tape.causalAttention(
                query: tensors[0],
                key: tensors[1],
                value: tensors[2],
                layout: SequenceLayout(lengths: lengths),
                heads: heads,
                keyValueHeads: keyHeads,
                precision: precision
            )
        }
    }

    /// The last has two chunks of different size, several groups, and an odd last group.
    @Test(arguments: [(1, 8, 5), (70, 24, 1700), (300, 18, 3111), (529, 18, 3111)])
    func linearCrossEntropy(rows: Int, dim: Int, vocabulary: Int) {
        let labels = (0..<rows).map { Int32($0 % 4 == 1 ? -100 : ($0 * 37) % vocabulary) }
        compare([(false, [rows, dim]), (true, [vocabulary, dim])], trainable: false) { tape, tensors, p, _ in
            tape.linearCrossEntropy(tensors[0], head: p[1], labels: labels)
        }
    }

    @Test func noLabelsGiveZeroNotNaN() throws {
        var generator = SeededGenerator(seed: 5)
        let hidden = Tensor(shape: [2, 6], values: randomValues(12, &generator), requiresGradient: true)
        let head = Parameter(name: "head", value: Tensor(shape: [50, 6], values: randomValues(300, &generator)))
        head.precision = .bfloat16
        let tape = Tape()
        let loss = tape.linearCrossEntropy(hidden, head: head, labels: [-100, -100])
        #expect(loss.values == [0])
        tape.backward(from: loss)
        #expect(try #require(hidden.gradient).values == [Float](repeating: 0, count: 12))
    }

    @Test(arguments: [(1, 2), (9, 34), (130, 96), (7, 33)])
    func normAndSwigluBetweenProducts(rows: Int, width: Int) {
        compare(
            [
                (false, [rows, width]), (true, [width]), (true, [40, width]), (true, [40, width]), (true, [width, 40]),
            ],
            trainable: true,
            tolerance: 0.03
        ) { tape, tensors, p, precision in
            let n = tape.rmsNorm(tensors[0], weight: p[1], epsilon: 1e-5, precision: precision)
            let wide = tape.swiglu(
                gate: tape.linear(n, weight: p[2]),
                up: tape.linear(n, weight: p[3]),
                precision: precision
            )
            return tape.linear(wide, weight: p[4])
        }
    }

    // MARK: - Weights

    @Test func releasedWeightsReadAsRoundedAndPacksFollowChanges() {
        var generator = SeededGenerator(seed: 8)
        let values = randomValues(50 * 7, &generator)
        let weight = Parameter(name: "w", value: Tensor(shape: [50, 7], values: values))
        weight.precision = .bfloat16
        let x = Tensor(shape: [2, 7], values: randomValues(14, &generator))
        func product() -> [Float] { Tape(isRecording: false).linear(x, weight: weight).values }
        let before = product()
        weight.value.releaseFloat32()
        #expect(product() == before)
        #expect(weight.value.values.map(Double.init) == values.map(Self.rounded))
        #expect(product() == before)
        Elementwise.scale(weight.value, by: 2)
        #expect(product() == before.map { 2 * $0 })
        weight.value.values = [Float](repeating: 0, count: 350)
        #expect(product().allSatisfy { $0 == 0 })
    }

    @Test func rowsOfReleasedTablesAreTheirRoundedRows() {
        var generator = SeededGenerator(seed: 9)
        let values = randomValues(100 * 6, &generator)
        let table = Parameter(name: "t", value: Tensor(shape: [100, 6], values: values))
        table.value.releaseFloat32()
        let rows = Tape(isRecording: false).embedding([0, 47, 48, 99], table: table).values
        let expected = [0, 47, 48, 99].flatMap { row in (0..<6).map { Self.rounded(values[row * 6 + $0]) } }
        #expect(rows.map(Double.init) == expected)
    }
}
