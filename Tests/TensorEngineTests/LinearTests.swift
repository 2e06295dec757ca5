import TensorEngine
import Testing

@Suite struct LinearTests {
    @Test(arguments: [(1, 5, 3), (7, 16, 33), (70, 9, 20)])
    func everyMixOfFrozenAndTrainable(rows: Int, input: Int, output: Int) {
        GradientCheck(
            shapes: [
                (.tensor, [rows, input]), (.weight, [output, input]), (.weight, [output]), (.weight, [2, input]),
                (.weight, [output, 2]),
            ],
            operation: { tape, inputs in
                let p = inputs.parameters
                return tape.linear(
                    inputs.tensors[0],
                    weight: p[1],
                    bias: p[2],
                    lowRank: LowRankBranch(a: p[3], b: p[4], scale: 0.5)
                )
            },
            reference: { v in
                let main = Reference.matmul(v[0], v[1], rows, output, input, bTransposed: true)
                let h = Reference.matmul(v[0], v[3], rows, 2, input, bTransposed: true)
                let low = Reference.matmul(h, v[4], rows, output, 2, bTransposed: true)
                return main.indices.map { main[$0] + v[2][$0 % output] + 0.5 * low[$0] }
            }
        ).run()
    }

    @Test func inputByOutputLayout() {
        GradientCheck(
            shapes: [(.tensor, [6, 10]), (.weight, [10, 7]), (.weight, [7])],
            operation: { tape, inputs in
                tape.linear(
                    inputs.tensors[0],
                    weight: inputs.parameters[1],
                    bias: inputs.parameters[2],
                    layout: .inputByOutput
                )
            },
            reference: { v in
                let main = Reference.matmul(v[0], v[1], 6, 7, 10, bTransposed: false)
                return main.indices.map { main[$0] + v[2][$0 % 7] }
            }
        ).run()
    }

    @Test func gradientsAccumulateOverPassesAndOverSharedInputs() {
        let x = Tensor(shape: [2, 2], values: [1, 2, 3, 4], requiresGradient: true)
        let w = Parameter(name: "w", value: Tensor(shape: [1, 2], values: [10, 20]), isTrainable: true)
        for pass in 1...2 {
            let tape = Tape()
            let y = tape.linear(x, weight: w)
            let z = tape.add(y, tape.linear(x, weight: w))
            tape.backward(from: z, seed: Tensor(shape: [2, 1], values: [1, 1]))
            #expect(w.gradient?.values == [8, 12].map { $0 * Float(pass) })
            #expect(x.gradient?.values == [20, 40, 20, 40].map { $0 * Float(pass) })
        }
        w.zeroGradient()
        #expect(w.gradient?.values == [0, 0])
        w.isTrainable = false
        #expect(w.gradient == nil)
    }
}
