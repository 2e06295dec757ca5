import LanguageModels
import TensorEngine

/// What distillation wants of the full model for some text.
struct TeacherStates {
    /// The residual stream where segments meet, first to last, each `[rows, hidden]`.
    let boundaries: [Tensor]
    /// What the full model's head sees, `[rows, hidden]`; nil unless asked for.
    let final: Tensor?

    /// Runs the full model.
    ///
    /// - Parameter needsFinal: whether the top blocks are run too.
    init(
        _ ids: [Int32],
        layout: SequenceLayout,
        full: LanguageModel,
        split: OffsiteSplit,
        segments: Segments,
        needsFinal: Bool
    ) {
        let tape = Tape(isRecording: false)
        var x = full.run(
            blocks: 0..<split.bottom,
            from: full.embed(ids, layout: layout, on: tape),
            layout: layout,
            on: tape
        )
        var states = [x]
        for (start, end) in zip(segments.boundaries, segments.boundaries.dropFirst()) {
            x = full.run(blocks: start..<end, from: x, layout: layout, on: tape)
            states.append(x)
        }
        boundaries = states
        guard needsFinal else {
            final = nil
            return
        }
        let top = (split.fullLayerCount - split.top)..<split.fullLayerCount
        final = full.normed(full.run(blocks: top, from: x, layout: layout, on: tape), on: tape)
    }
}
