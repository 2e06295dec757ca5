import CKernels
import Foundation
import TensorEngine
import Testing

/// Each kernel against a few lines of Swift, over sizes around the vector length.
@Suite struct KernelTests {
    static let sizes = [1, 2, 15, 16, 17, 31, 33, 100, 1023, 1025, 4099]

    static func numbers(_ n: Int, seed: UInt64 = 1, scale: Float = 1) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return randomValues(n, &generator).map { $0 * scale }
    }

    @Test(arguments: sizes)
    func sums(n: Int) {
        let (a, b) = (Self.numbers(n), Self.numbers(n, seed: 2))
        var out = a
        fsot_add(a, b, &out, n)
        #expect(out == zip(a, b).map(+))
        out = a
        fsot_add_into(&out, b, n)
        #expect(out == zip(a, b).map(+))
        out = a
        fsot_axpy(&out, 0.5, b, n)
        #expect(distance(out, zip(a, b).map { Double($0) + 0.5 * Double($1) }) < 1e-6)
        fsot_scale(&out, b, 3, n)
        #expect(out == b.map { 3 * $0 })
        let squares = a.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(abs(fsot_sum_of_squares(a, n) - squares) < 1e-12 * squares)
        let dot = zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(Double(fsot_dot(a, b, n)) - dot) < 1e-6 * squares)
        #expect(abs(fsot_inner_product(a, b, n) - dot) < 1e-12 * squares)
        var columns = [Double](repeating: 1, count: n)
        fsot_add_columns(&columns, a + b, 2, n)
        #expect(columns == zip(a, b).map { 1 + Double($0) + Double($1) })
    }

    @Test(arguments: sizes)
    func finiteness(n: Int) {
        var x = Self.numbers(n)
        #expect(fsot_all_finite(x, n) == 1)
        for bad in [Float.nan, .infinity, -.infinity] {
            for position in Set([0, n / 2, n - 1]) {
                let old = x[position]
                x[position] = bad
                #expect(fsot_all_finite(x, n) == 0)
                x[position] = old
            }
        }
        x[n - 1] = .greatestFiniteMagnitude
        #expect(fsot_all_finite(x, n) == 1)
    }

    @Test(arguments: sizes)
    func exponentials(n: Int) {
        let z = Self.numbers(n, scale: 10)
        let top = z.max() ?? 0
        let expected = z.map { exp(Double($0 - top)) }
        var maximum: Float = 0
        var out = z
        let sum = fsot_exponentials(&out, n, &maximum)
        #expect(maximum == top)
        #expect(zip(out, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 * $1 })
        #expect(abs(sum - expected.reduce(0, +)) < 1e-6 * sum)
        #expect(abs(fsot_exponential_sum(z, n, &maximum) - sum) < 1e-6 * sum)
        var moments = [0.0, 0, 0]
        fsot_log_moments(z, n, top, &moments)
        for power in 0..<3 {
            let sum = zip(z, expected).reduce(0) { $0 + $1.1 * pow(Double($1.0) - Double(top), Double(power)) }
            #expect(abs(moments[power] - sum) < 2e-6 * max(1, abs(sum)))
        }
    }

    /// The exponential of every lane and of the tails: relative error below 2e-7 over the whole range.
    @Test func exponentialIsAccurate() {
        for tail in [0, 7] {
            var z = (0..<8000 + tail).map { -Float($0) * 0.0107 }
            let arguments = z
            var maximum: Float = 0
            _ = fsot_exponentials(&z, z.count, &maximum)
            let worst = zip(z, arguments).map { abs(Double($0) / exp(Double($1)) - 1) }.max() ?? 1
            #expect(worst < 2e-7)
        }
    }

    @Test(arguments: [(1, 1, 0), (3, 3, 0), (6, 3, 17), (10, 5, 60), (128, 64, 64)])
    func causalSoftmax(rows: Int, block: Int, first: Int) {
        let n = first + block
        let z = Self.numbers(rows * n, scale: 4)
        var p = z
        var lse = [Float](repeating: 0, count: rows)
        fsot_causal_softmax(&p, rows, n, n, first, block, &lse)
        var again = z
        fsot_causal_probabilities(&again, rows, n, n, first, block, lse)
        for row in 0..<rows {
            let valid = first + row % block + 1
            let expected = Reference.softmax(z[row * n..<row * n + valid].map(Double.init))
            let padded = expected + [Double](repeating: 0, count: n - valid)
            #expect(distance(Array(p[row * n..<(row + 1) * n]), padded) < 1e-6)
            #expect(distance(Array(again[row * n..<(row + 1) * n]), padded) < 2e-6)
        }
        let delta = Self.numbers(rows, seed: 8)
        var gradient = Self.numbers(rows * n, seed: 9)
        let upstream = gradient
        fsot_score_gradient(&gradient, p, delta, rows, n, n)
        #expect(gradient.indices.allSatisfy { gradient[$0] == p[$0] * (upstream[$0] - delta[$0 / n]) })
    }

    /// Backward kernels may write over the gradient that comes in.
    @Test(arguments: sizes)
    func backwardInPlace(n: Int) {
        let (dy, a, b) = (Self.numbers(n), Self.numbers(n, seed: 2), Self.numbers(n, seed: 3))
        var (dgate, dup, inPlace) = (dy, dy, dy)
        fsot_swiglu_backward(dy, a, b, &dgate, &dup, n)
        var other = dy
        inPlace.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { fsot_swiglu_backward(base, a, b, base, &other, n) }
        }
        #expect(inPlace == dgate && other == dup)
        for kernel in [fsot_gelu_backward, fsot_relu_backward] {
            kernel(dy, a, &dgate, n)
            inPlace = dy
            inPlace.withUnsafeMutableBufferPointer { buffer in
                if let base = buffer.baseAddress { kernel(base, a, base, n) }
            }
            #expect(inPlace == dgate)
        }
    }

    /// A turn in place, and the turn back.
    @Test(arguments: [1, 4, 17, 32])
    func rotaryInPlace(half: Int) {
        let x = Self.numbers(3 * 2 * half)
        let angles = Self.numbers(half, seed: 2)
        let (cosines, sines) = (angles.map { cosf($0) }, angles.map { sinf($0) })
        var turned = x
        fsot_rotary(x, &turned, cosines, sines, 3, half, 1)
        var inPlace = x
        inPlace.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            fsot_rotary(base, base, cosines, sines, 3, half, 1)
        }
        #expect(inPlace == turned)
        inPlace.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            fsot_rotary(base, base, cosines, sines, 3, half, -1)
        }
        #expect(distance(inPlace, x.map(Double.init)) < 1e-6)
    }

    @Test func activationsStayFiniteFarOut() {
        let x: [Float] = [-1e30, -200, -90, 90, 200, 1e6]
        let ones = [Float](repeating: 1, count: 6)
        var y = ones
        fsot_swiglu(x, ones, &y, 6)
        #expect(zip(y, x).allSatisfy { abs($0 - max($1, 0)) <= 1e-6 * abs($1) })
        var other = ones
        fsot_swiglu_backward(ones, x, ones, &y, &other, 6)
        #expect(distance(y, [0, 0, 0, 1, 1, 1]) < 1e-6)
        let moderate: [Float] = [-1e6, -200, -90, 90, 200, 1e6]
        fsot_gelu(moderate, &y, 6)
        #expect(zip(y, moderate).allSatisfy { abs($0 - max($1, 0)) <= 1e-6 * abs($1) })
        fsot_gelu_backward(ones, moderate, &y, 6)
        #expect(distance(y, [0, 0, 0, 1, 1, 1]) < 1e-6)
    }
}
