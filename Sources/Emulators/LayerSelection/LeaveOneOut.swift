import LanguageModels
import Progress
import TensorEngine

/// What each block of the middle is worth by itself: the model's loss on text without it.
public struct LeaveOneOutLosses: Codable, Sendable, Equatable {
    /// A block whose loss exceeds this multiple of the median is one to keep.
    public static let outlierFactor = 5.0

    /// Nats a token of the whole model.
    public var baseline: Double
    /// By how many nats a token the loss rises without each block of the middle; the largest number there is where the
    /// loss is not finite.
    public var rises: [Double]

    /// Makes the result.
    public init(baseline: Double, rises: [Double]) {
        self.baseline = baseline
        self.rises = rises.map { $0.isFinite ? $0 : .greatestFiniteMagnitude }
    }

    init(baseline: Double, without: [Double]) { self.init(baseline: baseline, rises: without.map { $0 - baseline }) }

    /// The median rise: the mean of the two in the middle when their number is even.
    public var median: Double {
        guard !rises.isEmpty else { return 0 }
        let sorted = rises.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// The dropped blocks that should not be: those whose rise exceeds 5 times the median.
    ///
    /// - Parameter kept: what an emulator keeps, 0-based within the middle.
    public func outliers(keeping kept: [Int]) -> [Int] {
        rises.indices.filter { !kept.contains($0) && rises[$0] > Self.outlierFactor * max(median, 0) && rises[$0] > 0 }
    }
}

/// Leave-one-out on a model's middle: once for every block, or again and again until few enough are left.
public struct LeaveOneOut {
    /// Rows that one forward pass may hold.
    private static let rowsAtOnce = 1_024

    private let model: LanguageModel
    private let middle: Range<Int>
    private let batches: [TokenBatch]
    private let labelCount: Int
    private let source: String

    /// Prepares a measurement.
    ///
    /// - Parameters:
    ///   - model: the full model.
    ///   - middle: the blocks to leave out, one at a time.
    ///   - sequences: the text, each of at least two tokens.
    ///   - source: where it came from, for errors.
    /// - Throws: `LanguageModelError` for a sequence that the model cannot take; `EmulatorError.notEnoughText`.
    public init(_ model: LanguageModel, middle: Range<Int>, sequences: [[Int32]], source: String) throws {
        for sequence in sequences { try model.validate(sequence) }
        self.source = source
        self.model = model
        self.middle = middle
        batches = Calibration.batches(sequences, rows: Self.rowsAtOnce, length: \.count).map {
            TokenBatch(sequences: $0)
        }
        labelCount = batches.reduce(0) { $0 + $1.labelCount }
        if labelCount == 0 { throw EmulatorError.notEnoughText(source: source, tokens: 0, needed: 2) }
    }

    /// Prepares a measurement on a part of some text, as `--selection leave-one-out` has it.
    ///
    /// - Throws: as ``init(_:middle:sequences:source:)``.
    public init(_ model: LanguageModel, middle: Range<Int>, text: PublicText) throws {
        try self.init(
            model,
            middle: middle,
            sequences: Calibration.spread(
                over: text,
                tokens: Calibration.lossTokens,
                sequences: Calibration.stateSequences
            ),
            source: text.source
        )
    }

    /// The loss without each block of the middle.
    ///
    /// - Parameters:
    ///   - progress: told the block passes done of all.
    ///   - isCancelled: asked before each candidate.
    /// - Throws: `EmulatorError.notFinite` when the whole model's loss is not finite; `CancellationError` when cancelled.
    public func losses(
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> LeaveOneOutLosses {
        var work = Work(total: cost(of: middle.count), progress: progress)
        let (whole, without) = try losses(of: Array(middle), work: &work, isCancelled: isCancelled)
        return LeaveOneOutLosses(baseline: whole, without: without)
    }

    /// Drops the block whose loss raises the loss least (the first of several), measures all that are left again without
    /// it, and so on: no ranking by a single measurement, since two blocks that do the same are each worth little only as
    /// long as the other is there.
    ///
    /// Smaller results are part of larger ones.
    ///
    /// - Parameters:
    ///   - count: how many blocks to keep.
    ///   - progress: told the block passes done of all: Σ over rounds, quadratic in the blocks that are dropped.
    ///   - isCancelled: asked before each candidate.
    /// - Returns: the kept blocks, 0-based within the middle and ascending, and the first round's losses.
    /// - Throws: `EmulatorError.notFinite` when the whole model's loss is not finite; `CancellationError` when cancelled.
    public func greedy(
        keeping count: Int,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> (kept: [Int], losses: LeaveOneOutLosses?) {
        var remaining = Array(middle)
        let rounds = stride(from: remaining.count, to: count, by: -1)
        var work = Work(total: rounds.reduce(0) { $0 + cost(of: $1) }, progress: progress)
        var first: LeaveOneOutLosses?
        while remaining.count > count {
            let (whole, without) = try losses(of: remaining, work: &work, isCancelled: isCancelled)
            let measured = LeaveOneOutLosses(baseline: whole, without: without)
            first = first ?? measured
            let rises = measured.rises
            guard let least = rises.indices.min(by: { (rises[$0], $0) < (rises[$1], $1) }) else { break }
            remaining.remove(at: least)
        }
        return (remaining.map { $0 - middle.lowerBound }, first)
    }

    /// The loss with all of some blocks, and without each. A candidate shares the blocks below it with the next ones.
    private func losses(
        of remaining: [Int],
        work: inout Work,
        isCancelled: () -> Bool
    ) throws -> (whole: Double, without: [Double]) {
        var whole = 0.0
        var without = [Double](repeating: 0, count: remaining.count)
        for batch in batches {
            let tape = Tape(isRecording: false)
            let embedded = model.embed(batch.ids, layout: batch.layout, on: tape)
            var below = model.run(blocks: 0..<middle.lowerBound, from: embedded, layout: batch.layout, on: tape)
            for (position, block) in remaining.enumerated() {
                if isCancelled() { throw CancellationError() }
                let above = remaining[(position + 1)...]
                without[position] += loss(from: below, through: above, batch, on: tape)
                work.add(above.count + headCost)
                below = model.blocks[block].forward(below, on: tape, layout: batch.layout)
            }
            whole += loss(from: below, through: [], batch, on: tape)
            work.add(remaining.count + headCost)
        }
        guard whole.isFinite else { throw EmulatorError.notFinite(quantity: "loss", source: source) }
        return (whole / Double(labelCount), without.map { $0 / Double(labelCount) })
    }

    /// Nats of a batch, summed, from states somewhere in the middle: the rest of it, the top, norm and head.
    private func loss(
        from states: Tensor,
        through blocks: ArraySlice<Int>,
        _ batch: TokenBatch,
        on tape: Tape
    ) -> Double {
        var x = states
        for block in blocks { x = model.blocks[block].forward(x, on: tape, layout: batch.layout) }
        x = model.run(blocks: middle.upperBound..<model.blocks.count, from: x, layout: batch.layout, on: tape)
        let loss = tape.linearCrossEntropy(
            model.normed(x, on: tape),
            head: model.headWeight,
            labels: batch.nextLabels,
            divisor: 1
        )
        return Double(loss.values.first ?? .nan)
    }

    /// Top and head in units of one block: what each candidate costs beside the middle.
    private var headCost: Int {
        let block = model.blocks[middle.lowerBound].parameters.reduce(0) { $0 + $1.value.count }
        let head = Double(model.headWeight.value.count) / Double(max(1, block))
        return model.blocks.count - middle.upperBound + Int(head.rounded())
    }

    /// Block passes of one round over all batches.
    private func cost(of count: Int) -> Int { batches.count * (count * (count + 1) / 2 + (count + 1) * headCost) }

    private struct Work {
        let total: Int
        let progress: ProgressHandler?
        private var done = 0

        init(total: Int, progress: ProgressHandler?) {
            self.total = total
            self.progress = progress
            tell()
        }

        mutating func add(_ passes: Int) {
            done += passes
            tell()
        }

        private func tell() {
            progress?(
                ProgressEvent(phase: "leaving out layers", completed: done, total: total, unit: "block passes")
            )
        }
    }
}
