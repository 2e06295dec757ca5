import Foundation
import TensorEngine
import Testing

@Suite struct CrossEntropyTests {
    static func reference(_ h: [Double], _ w: [Double], labels: [Int32], dim: Int, divisor: Double) -> Double {
        var total = 0.0
        for (row, label) in labels.enumerated() where label != -100 {
            let z = Reference.matmul(
                Array(h[row * dim..<(row + 1) * dim]),
                w,
                1,
                w.count / dim,
                dim,
                bTransposed: true
            )
            total -= log(Reference.softmax(z)[Int(label)])
        }
        return total / divisor
    }

    @Test(arguments: [nil, 7] as [Float?], [11, 40])
    func matchesTheReference(divisor: Float?, vocabulary: Int) {
        let labels: [Int32] = [3, -100, 0, 10, -100, 3]
        GradientCheck(
            shapes: [(.tensor, [6, 5]), (.weight, [vocabulary, 5])],
            operation: { tape, inputs in
                tape.linearCrossEntropy(inputs.tensors[0], head: inputs.parameters[1], labels: labels, divisor: divisor)
            },
            reference: { v in
                [Self.reference(v[0], v[1], labels: labels, dim: 5, divisor: Double(divisor ?? 4))]
            }
        ).run()
    }

    /// More rows than a chunk and more words than a group, with an incoming gradient other than 1.
    @Test func chunksAndGroupsAreExact() {
        let (rows, dim, vocabulary) = (300, 4, 5000)
        var generator = SeededGenerator(seed: 2)
        let hidden = randomValues(rows * dim, &generator)
        let weights = randomValues(vocabulary * dim, &generator)
        let labels = (0..<rows).map { Int32($0 % 3 == 0 ? -100 : $0 * 16) }
        let x = Tensor(shape: [rows, dim], values: hidden, requiresGradient: true)
        let head = Parameter(name: "head", value: Tensor(shape: [vocabulary, dim], values: weights), isTrainable: true)
        let tape = Tape()
        let loss = tape.linearCrossEntropy(x, head: head, labels: labels)
        let h = hidden.map(Double.init)
        let w = weights.map(Double.init)
        let expected = Self.reference(h, w, labels: labels, dim: dim, divisor: 200)
        #expect(abs(Double(loss.values[0]) - expected) < 1e-5)
        tape.backward(from: tape.scale(loss, by: 10))
        var dh = [Double](repeating: 0, count: h.count)
        var dw = [Double](repeating: 0, count: w.count)
        for row in 0..<rows where labels[row] != -100 {
            let z = Reference.matmul(
                Array(h[row * dim..<(row + 1) * dim]),
                w,
                1,
                vocabulary,
                dim,
                bTransposed: true
            )
            var dz = Reference.softmax(z)
            dz[Int(labels[row])] -= 1
            for token in 0..<vocabulary {
                for e in 0..<dim {
                    dh[row * dim + e] += dz[token] * w[token * dim + e] / 20
                    dw[token * dim + e] += dz[token] * h[row * dim + e] / 20
                }
            }
        }
        #expect(distance(x.gradient?.values ?? [], dh) < 1e-5)
        #expect(distance(head.gradient?.values ?? [], dw) < 1e-5)
    }

    @Test func divergenceHasTheGradientOfItsDefinition() {
        let (rows, dim, vocabulary) = (3, 4, 37)
        var generator = SeededGenerator(seed: 8)
        let teacher = randomValues(rows * dim, &generator)
        let table = randomValues(vocabulary * dim, &generator)
        let head = Parameter(name: "head", value: Tensor(shape: [vocabulary, dim], values: table))
        func distribution(_ h: ArraySlice<Double>) -> [Double] {
            let h = Array(h)
            let z = (0..<vocabulary).map { v in (0..<dim).reduce(0.0) { $0 + h[$1] * Double(table[v * dim + $1]) } }
            return Reference.softmax(z)
        }
        GradientCheck(
            shapes: [(.tensor, [rows, dim])],
            operation: { tape, inputs in
                tape.linearDivergence(
                    inputs.tensors[0],
                    teacher: Tensor(shape: [rows, dim], values: teacher),
                    head: head,
                    divisor: 2
                )
            },
            reference: { v in
                let sum = (0..<rows).reduce(0.0) { sum, row in
                    let range = row * dim..<(row + 1) * dim
                    let p = distribution(teacher.map(Double.init)[range])
                    let q = distribution(v[0][range])
                    return sum + zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
                }
                return [sum / 2]
            }
        ).run()
    }

    @Test func noLabelsGiveZeroNotNaN() {
        let x = Tensor(shape: [2, 2], values: [1, 2, 3, 4], requiresGradient: true)
        let head = Parameter(
            name: "head",
            value: Tensor(shape: [3, 2], values: [1, 2, 3, 4, 5, 6]),
            isTrainable: true
        )
        let tape = Tape()
        let loss = tape.linearCrossEntropy(x, head: head, labels: [-100, -100])
        #expect(loss.values == [0])
        tape.backward(from: loss)
        #expect(x.gradient?.values == [0, 0, 0, 0])
        #expect(head.gradient?.values == [0, 0, 0, 0, 0, 0])
    }

    /// A tied table gathers the gradients of both its uses.
    @Test func tiedHeadGathersBothGradients() {
        let ids: [Int32] = [0, 2, 1]
        let labels: [Int32] = [2, 1, -100]
        GradientCheck(
            shapes: [(.weight, [4, 3])],
            operation: { tape, inputs in
                let table = inputs.parameters[0]
                return tape.linearCrossEntropy(tape.embedding(ids, table: table), head: table, labels: labels)
            },
            reference: { v in
                let h = ids.flatMap { Array(v[0][Int($0) * 3..<Int($0) * 3 + 3]) }
                return [Self.reference(h, v[0], labels: labels, dim: 3, divisor: 2)]
            }
        ).run()
    }

    @Test(arguments: [13, 5000])
    func tokenStatisticsMatchTheReference(vocabulary: Int) {
        let (rows, dim) = (140, 3)
        var generator = SeededGenerator(seed: 4)
        let hidden = Tensor(shape: [rows, dim], values: randomValues(rows * dim, &generator))
        let head = Parameter(
            name: "head",
            value: Tensor(shape: [vocabulary, dim], values: randomValues(vocabulary * dim, &generator))
        )
        let all = logits(hidden: hidden, head: head).values
        let targets = (0..<rows).map { row -> Int32 in
            let z = all[row * vocabulary..<(row + 1) * vocabulary]
            if row % 5 == 0 { return -100 }
            return Int32(
                row % 5 == 1 ? z.firstIndex(of: z.max() ?? 0).map { $0 - z.startIndex } ?? 0 : row % vocabulary
            )
        }
        let statistics = tokenStatistics(hidden: hidden, head: head, targets: targets)
        for row in 0..<rows {
            let found = statistics[row]
            guard targets[row] != -100 else {
                #expect(found == TokenStatistics(logProbability: 0, mean: 0, deviation: 0, isArgmax: false))
                continue
            }
            let p = Reference.softmax(all[row * vocabulary..<(row + 1) * vocabulary].map(Double.init))
            let mean = p.reduce(0) { $0 + $1 * log($1) }
            let second = p.reduce(0) { $0 + $1 * log($1) * log($1) }
            #expect(abs(Double(found.logProbability) - log(p[Int(targets[row])])) < 1e-5)
            #expect(abs(Double(found.mean) - mean) < 1e-5 * max(1, abs(mean)))
            #expect(abs(Double(found.deviation) - (second - mean * mean).squareRoot()) < 1e-4)
            #expect(found.isArgmax == (p[Int(targets[row])] == p.max()))
        }
    }
}
