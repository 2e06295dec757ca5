import LanguageModels
import TensorEngine

/// A prompt before its first new token: all blocks over all tokens, the head over the last token of each sequence.
final class PrefillStep: MeasuredStep {
    private let model: LanguageModel
    private let batch: TokenBatch

    init(_ model: LanguageModel, batch: TokenBatch) {
        self.model = model
        self.batch = batch
    }

    var tokens: Int { batch.ids.count }
    var trainableParameters: Int { 0 }
    var operations: Double? {
        model.operations(lengths: batch.layout.lengths, labelled: batch.layout.lengths.count).forward
    }

    func run(_ laps: inout Laps) -> Float? {
        let hidden = model.hidden(batch.ids, layout: batch.layout, on: Tape(isRecording: false))
        var sum = 0.0
        var count = 0
        for (offset, length) in zip(batch.layout.offsets, batch.layout.lengths) {
            let last = hidden.copyRows(offset + length - 1..<offset + length)
            logits(hidden: last, head: model.headWeight).withUnsafeBufferPointer { values in
                sum += values.reduce(0.0) { $0 + Double($1) }
                count += values.count
            }
        }
        laps.end("forward")
        return Float(sum / Double(count))
    }
}
