import ArgumentParser
import LanguageModels
import PEFT
import TensorEngine
import Training

/// Forward, backward and AdamW on one fixed batch. The head's backward products run in the forward phase, where the
/// logits are.
final class TrainingStep: MeasuredStep {
    private let model: LanguageModel
    private let batch: TokenBatch
    private let parameters: [Parameter]
    private let optimizer = AdamW()

    private init(_ model: LanguageModel, batch: TokenBatch, parameters: [Parameter]) {
        self.model = model
        self.batch = batch
        self.parameters = parameters
    }

    var tokens: Int { batch.ids.count }
    var trainableParameters: Int { parameters.reduce(0) { $0 + $1.value.count } }

    /// LoRA of rank 8 and alpha 16.
    static func lowRank(
        _ model: LanguageModel,
        targets: LoRAConfiguration.Targets,
        batch: TokenBatch
    ) throws -> TrainingStep {
        let adapter = try LoRA.attach(
            to: model,
            configuration: LoRAConfiguration(rank: 8, alpha: 16, targets: targets),
            generator: SeededGenerator(seed: 1)
        )
        return TrainingStep(model, batch: batch, parameters: adapter.parameters)
    }

    /// The first two and last two blocks of an emulator, whole.
    static func endBlocks(_ emulator: LanguageModel, batch: TokenBatch) throws -> TrainingStep {
        let count = emulator.blocks.count
        guard count > 4 else {
            throw ValidationError("offsite: the model has \(count) blocks and no middle; give an emulator")
        }
        let adapter = try WholeBlocks([0, 1, count - 2, count - 1], of: emulator)
        return TrainingStep(emulator, batch: batch, parameters: adapter.parameters)
    }

    func run(_ laps: inout Laps) -> Float? {
        let tape = Tape()
        let loss = model.loss(batch, on: tape)
        laps.end("forward")
        tape.backward(from: loss)
        laps.end("backward")
        optimizer.step(parameters, learningRate: 1e-4)
        for parameter in parameters { parameter.zeroGradient() }
        laps.end("optimizer")
        return loss.withUnsafeBufferPointer { $0.first }
    }
}
