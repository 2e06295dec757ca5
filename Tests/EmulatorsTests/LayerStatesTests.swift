import Emulators
import LanguageModels
import TensorEngine
import Testing

/// What is measured between layers, against the formulas written down plainly.
@Suite struct LayerStatesTests {
    private static let hidden = 5
    private static let lengths = [6, 4, 1, 9]
    /// Three blocks: four places.
    private static let places: [[Float]] = {
        var generator = SeededGenerator(seed: 11)
        return (0..<4).map { _ in (0..<(20 * hidden)).map { _ in Float(generator.normal()) } }
    }()

    private static func row(_ place: Int, _ row: Int) -> [Double] {
        places[place][row * hidden..<(row + 1) * hidden].map(Double.init)
    }

    private static func inner(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    private static func cosine(_ a: [Double], _ b: [Double]) -> Double {
        inner(a, b) / (inner(a, a) * inner(b, b)).squareRoot()
    }

    /// Rows of each sequence without its first token; the sequence of one token has none.
    private static let counting: [[Int]] = [Array(1..<6), Array(7..<10), Array(12..<20)]

    private static func measured() -> LayerStates {
        var states = LayerStates(blockCount: 3)
        states.add(places, lengths: lengths)
        return states
    }

    private func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-12 }

    @Test func blockInfluenceIsOneMinusTheMeanCosine() {
        let states = Self.measured()
        #expect(states.sequenceCount == 3 && states.tokenCount == 16 && states.sinkCount == 3)
        for block in 0..<3 {
            let cosines = Self.counting.joined().map { Self.cosine(Self.row(block, $0), Self.row(block + 1, $0)) }
            #expect(isClose(states.blockInfluence[block], 1 - cosines.reduce(0, +) / 16))
        }
    }

    @Test func anglesAreThoseOfTheLastToken() {
        let states = Self.measured()
        for (from, to) in [(0, 1), (0, 3), (1, 3), (3, 1)] {
            let angles = Self.counting.compactMap(\.last).map { Self.cosine(Self.row(from, $0), Self.row(to, $0)) }
                .map { angle(cosine: $0) }
            #expect(isClose(states.angularDistance(from: from, to: to), angles.reduce(0, +) / 3))
        }
        let distances = AngularDistance.distances(states, run: 2)
        #expect(distances == [states.angularDistance(from: 0, to: 2), states.angularDistance(from: 1, to: 3)])
    }

    /// arccos by bisection of the cosine's own series, over π.
    private func angle(cosine: Double) -> Double {
        func series(_ x: Double) -> Double {
            var (term, sum) = (1.0, 1.0)
            for n in 1..<30 {
                term *= -x * x / Double((2 * n - 1) * (2 * n))
                sum += term
            }
            return sum
        }
        var (low, high) = (0.0, Double.pi)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if series(middle) > cosine { low = middle } else { high = middle }
        }
        return low / .pi
    }

    @Test func energyIsSharedByAllTokensAndMeansByThoseThatCount() {
        let states = Self.measured()
        for place in 0..<4 {
            func energy(_ rows: [Int]) -> Double {
                rows.reduce(0) { $0 + Self.inner(Self.row(place, $1), Self.row(place, $1)) }
            }
            let all = Array(0..<10) + Array(11..<20)
            #expect(isClose(states.firstTokenShare[place], energy([0, 6, 11]) / energy(all)))
            for (sequence, rows) in Self.counting.enumerated() {
                for column in 0..<Self.hidden {
                    let mean = rows.reduce(0.0) { $0 + Self.row(place, $1)[column] } / Double(rows.count)
                    #expect(isClose(states.means[place][sequence][column], mean))
                }
            }
        }
    }

    /// A token far above the median is left out wherever it is so, and only in its own sequence.
    @Test func outliersAreSinksToo() {
        var places = Self.places
        for column in 0..<Self.hidden { places[2][4 * Self.hidden + column] *= 100 }
        var states = LayerStates(blockCount: 3)
        states.add(places, lengths: Self.lengths)
        #expect(states.sinkCount == 4 && states.tokenCount == 15)
        let rows = [1, 2, 3, 5] + Self.counting[1] + Self.counting[2]
        let cosines = rows.map { Self.cosine(Self.row(0, $0), Self.row(1, $0)) }
        #expect(isClose(states.blockInfluence[0], 1 - cosines.reduce(0, +) / 15))
    }

    @Test func batchesDoNotMatter() {
        var apart = LayerStates(blockCount: 3)
        var start = 0
        for length in Self.lengths {
            apart.add(
                Self.places.map { Array($0[start * Self.hidden..<(start + length) * Self.hidden]) },
                lengths: [length]
            )
            start += length
        }
        let together = Self.measured()
        #expect(apart.blockInfluence == together.blockInfluence)
        #expect(apart.means == together.means && apart.firstTokenShare == together.firstTokenShare)
    }

    /// CKA as CRaSh states it: ‖Ycᵀ Xc‖² over ‖Xcᵀ Xc‖ ‖Ycᵀ Yc‖, Frobenius norms of hidden × hidden matrices.
    @Test func kernelAlignmentIsThatOfTheFormula() {
        var generator = SeededGenerator(seed: 2)
        let outputs: [[[Double]]] = (0..<3).map { _ in (0..<7).map { _ in (0..<4).map { _ in generator.normal() } } }
        let clustering = CKAClustering(outputs: outputs)
        func centred(_ x: [[Double]]) -> [[Double]] {
            let mean = (0..<4).map { column in x.reduce(0) { $0 + $1[column] } / 7 }
            return x.map { row in zip(row, mean).map { $0 - $1 } }
        }
        func norm(_ x: [[Double]], _ y: [[Double]]) -> Double {
            var sum = 0.0
            for i in 0..<4 {
                for j in 0..<4 {
                    let entry = zip(x, y).reduce(0) { $0 + $1.0[i] * $1.1[j] }
                    sum += entry * entry
                }
            }
            return sum.squareRoot()
        }
        for (a, b) in [(0, 1), (1, 2), (2, 0)] {
            let (x, y) = (centred(outputs[a]), centred(outputs[b]))
            let expected = norm(y, x) * norm(y, x) / (norm(x, x) * norm(y, y))
            #expect(isClose(clustering.similarity(a, b), expected))
            #expect(expected > 0.01 && expected < 0.99)
        }
        #expect(isClose(clustering.similarity(1, 1), 1))
        let scaled = CKAClustering(outputs: [outputs[0], outputs[0].map { $0.map { 3 * $0 + 1 } }])
        #expect(isClose(scaled.similarity(0, 1), 1), "scale and shift do not count")
        let constant = CKAClustering(outputs: [outputs[0], outputs[0].map { _ in [1, 2, 3, 4] }])
        #expect(constant.similarity(0, 1) == 0)
    }

    /// Six blocks of three kinds: a a b b b c.
    @Test func neighboursThatAreAlikeBecomeOneCluster() {
        var generator = SeededGenerator(seed: 5)
        let kinds: [[[Double]]] = (0..<3).map { _ in (0..<9).map { _ in (0..<3).map { _ in generator.normal() } } }
        let outputs = [0, 0, 1, 1, 1, 2].map { kind in
            kinds[kind].map { $0.map { $0 + 0.01 * generator.normal() } }
        }
        let clustering = CKAClustering(outputs: outputs)
        #expect(clustering.clusters(3) == [0..<2, 2..<5, 5..<6])
        #expect(clustering.kept(3) == [1, 3, 5])
        #expect(clustering.kept(3, pinned: 2) == [1, 2, 5])
        #expect(clustering.kept(6) == [0, 1, 2, 3, 4, 5] && clustering.kept(1) == [3] && clustering.kept(0) == [])
        for count in 1...6 {
            let clusters = clustering.clusters(count)
            #expect(clusters.flatMap(Array.init) == Array(0..<6) && clusters.count == count)
        }
    }

    @Test func theLeastDistantRunGoes() {
        let distances = [0.3, 0.1, 0.2, 0.1]
        #expect(AngularDistance.kept(distances, run: 3) == [0, 4, 5])
        #expect(AngularDistance.kept(distances, run: 3, pinned: 2) == [0, 1, 2])
        #expect(AngularDistance.kept(distances, run: 3, pinned: 0) == [0, 4, 5])
        #expect(AngularDistance.kept([0.4], run: 5, pinned: 3) == [], "every run holds it")
    }

    @Test func theLeastInfluentialGo() {
        let influence = [0.5, 0.1, 0.4, 0.4, 0.9]
        #expect(BlockInfluence.kept(influence, count: 2) == [0, 4])
        #expect(BlockInfluence.kept(influence, count: 3) == [0, 2, 4])
        #expect(BlockInfluence.kept(influence, count: 1, pinned: 1) == [1])
        #expect(BlockInfluence.kept(influence, count: 0, pinned: 1) == [])
        for count in 1...5 {
            let smaller = Set(BlockInfluence.kept(influence, count: count - 1, pinned: 3))
            #expect(smaller.isSubset(of: BlockInfluence.kept(influence, count: count, pinned: 3)))
        }
    }

    /// The pass over a model gives the states that running it block by block gives.
    @Test func measuresAModelsMiddle() throws {
        let model = try DeepModel.make()
        let text = DeepModel.text(50)
        var expected = LayerStates(blockCount: 5)
        for ids in text {
            let layout = SequenceLayout(lengths: [ids.count])
            let tape = Tape(isRecording: false)
            let embedded = model.embed(ids, layout: layout, on: tape)
            let places = (0...5).map { count in
                model.run(blocks: 0..<(2 + count), from: embedded, layout: layout, on: tape).values
            }
            expected.add(places, lengths: [ids.count])
        }
        let states = try LayerStates.measure(model, middle: 2..<7, sequences: text)
        #expect(states.sequenceCount == 50 && states.tokenCount == expected.tokenCount)
        for (mine, theirs) in zip(states.blockInfluence, expected.blockInfluence) { #expect(abs(mine - theirs) < 1e-5) }
        #expect(Set(states.blockInfluence.map { ($0 * 1e4).rounded() }).count == 5, "the blocks differ")
        #expect(throws: CancellationError.self) {
            try LayerStates.measure(model, middle: 2..<7, sequences: text, isCancelled: { true })
        }
        #expect(throws: LanguageModelError.self) {
            try LayerStates.measure(model, middle: 2..<7, sequences: [[1, 40]])
        }
    }
}
