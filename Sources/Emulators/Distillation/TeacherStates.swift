import LanguageModels
import TensorEngine
import Training

/// What distillation wants of the full model for some text.
struct TeacherStates {
    /// The residual stream where segments meet, first to last, each `[rows, hidden]`.
    let boundaries: [Tensor]
    /// What the full model's head sees, `[rows, hidden]`; nil unless asked for.
    let final: Tensor?
}

/// Runs the full model, or remembers what it said.
final class Teacher {
    /// Why the cache could not be used, if so: states are then computed again, and the caller throws this at its next stop.
    private(set) var failure: (any Error)?

    private let full: LanguageModel
    private let split: OffsiteSplit
    private let segments: Segments
    private let needsFinal: Bool
    private var cache: TeacherCache?

    /// - Parameter needsFinal: whether the top blocks are run too.
    init(full: LanguageModel, split: OffsiteSplit, segments: Segments, needsFinal: Bool) {
        self.full = full
        self.split = split
        self.segments = segments
        self.needsFinal = needsFinal
    }

    /// Keeps states of these sequences on disk from now on; examples are known by their record's number.
    ///
    /// - Throws: `AtomicFileError`.
    func remember(_ examples: [EncodedExample], at location: TeacherCacheLocation) throws {
        cache = try TeacherCache(
            location,
            sequences: examples.map(\.ids),
            boundaries: segments.boundaries + [split.top],
            matrices: segments.count + 1 + (needsFinal ? 1 : 0),
            width: full.configuration.hiddenSize
        )
    }

    /// The states of examples, one after the other.
    func callAsFunction(_ batch: [EncodedExample]) -> TeacherStates {
        guard let cache else { return states(run(batch.map(\.ids))) }
        // Each on its own, so that its states do not depend on what it shared a batch with.
        let parts = batch.map { example -> [Tensor] in
            do {
                if let known = try cache.read(example.recordIndex) { return known }
                try cache.store(run([example.ids]), at: example.recordIndex)
                if let known = try cache.read(example.recordIndex) { return known }
            } catch {
                failure = failure ?? error
            }
            return run([example.ids])
        }
        return states(parts[0].indices.map { matrix in Tensor.concatenatingRows(parts.map { $0[matrix] }) })
    }

    private func states(_ matrices: [Tensor]) -> TeacherStates {
        TeacherStates(
            boundaries: Array(matrices.prefix(segments.count + 1)),
            final: needsFinal ? matrices.last : nil
        )
    }

    private func run(_ sequences: [[Int32]]) -> [Tensor] {
        let layout = SequenceLayout(lengths: sequences.map(\.count))
        let tape = Tape(isRecording: false)
        var x = full.run(
            blocks: 0..<split.bottom,
            from: full.embed(sequences.flatMap { $0 }, layout: layout, on: tape),
            layout: layout,
            on: tape
        )
        var states = [x]
        for (start, end) in zip(segments.boundaries, segments.boundaries.dropFirst()) {
            x = full.run(blocks: start..<end, from: x, layout: layout, on: tape)
            states.append(x)
        }
        guard needsFinal else { return states }
        let top = (split.fullLayerCount - split.top)..<split.fullLayerCount
        states.append(full.normed(full.run(blocks: top, from: x, layout: layout, on: tape), on: tape))
        return states
    }
}
