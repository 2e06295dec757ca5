import Foundation
import TensorEngine
import Testing

/// Compares an operation with a plain float64 reference: its values, and its gradients with the central differences of the
/// reference, for every choice of what requires a gradient.
struct GradientCheck {
    /// Whether an input is a weight or a tensor that comes from below.
    enum Kind {
        case tensor
        case weight
    }

    /// The inputs as the operation sees them.
    struct Inputs {
        let tensors: [Tensor]
        let parameters: [Parameter]

        func gradient(_ index: Int, _ kind: Kind) -> Tensor? {
            kind == .tensor ? tensors[index].gradient : parameters[index].gradient
        }
    }

    let shapes: [(kind: Kind, shape: [Int])]
    let operation: (Tape, Inputs) -> Tensor
    let reference: ([[Double]]) -> [Double]
    var tolerance = 2e-5

    func run(seed: UInt64 = 1, sourceLocation: SourceLocation = #_sourceLocation) {
        var generator = SeededGenerator(seed: seed)
        let values = shapes.map { randomValues($0.shape.reduce(1, *), &generator) }
        let doubles = values.map { $0.map(Double.init) }
        let expected = reference(doubles)
        let weights = randomValues(expected.count, &generator)
        let numeric = shapes.indices.map { centralDifferences(doubles, $0, weights.map(Double.init)) }
        for mask in 0..<(1 << shapes.count) {
            check(mask, values, expected: expected, weights: weights, gradients: numeric, sourceLocation)
        }
    }

    private func check(
        _ mask: Int,
        _ values: [[Float]],
        expected: [Double],
        weights: [Float],
        gradients: [[Double]],
        _ location: SourceLocation
    ) {
        let inputs = Inputs(
            tensors: shapes.indices.map { index in
                Tensor(shape: shapes[index].shape, values: values[index], requiresGradient: mask >> index & 1 == 1)
            },
            parameters: shapes.indices.map { index in
                Parameter(
                    name: "p\(index)",
                    value: Tensor(shape: shapes[index].shape, values: values[index]),
                    isTrainable: mask >> index & 1 == 1
                )
            }
        )
        let tape = Tape()
        let result = operation(tape, inputs)
        #expect(result.count == expected.count, sourceLocation: location)
        #expect(distance(result.values, expected) < tolerance, "values", sourceLocation: location)
        #expect(result.requiresGradient == (mask != 0), sourceLocation: location)
        tape.backward(from: result, seed: Tensor(shape: result.shape, values: weights))
        for (index, input) in shapes.enumerated() {
            let gradient = inputs.gradient(index, input.kind)
            guard mask >> index & 1 == 1 else {
                #expect(gradient == nil, "input \(index) is frozen", sourceLocation: location)
                continue
            }
            #expect(
                distance(gradient?.values ?? [], gradients[index]) < tolerance,
                "gradient of \(index), mask \(mask)",
                sourceLocation: location
            )
        }
    }

    private func centralDifferences(_ values: [[Double]], _ index: Int, _ weights: [Double]) -> [Double] {
        var values = values
        let step = 1e-5
        return values[index].indices.map { i in
            let old = values[index][i]
            values[index][i] = old + step
            let up = zip(reference(values), weights).reduce(0) { $0 + $1.0 * $1.1 }
            values[index][i] = old - step
            let down = zip(reference(values), weights).reduce(0) { $0 + $1.0 * $1.1 }
            values[index][i] = old
            return (up - down) / (2 * step)
        }
    }
}

/// Normal numbers.
func randomValues(_ count: Int, _ generator: inout SeededGenerator) -> [Float] {
    (0..<count).map { _ in Float(generator.normal()) }
}

/// Largest difference, relative to the largest number where that is above 1. NaN counts as infinitely far.
func distance(_ a: [Float], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    let size = max(1, b.map(abs).max() ?? 0)
    return zip(a, b).map { x, y in (Double(x) - y).isNaN ? .infinity : abs(Double(x) - y) / size }.max() ?? 0
}

/// Plain float64 references.
enum Reference {
    static func matmul(_ a: [Double], _ b: [Double], _ m: Int, _ n: Int, _ k: Int, bTransposed: Bool) -> [Double] {
        var c = [Double](repeating: 0, count: m * n)
        for i in 0..<m {
            for j in 0..<n {
                for p in 0..<k { c[i * n + j] += a[i * k + p] * (bTransposed ? b[j * k + p] : b[p * n + j]) }
            }
        }
        return c
    }

    /// Causal attention of ragged sequences, query head h on key head h / (heads / keyHeads).
    static func attention(
        _ q: [Double],
        _ k: [Double],
        _ v: [Double],
        lengths: [Int],
        heads: Int,
        keyHeads: Int,
        size: Int
    ) -> [Double] {
        var out = [Double](repeating: 0, count: q.count)
        var offset = 0
        for length in lengths {
            for h in 0..<heads {
                let kh = h / (heads / keyHeads)
                for i in 0..<length {
                    let scores = (0...i).map { j in
                        (0..<size).reduce(0.0) { sum, e in
                            sum + q[((offset + i) * heads + h) * size + e]
                                * k[((offset + j) * keyHeads + kh) * size + e]
                        } / Double(size).squareRoot()
                    }
                    let p = softmax(scores)
                    for j in 0...i {
                        for e in 0..<size {
                            out[((offset + i) * heads + h) * size + e] +=
                                p[j] * v[((offset + j) * keyHeads + kh) * size + e]
                        }
                    }
                }
            }
            offset += length
        }
        return out
    }

    static func softmax(_ z: [Double]) -> [Double] {
        let top = z.max() ?? 0
        let e = z.map { exp($0 - top) }
        let sum = e.reduce(0, +)
        return e.map { $0 / sum }
    }
}
