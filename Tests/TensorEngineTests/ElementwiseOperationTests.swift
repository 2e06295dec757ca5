import Foundation
import TensorEngine
import Testing

@Suite struct ElementwiseOperationTests {
    @Test(arguments: [1, 17, 300])
    func swiglu(n: Int) {
        GradientCheck(
            shapes: [(.tensor, [2, n]), (.tensor, [2, n])],
            operation: { tape, inputs in tape.swiglu(gate: inputs.tensors[0], up: inputs.tensors[1]) },
            reference: { v in zip(v[0], v[1]).map { $0 / (1 + exp(-$0)) * $1 } }
        ).run()
    }

    @Test(arguments: [1, 17, 300])
    func gelu(n: Int) {
        GradientCheck(
            shapes: [(.tensor, [2, n])],
            operation: { tape, inputs in tape.gelu(inputs.tensors[0]) },
            reference: { v in
                v[0].map { $0 / 2 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
            }
        ).run()
    }

    @Test(arguments: [1, 17, 300])
    func relu(n: Int) {
        GradientCheck(
            shapes: [(.tensor, [2, n])],
            operation: { tape, inputs in tape.relu(inputs.tensors[0]) },
            reference: { v in v[0].map { max($0, 0) } }
        ).run()
    }

    @Test func addAndScale() {
        GradientCheck(
            shapes: [(.tensor, [3, 5]), (.tensor, [3, 5])],
            operation: { tape, inputs in
                // Both inputs are used twice, so gradients that two slots share must not be changed in place.
                let sum = tape.add(inputs.tensors[0], inputs.tensors[1])
                return tape.add(tape.scale(sum, by: 3), tape.add(inputs.tensors[1], inputs.tensors[0]))
            },
            reference: { v in zip(v[0], v[1]).map { 4 * ($0 + $1) } }
        ).run()
    }

    @Test func embedding() {
        let ids: [Int32] = [3, 0, 3, 1]
        GradientCheck(
            shapes: [(.weight, [5, 6])],
            operation: { tape, inputs in tape.embedding(ids, table: inputs.parameters[0]) },
            reference: { v in ids.flatMap { Array(v[0][Int($0) * 6..<Int($0) * 6 + 6]) } }
        ).run()
    }

    @Test(arguments: [(1, 2), (3, 8), (2, 34)])
    func rotary(heads: Int, size: Int) {
        let positions: [Int32] = [0, 1, 2, 0, 300]
        GradientCheck(
            shapes: [(.tensor, [5, heads * size])],
            operation: { tape, inputs in
                tape.rotary(inputs.tensors[0], heads: heads, positions: positions, theta: 10000)
            },
            reference: { v in
                var y = v[0]
                for row in 0..<5 {
                    for head in 0..<heads {
                        for i in 0..<size / 2 {
                            let frequency = 1 / powf(10000, Float(2 * i) / Float(size))
                            let angle = Double(Float(positions[row]) * frequency)
                            let at = (row * heads + head) * size + i
                            y[at] = v[0][at] * cos(angle) - v[0][at + size / 2] * sin(angle)
                            y[at + size / 2] = v[0][at + size / 2] * cos(angle) + v[0][at] * sin(angle)
                        }
                    }
                }
                return y
            }
        ).run()
    }

    @Test(arguments: [ErrorNormalization.perToken, .global], [false, true])
    func normalizedSquaredError(normalization: ErrorNormalization, masked: Bool) {
        var generator = SeededGenerator(seed: 5)
        let target = randomValues(4 * 7, &generator)
        let mask = [false, true, true, false]
        GradientCheck(
            shapes: [(.tensor, [4, 7])],
            operation: { tape, inputs in
                tape.normalizedSquaredError(
                    inputs.tensors[0],
                    teacher: Tensor(shape: [4, 7], values: target),
                    normalization: normalization,
                    rowMask: masked ? mask : nil
                )
            },
            reference: { v in
                let rows = (0..<4).filter { !masked || mask[$0] }
                let parts = rows.map { row in
                    let range = row * 7..<row * 7 + 7
                    return (
                        range.reduce(0.0) { $0 + pow(v[0][$1] - Double(target[$1]), 2) },
                        range.reduce(0.0) { $0 + pow(Double(target[$1]), 2) }
                    )
                }
                return switch normalization {
                case .perToken: [parts.reduce(0) { $0 + $1.0 / $1.1 } / Double(rows.count)]
                case .global: [parts.reduce(0) { $0 + $1.0 } / parts.reduce(0) { $0 + $1.1 }]
                case .weights(let given): [zip(rows, parts).reduce(0) { $0 + given[$1.0] * $1.1.0 }]
                }
            }
        ).run()
    }

    @Test func errorOverNoRowsIsZero() {
        let tape = Tape()
        let student = Tensor(shape: [2, 2], values: [1, 2, 3, 4], requiresGradient: true)
        let loss = tape.normalizedSquaredError(
            student,
            teacher: .zeros([2, 2]),
            normalization: .perToken,
            rowMask: [false, false]
        )
        #expect(loss.values == [0])
        tape.backward(from: loss)
        #expect(student.gradient?.values == [0, 0, 0, 0])
    }
}
