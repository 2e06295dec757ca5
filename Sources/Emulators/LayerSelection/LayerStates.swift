import LanguageModels
import Progress
import TensorEngine

/// What is worth knowing of the hidden states between the blocks of a middle, gathered sequence by sequence.
///
/// With n blocks there are n + 1 places: before the first block, and after each. Sums are in float64, and what is kept
/// grows with the number of sequences (one mean a place), never with that of tokens.
///
/// Sink tokens (``SinkTokens``) are left out of everything but ``firstTokenShare``: token 0, and any token whose norm at some place exceeds
/// 10 times the sequence's median there. A few of these carry nearly all the energy of a model's states (token 0 91 % of
/// that of SmolLM2-135M's middle) and nothing of the text.
public struct LayerStates: Sendable {
    /// n, the blocks.
    public let blockCount: Int
    /// Sequences that were added, those of fewer than two tokens left out.
    public private(set) var sequenceCount = 0
    /// Tokens that count.
    public private(set) var tokenCount = 0
    /// Tokens that were left out as sinks.
    public private(set) var sinkCount = 0
    /// The mean of the counting tokens' states: place × sequence × hidden.
    public private(set) var means: [[[Double]]]

    private var cosineSums: [Double]
    private var angleSums: [[Double]]
    private var firstEnergy: [Double]
    private var energy: [Double]

    /// States of no sequence yet.
    public init(blockCount: Int) {
        self.blockCount = blockCount
        let places = blockCount + 1
        means = Array(repeating: [], count: places)
        cosineSums = Array(repeating: 0, count: blockCount)
        angleSums = Array(repeating: Array(repeating: 0, count: places), count: places)
        firstEnergy = Array(repeating: 0, count: places)
        energy = firstEnergy
    }

    /// Each block's influence, 1 − mean over tokens of cos(h_i, h_{i+1}) (ShortGPT, arXiv 2403.03853): n values, 0 when
    /// nothing was added.
    public var blockInfluence: [Double] { cosineSums.map { tokenCount == 0 ? 0 : 1 - $0 / Double(tokenCount) } }

    /// Token 0's share of the energy ‖h‖² at each place: n + 1 values.
    public var firstTokenShare: [Double] { zip(firstEnergy, energy).map { $1 == 0 ? 0 : $0 / $1 } }

    /// How far the last counting token is turned between two places, as a share of the half circle: mean over sequences of
    /// arccos(cos(h_from, h_to)) / π (arXiv 2403.17887).
    public func angularDistance(from: Int, to: Int) -> Double {
        sequenceCount == 0 ? 0 : angleSums[min(from, to)][max(from, to)] / Double(sequenceCount)
    }

    /// Takes the states of some sequences in.
    ///
    /// - Parameters:
    ///   - places: n + 1 times `[rows, hidden]`, row by row.
    ///   - lengths: tokens of each sequence; their sum is the number of rows.
    public mutating func add(_ places: [[Float]], lengths: [Int]) {
        let rows = lengths.reduce(0, +)
        precondition(places.count == blockCount + 1, "\(places.count) places do not fit \(blockCount) blocks")
        guard rows > 0 else { return }
        let hidden = places[0].count / rows
        precondition(places.allSatisfy { $0.count == rows * hidden }, "the states of the places differ in size")
        var start = 0
        for length in lengths {
            if length > 1 { add(places, rows: start..<(start + length), hidden: hidden) }
            start += length
        }
    }

    private mutating func add(_ places: [[Float]], rows: Range<Int>, hidden: Int) {
        let squares = places.map { states in rows.map { dot(states, $0, states, $0, hidden) } }
        for place in places.indices {
            firstEnergy[place] += squares[place][0]
            energy[place] += squares[place].reduce(0, +)
        }
        let limits = squares.map { SinkTokens.normRatio * SinkTokens.normRatio * Self.squaredMedian($0) }
        let counting = (1..<rows.count).filter { token in
            squares.indices.allSatisfy { squares[$0][token] <= limits[$0] }
        }
        sinkCount += rows.count - counting.count
        guard let last = counting.last else { return }
        sequenceCount += 1
        tokenCount += counting.count
        func cosine(_ from: Int, _ to: Int, _ token: Int) -> Double {
            let product = dot(places[from], rows.lowerBound + token, places[to], rows.lowerBound + token, hidden)
            let norms = (squares[from][token] * squares[to][token]).squareRoot()
            return norms == 0 ? 0 : max(-1, min(1, product / norms))
        }
        for block in 0..<blockCount {
            for token in counting { cosineSums[block] += cosine(block, block + 1, token) }
        }
        for from in 0..<blockCount {
            for to in (from + 1)...blockCount { angleSums[from][to] += angle(cosine(from, to, last)) }
        }
        for place in places.indices {
            var mean = [Double](repeating: 0, count: hidden)
            for token in counting {
                let offset = (rows.lowerBound + token) * hidden
                for column in 0..<hidden { mean[column] += Double(places[place][offset + column]) }
            }
            means[place].append(mean.map { $0 / Double(counting.count) })
        }
    }

    /// The square of the median norm: the mean of the two norms in the middle when their number is even.
    private static func squaredMedian(_ squares: [Double]) -> Double {
        let norms = squares.map { $0.squareRoot() }.sorted()
        let median = (norms[(norms.count - 1) / 2] + norms[norms.count / 2]) / 2
        return median * median
    }
}

extension LayerStates {
    /// Rows that one forward pass may hold: the states of every place are there at once.
    private static let rowsAtOnce = 512

    /// Runs text through the bottom and the middle of a model, once.
    ///
    /// - Parameters:
    ///   - model: the full model.
    ///   - middle: its blocks to look at.
    ///   - sequences: the text.
    ///   - progress: told the tokens done.
    ///   - isCancelled: asked between batches.
    /// - Throws: `LanguageModelError` for a sequence that the model cannot take; `CancellationError` when cancelled.
    public static func measure(
        _ model: LanguageModel,
        middle: Range<Int>,
        sequences: [[Int32]],
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> LayerStates {
        for sequence in sequences { try model.validate(sequence) }
        var states = LayerStates(blockCount: middle.count)
        let total = sequences.reduce(0) { $0 + $1.count }
        var done = 0
        func tell() {
            progress?(ProgressEvent(phase: "comparing layers", completed: done, total: total, unit: "tokens"))
        }
        tell()
        for batch in Calibration.batches(sequences, rows: rowsAtOnce, length: \.count) {
            if isCancelled() { throw CancellationError() }
            let layout = SequenceLayout(lengths: batch.map(\.count))
            let tape = Tape(isRecording: false)
            let embedded = model.embed(batch.flatMap { $0 }, layout: layout, on: tape)
            var x = model.run(blocks: 0..<middle.lowerBound, from: embedded, layout: layout, on: tape)
            var places = [x.values]
            for block in middle {
                x = model.run(blocks: block..<(block + 1), from: x, layout: layout, on: tape)
                places.append(x.values)
            }
            states.add(places, lengths: layout.lengths)
            done += layout.rows
            tell()
        }
        return states
    }
}
