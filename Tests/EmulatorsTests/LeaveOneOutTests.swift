import Emulators
import LanguageModels
import Progress
import Synchronization
import Testing

/// Leave-one-out, against models that really lack the block.
@Suite struct LeaveOneOutTests {
    private static let middle = 1..<7
    private let model: LanguageModel
    private let text = DeepModel.text()

    init() throws { model = try DeepModel.make() }

    /// The loss of a model of these blocks of the middle, cut out and scored as any other.
    private func loss(_ kept: [Int]) throws -> Double {
        try model.subset(blocks: [0] + kept.map { $0 + 1 } + [7], copying: []).perplexity(text).meanLoss
    }

    private func search() throws -> LeaveOneOut {
        try LeaveOneOut(model, middle: Self.middle, sequences: text, source: "x")
    }

    @Test func lossesAreThoseOfTheSmallerModels() throws {
        let losses = try search().losses()
        let whole = try loss(Array(0..<6))
        #expect(abs(losses.baseline - whole) < 1e-5)
        #expect(losses.rises.count == 6)
        for block in 0..<6 {
            let without = try loss((0..<6).filter { $0 != block })
            #expect(abs(losses.rises[block] - (without - whole)) < 1e-5)
            #expect(abs(losses.rises[block]) > 1e-4, "the block does something")
        }
    }

    /// Greedy re-evaluation spelled out: the least harmful of all that are left, one after the other.
    @Test func greedyIsBruteForce() throws {
        var remaining = Array(0..<6)
        for count in stride(from: 6, through: 0, by: -1) {
            let found = try search().greedy(keeping: count)
            #expect(found.kept == remaining, "keeping \(count)")
            #expect((found.losses == nil) == (count == 6))
            let candidates = try remaining.map { block in
                (block: block, loss: try loss(remaining.filter { $0 != block }))
            }
            if let least = candidates.min(by: { $0.loss < $1.loss }) { remaining.removeAll { $0 == least.block } }
        }
        let oneShot = try search().losses()
        #expect(try search().greedy(keeping: 3).losses == oneShot)
    }

    @Test func outliersAreFiveTimesTheMedian() {
        let losses = LeaveOneOutLosses(baseline: 1, rises: [0.1, 0.2, 0.2, 1.6, 0.9, 0.3])
        #expect(losses.median == 0.25)
        #expect(losses.outliers(keeping: [0, 1]) == [3])
        #expect(losses.outliers(keeping: [3]) == [])
        let even = LeaveOneOutLosses(baseline: 1, rises: [-0.1, -0.2, 0])
        #expect(even.outliers(keeping: []) == [])
        #expect(LeaveOneOutLosses(baseline: 1, rises: []).median == 0)
        let broken = LeaveOneOutLosses(baseline: 1, rises: [.infinity, .nan, 1]).rises
        #expect(broken == [.greatestFiniteMagnitude, .greatestFiniteMagnitude, 1])
    }

    /// The bar's total is known from the start and reached at the end, so that what is left can be told.
    @Test func progressKnowsTheWhole() throws {
        let events = Mutex<[(Int, Int)]>([])
        _ = try search().greedy(
            keeping: 2,
            progress: { event in
                events.withLock { $0.append((event.completed, event.total ?? -1)) }
            }
        )
        let seen = events.withLock { $0 }
        let total = try #require(seen.first?.1)
        #expect(seen.first?.0 == 0 && seen.last?.0 == total && seen.allSatisfy { $0.1 == total })
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.0 < $1.0 })
        // Without the bottom block, one batch: rounds of 6, 5, 4 and 3 candidates and the whole of each.
        #expect(seen.count == 1 + (6 + 5 + 4 + 3) + 4)
    }

    @Test func stopsAndRefuses() throws {
        #expect(throws: CancellationError.self) { try search().greedy(keeping: 2, isCancelled: { true }) }
        #expect(throws: CancellationError.self) { try search().losses(isCancelled: { true }) }
        #expect(throws: LanguageModelError.self) {
            try LeaveOneOut(model, middle: Self.middle, sequences: [[1, 99]], source: "x")
        }
        #expect(throws: EmulatorError.self) {
            try LeaveOneOut(model, middle: Self.middle, sequences: [[1]], source: "x")
        }
    }
}
