import Foundation
import TensorEngine
import Testing

@Suite struct ElementwiseTests {
    /// Sizes below and above one tile.
    @Test(arguments: [5, 70000])
    func sumsAndScans(n: Int) {
        let a = KernelTests.numbers(n)
        let x = Tensor(shape: [n], values: a)
        let y = Tensor(shape: [n], values: a)
        Elementwise.axpy(2, x, into: y)
        #expect(distance(y.values, a.map { 3 * Double($0) }) < 1e-6)
        Elementwise.scale(y, by: 0)
        #expect(y.values.allSatisfy { $0 == 0 })
        Elementwise.add(x, into: y)
        #expect(y.values == a)
        let squares = a.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(abs(Elementwise.sumOfSquares(x) - squares) < 1e-12 * squares)
        #expect(!Elementwise.hasNonFinite(x))
        x.withUnsafeMutableBufferPointer { $0[n - 1] = .nan }
        #expect(Elementwise.hasNonFinite(x))
    }

    /// As torch.optim.AdamW computes it, in float64.
    @Test func adamW() {
        let n = 37
        let start = KernelTests.numbers(n)
        let parameter = Tensor(shape: [n], values: start)
        let (m, v) = (Tensor.zeros([n]), Tensor.zeros([n]))
        var p = start.map(Double.init)
        var first = [Double](repeating: 0, count: n)
        var second = first
        for step in 1...5 {
            let g = KernelTests.numbers(n, seed: UInt64(step + 10))
            Elementwise.adamW(
                parameter: parameter,
                gradient: Tensor(shape: [n], values: g),
                firstMoment: m,
                secondMoment: v,
                step: step,
                learningRate: 0.1,
                weightDecay: 0.3,
                gradientScale: 0.5
            )
            for i in 0..<n {
                let gradient = 0.5 * Double(g[i])
                p[i] *= 1 - 0.1 * 0.3
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient * gradient
                let corrected = first[i] / (1 - pow(0.9, Double(step)))
                let root = (second[i] / (1 - pow(0.999, Double(step)))).squareRoot()
                p[i] -= 0.1 * corrected / (root + 1e-8)
            }
        }
        #expect(distance(parameter.values, p) < 2e-5)
    }

    @Test(arguments: [0.0, 0.9])
    func sgd(momentum: Double) {
        let n = 37
        let start = KernelTests.numbers(n)
        let parameter = Tensor(shape: [n], values: start)
        let velocity = momentum == 0 ? nil : Tensor.zeros([n])
        var p = start.map(Double.init)
        var speed = [Double](repeating: 0, count: n)
        for step in 1...4 {
            let g = KernelTests.numbers(n, seed: UInt64(step + 10))
            Elementwise.sgd(
                parameter: parameter,
                gradient: Tensor(shape: [n], values: g),
                velocity: velocity,
                isFirstStep: step == 1,
                learningRate: 0.05,
                momentum: momentum,
                weightDecay: 0.2,
                gradientScale: 2
            )
            for i in 0..<n {
                let gradient = 2 * Double(g[i]) + 0.2 * p[i]
                speed[i] = step == 1 ? gradient : momentum * speed[i] + gradient
                p[i] -= 0.05 * (momentum == 0 ? gradient : speed[i])
            }
        }
        #expect(distance(parameter.values, p) < 2e-6)
    }

    @Test func everyHalfSurvivesTheWayThere() {
        let bits = (0...UInt16.max).map { $0 }
        var floats = [Float](repeating: 0, count: bits.count)
        var back = [UInt16](repeating: 0, count: bits.count)
        bits.withUnsafeBufferPointer { b in
            floats.withUnsafeMutableBufferPointer { HalfPrecision.widenFloat16(b, into: $0) }
        }
        floats.withUnsafeBufferPointer { f in
            back.withUnsafeMutableBufferPointer { HalfPrecision.roundToFloat16(f, into: $0) }
        }
        for i in bits.indices {
            let isNaN = i & 0x7fff > 0x7c00
            #expect(floats[i].isNaN == isNaN)
            if !isNaN {
                #expect(back[i] == bits[i])
                #expect(Double(floats[i]) == halfValue(bits[i]))
            }
        }
        bits.withUnsafeBufferPointer { b in
            floats.withUnsafeMutableBufferPointer { HalfPrecision.widenBFloat16(b, into: $0) }
        }
        #expect(bits.indices.allSatisfy { floats[$0].bitPattern == UInt32($0) << 16 })
    }

    private func halfValue(_ bits: UInt16) -> Double {
        let sign = bits >> 15 == 1 ? -1.0 : 1.0
        let exponent = Int(bits >> 10 & 31)
        let fraction = Double(bits & 1023) / 1024
        if exponent == 31 { return sign * .infinity }
        return sign * (exponent == 0 ? fraction * pow(2, -14) : (1 + fraction) * pow(2, Double(exponent - 15)))
    }

    /// To nearest, ties to even, for values between two halves; overflow and the smallest subnormals.
    @Test func roundingIsToNearestEven() {
        let inputs: [Float] = [
            1 + 1 / 2048, 1 + 3 / 2048, 1 + 1.01 / 2048, 65519, 65520, 0x1p-25, 0x1.8p-25, 0x1p-26, -1e9,
        ]
        let halves: [UInt16] = [0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 0, 1, 0, 0xfc00]
        var out = [UInt16](repeating: 0, count: inputs.count)
        inputs.withUnsafeBufferPointer { f in
            out.withUnsafeMutableBufferPointer { HalfPrecision.roundToFloat16(f, into: $0) }
        }
        #expect(out == halves)
        let wide: [UInt32] = [
            0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x7f7f_ffff, 0x7f80_0000, 0xff80_0001, 0x8000_0000,
        ]
        let brains: [UInt16] = [0x3f80, 0x3f82, 0x3f81, 0x7f80, 0x7f80, 0xffc0, 0x8000]
        out = [UInt16](repeating: 0, count: wide.count)
        wide.map { Float(bitPattern: $0) }.withUnsafeBufferPointer { f in
            out.withUnsafeMutableBufferPointer { HalfPrecision.roundToBFloat16(f, into: $0) }
        }
        #expect(out == brains)
    }
}
