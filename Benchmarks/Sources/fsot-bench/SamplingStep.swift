import LanguageModels
import TensorEngine

/// Texts drawn from the model, many at once: what makes the text for distillation.
final class SamplingStep: MeasuredStep {
    private let model: LanguageModel
    private let shape: BatchShape

    init(_ model: LanguageModel, shape: BatchShape) {
        self.model = model
        self.shape = shape
    }

    var tokens: Int { shape.sequences * shape.length }
    var trainableParameters: Int { 0 }
    var operations: Double? { nil }

    func run(_ laps: inout Laps) throws -> Float? {
        let request = SampledTexts(
            start: 1,
            stopIDs: [],
            length: shape.length,
            tokens: tokens,
            sampling: Sampling(temperature: 1, topP: 0.95, seed: 1),
            slots: shape.sequences
        )
        _ = try model.sampleTexts(request) { _ in true }
        laps.end("forward")
        return nil
    }
}
