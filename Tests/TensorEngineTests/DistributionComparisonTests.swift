import Foundation
import TensorEngine
import Testing

/// KL and agreement of next-token distributions against the definition.
@Suite struct DistributionComparisonTests {
    private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed)
        return Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(generator.normal()) })
    }

    private func softmax(_ z: [Float]) -> [Double] {
        let e = z.map { exp(Double($0)) }
        let sum = e.reduce(0, +)
        return e.map { $0 / sum }
    }

    /// A vocabulary that no vector width divides, and more rows than a chunk.
    @Test func equalsTheDefinition() {
        let (rows, dim, vocabulary) = (300, 8, 53)
        let head = Parameter(name: "head", value: random([vocabulary, dim], 1))
        let other = Parameter(name: "other", value: random([vocabulary, dim], 2))
        let (a, b) = (random([rows, dim], 3), random([rows, dim], 4))
        var targets = (0..<rows).map { Int32($0 % vocabulary) }
        for row in stride(from: 0, to: rows, by: 7) { targets[row] = -100 }
        let compared = compareDistributions(
            reference: HeadedStates(hidden: a, head: head),
            candidate: HeadedStates(hidden: b, head: other),
            targets: targets
        )
        let wanted = targets.indices.filter { targets[$0] >= 0 }
        #expect(compared.count == wanted.count)
        let (zp, zq) = (logits(hidden: a, head: head).values, logits(hidden: b, head: other).values)
        for (result, row) in zip(compared, wanted) {
            let span = row * vocabulary..<(row + 1) * vocabulary
            let (p, q) = (softmax(Array(zp[span])), softmax(Array(zq[span])))
            let divergence = zip(p, q).reduce(0) { $0 + $1.0 * (log($1.0) - log($1.1)) }
            #expect(abs(result.divergence - divergence) < 1e-5 * max(1, divergence))
            #expect(abs(result.loss + log(q[Int(targets[row])])) < 1e-5)
            #expect(abs(result.referenceLoss + log(p[Int(targets[row])])) < 1e-5)
            #expect(result.agrees == (p.firstIndex(of: p.max() ?? 0) == q.firstIndex(of: q.max() ?? 0)))
        }
    }

    @Test func aModelIsLikeItself() {
        let head = Parameter(name: "head", value: random([40, 6], 1))
        let states = HeadedStates(hidden: random([20, 6], 2), head: head)
        let compared = compareDistributions(
            reference: states,
            candidate: states,
            targets: (0..<20).map { Int32($0) }
        )
        #expect(compared.allSatisfy { $0.agrees && $0.divergence < 1e-9 && $0.loss == $0.referenceLoss })
    }
}
