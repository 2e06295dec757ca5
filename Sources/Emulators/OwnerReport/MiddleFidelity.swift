import LanguageModels
import Progress
import TensorEngine
import Training

/// How well a thinned middle imitates the whole one on held-out public text, both fed with the same states.
public struct MiddleFidelity: Codable, Sendable, Equatable {
    /// Mean over tokens of ‖T − S‖² / ‖T‖², sink tokens left out: 0 is the whole middle, 1 no better than nothing.
    public var error: Double
    /// Linear centred kernel alignment of the middles' outputs, each sequence averaged, sink tokens left out; in 0 ... 1.
    public var alignment: Double
    /// Tokens that count.
    public var tokens: Int

    /// Compares the two middles.
    ///
    /// - Parameters:
    ///   - released: the emulator.
    ///   - full: the model that it was cut from; also gives both middles their input.
    ///   - sequences: at least one of two tokens.
    ///   - isCancelled: asked between batches.
    /// - Throws: `LanguageModelError`; `CancellationError`.
    public static func measure(
        _ released: ReleasedEmulator,
        full: LanguageModel,
        sequences: [[Int32]],
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> MiddleFidelity {
        for sequence in sequences { try full.validate(sequence) }
        let total = sequences.reduce(0) { $0 + $1.count }
        let thinned = released.bottom..<(released.bottom + released.keptLayers.count)
        let batches = RecordLosses.batches(sequences.map(\.count))
        var (sum, tokens, done) = (0.0, 0, 0)
        var means: (teacher: [[Double]], student: [[Double]]) = ([], [])
        func tell() {
            progress?(ProgressEvent(phase: "comparing the middles", completed: done, total: total, unit: "tokens"))
        }
        tell()
        for batch in batches {
            if isCancelled() { throw CancellationError() }
            let ids = batch.flatMap { sequences[$0] }
            let layout = SequenceLayout(lengths: batch.map { sequences[$0].count })
            let tape = Tape(isRecording: false)
            let embedded = full.embed(ids, layout: layout, on: tape)
            let input = full.run(blocks: 0..<released.bottom, from: embedded, layout: layout, on: tape)
            let teacher = full.run(blocks: released.middle, from: input, layout: layout, on: tape)
            let student = released.model.run(blocks: thinned, from: input, layout: layout, on: tape)
            let counts = SinkTokens.mask(teacher, layout: layout)
            let (t, s, width) = (teacher.values, student.values, teacher.columns)
            for row in counts.indices where counts[row] {
                let energy = dot(t, row, t, row, width)
                guard energy > 0 else { continue }
                let cross = dot(t, row, s, row, width)
                sum += max(0, energy - 2 * cross + dot(s, row, s, row, width)) / energy
                tokens += 1
            }
            for (offset, length) in zip(layout.offsets, layout.lengths) {
                let rows = (offset..<(offset + length)).filter { counts[$0] }
                means.teacher.append(mean(of: rows, t, width))
                means.student.append(mean(of: rows, s, width))
            }
            done += ids.count
            tell()
        }
        return MiddleFidelity(
            error: sum / Double(max(1, tokens)),
            alignment: CKAClustering(outputs: [means.teacher, means.student]).similarity(0, 1),
            tokens: tokens
        )
    }

    /// Floating-point operations of ``measure(_:full:sequences:progress:isCancelled:)``, about: what its speed is told from.
    public static func operations(
        _ released: ReleasedEmulator,
        full: LanguageModel,
        sequences: [[Int32]]
    ) -> Double {
        let lengths = sequences.map(\.count)
        return full.operations(lengths: lengths, labelled: 0).forward
            + released.model.operations(lengths: lengths, labelled: 0).forward
    }

    private static func mean(of rows: [Int], _ values: [Float], _ width: Int) -> [Double] {
        var mean = [Double](repeating: 0, count: width)
        for row in rows {
            for column in 0..<width { mean[column] += Double(values[row * width + column]) / Double(rows.count) }
        }
        return mean
    }
}
