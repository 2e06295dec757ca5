import Foundation
import TensorEngine
import Testing

@Suite struct NormTests {
    @Test(arguments: [(1, 5), (3, 33), (130, 16)])
    func rmsNorm(rows: Int, n: Int) {
        GradientCheck(
            shapes: [(.tensor, [rows, n]), (.weight, [n])],
            operation: { tape, inputs in tape.rmsNorm(inputs.tensors[0], weight: inputs.parameters[1], epsilon: 1e-5) },
            reference: { v in
                rowwise(v[0], n) { x in
                    let r = 1 / (x.reduce(0) { $0 + $1 * $1 } / Double(n) + 1e-5).squareRoot()
                    return x.indices.map { x[$0] * r * v[1][$0] }
                }
            }
        ).run()
    }

    @Test(arguments: [(1, 5), (3, 33), (130, 16)])
    func layerNorm(rows: Int, n: Int) {
        GradientCheck(
            shapes: [(.tensor, [rows, n]), (.weight, [n]), (.weight, [n])],
            operation: { tape, inputs in
                tape.layerNorm(
                    inputs.tensors[0],
                    weight: inputs.parameters[1],
                    bias: inputs.parameters[2],
                    epsilon: 1e-5
                )
            },
            reference: { v in
                rowwise(v[0], n) { x in
                    let mean = x.reduce(0, +) / Double(n)
                    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
                    let r = 1 / (variance + 1e-5).squareRoot()
                    return x.indices.map { (x[$0] - mean) * r * v[1][$0] + v[2][$0] }
                }
            }
        ).run()
    }

    /// A norm's output is not kept but made again; a trainable layer on top must see the same values.
    @Test func recomputedOutputsReachTheLayersAbove() {
        GradientCheck(
            shapes: [(.tensor, [4, 6]), (.weight, [6]), (.weight, [5, 6]), (.weight, [5, 6])],
            operation: { tape, inputs in
                let p = inputs.parameters
                let x = tape.rmsNorm(inputs.tensors[0], weight: p[1], epsilon: 1e-5)
                return tape.linear(
                    tape.swiglu(gate: tape.linear(x, weight: p[2]), up: tape.linear(x, weight: p[3])),
                    weight: identity(5)
                )
            },
            reference: { v in
                let x = rowwise(v[0], 6) { x in
                    let r = 1 / (x.reduce(0) { $0 + $1 * $1 } / 6 + 1e-5).squareRoot()
                    return x.indices.map { x[$0] * r * v[1][$0] }
                }
                let gate = Reference.matmul(x, v[2], 4, 5, 6, bTransposed: true)
                let up = Reference.matmul(x, v[3], 4, 5, 6, bTransposed: true)
                return zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
            }
        ).run()
    }
}

func rowwise(_ x: [Double], _ n: Int, _ body: ([Double]) -> [Double]) -> [Double] {
    stride(from: 0, to: x.count, by: n).flatMap { body(Array(x[$0..<$0 + n])) }
}

func identity(_ n: Int) -> Parameter {
    Parameter(
        name: "identity",
        value: Tensor(shape: [n, n], values: (0..<n * n).map { $0 / n == $0 % n ? 1 : 0 })
    )
}
