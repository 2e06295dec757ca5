import TensorEngine
import Testing

/// LAPACK behind the seam: row-major in, row-major out.
@Suite struct LinearAlgebraTests {
    private func random(_ count: Int, seed: UInt64) -> [Double] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in generator.normal() }
    }

    /// B Bᵀ + I of a random B: positive definite.
    private func definite(_ n: Int) -> [Double] {
        let b = random(n * n, seed: 1)
        return (0..<n * n).map { at in
            let (i, j) = (at / n, at % n)
            return (0..<n).reduce(i == j ? 1.0 : 0.0) { $0 + b[i * n + $1] * b[j * n + $1] }
        }
    }

    @Test func solvesEachRow() throws {
        let a = definite(5)
        let x = random(10, seed: 2)
        let b = LinearAlgebra.product(x, a, rows: 2, inner: 5, columns: 5)
        let solved = try #require(LinearAlgebra.solve(symmetric: a, size: 5, rightSides: b))
        #expect(zip(solved, x).allSatisfy { abs($0 - $1) < 1e-10 })
        #expect(LinearAlgebra.solve(symmetric: [1, 2, 2, 1], size: 2, rightSides: [1, 1]) == nil)
    }

    @Test func choleskyIsLowerAndMultipliesBack() throws {
        let a = definite(4)
        let l = try #require(LinearAlgebra.cholesky(a, size: 4))
        for i in 0..<4 {
            for j in 0..<4 {
                if j > i { #expect(l[i * 4 + j] == 0) }
                let product = (0..<4).reduce(0.0) { $0 + l[i * 4 + $1] * l[j * 4 + $1] }
                #expect(abs(product - a[i * 4 + j]) < 1e-10)
            }
        }
        #expect(LinearAlgebra.cholesky([0, 1, 1, 0], size: 2) == nil)
    }

    private func error(_ weight: [Float], _ factors: LowRankFactors, rows: Int, columns: Int, moment: [Double]?)
        -> Double
    {
        var difference = weight.map(Double.init)
        for i in 0..<rows {
            for j in 0..<columns {
                for r in 0..<factors.rank {
                    difference[i * columns + j] -=
                        Double(factors.expand[i * factors.rank + r]) * Double(factors.reduce[r * columns + j])
                }
            }
        }
        guard let moment else { return difference.reduce(0) { $0 + $1 * $1 } }
        let product = LinearAlgebra.product(difference, moment, rows: rows, inner: columns, columns: columns)
        return zip(product, difference).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test(arguments: [(6, 4), (4, 6)]) func fullRankGivesTheMatrixBack(_ shape: (Int, Int)) throws {
        let weight = random(24, seed: 3).map(Float.init)
        let factors = try #require(LowRankFactors(of: weight, rows: shape.0, columns: shape.1, rank: 4))
        #expect(error(weight, factors, rows: shape.0, columns: shape.1, moment: nil) < 1e-10)
        let moment = definite(shape.1)
        let weighted = try #require(
            LowRankFactors(of: weight, rows: shape.0, columns: shape.1, rank: 4, moment: moment)
        )
        #expect(error(weight, weighted, rows: shape.0, columns: shape.1, moment: nil) < 1e-6)
    }

    /// Each way is better than the other by its own measure.
    @Test func eachDecompositionMinimisesItsOwnError() throws {
        let weight = random(48, seed: 4).map(Float.init)
        let moment = definite(6)
        let plain = try #require(LowRankFactors(of: weight, rows: 8, columns: 6, rank: 2))
        let weighted = try #require(LowRankFactors(of: weight, rows: 8, columns: 6, rank: 2, moment: moment))
        func both(_ factors: LowRankFactors) -> (plain: Double, weighted: Double) {
            (
                error(weight, factors, rows: 8, columns: 6, moment: nil),
                error(weight, factors, rows: 8, columns: 6, moment: moment)
            )
        }
        #expect(both(plain).plain < 0.999 * both(weighted).plain)
        #expect(both(weighted).weighted < 0.999 * both(plain).weighted)
    }

    @Test func momentsAreWeightedSums() {
        let x = Tensor(shape: [3, 2], values: [1, 2, 3, 4, 5, 6])
        let y = Tensor(shape: [3, 1], values: [10, 20, 30])
        let moment = SecondMoment(rows: 2, columns: 1)
        moment.add(x, y, weights: [1, 0, 2])
        moment.add(x, y, weights: [0, 1, 0])
        #expect(moment.values == [370, 460])
    }
}
