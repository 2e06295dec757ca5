import ArgumentParser
import Emulators
import LanguageModels
import PEFT
import TensorEngine
import Training

/// Forward, backward and AdamW on one fixed batch. The head's backward products run in the forward phase, where the
/// logits are.
final class TrainingStep: MeasuredStep {
    let tokens: Int
    let operations: Double?
    private let parameters: [Parameter]
    private let loss: (Tape) -> Tensor
    private let optimizer = AdamW()

    private init(
        tokens: Int,
        operations: Double?,
        parameters: [Parameter],
        loss: @escaping (Tape) -> Tensor
    ) {
        self.tokens = tokens
        self.operations = operations
        self.parameters = parameters
        self.loss = loss
    }

    private convenience init(_ model: LanguageModel, batch: TokenBatch, parameters: [Parameter]) {
        self.init(
            tokens: batch.ids.count,
            operations: model.operations(lengths: batch.layout.lengths, labelled: batch.labelCount).total,
            parameters: parameters
        ) { model.loss(batch, on: $0) }
    }

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

    /// The middle of an emulator towards the middle of the model that it is cut from.
    static func distillation(_ full: LanguageModel, batch: TokenBatch, compute: Compute) throws -> TrainingStep {
        let split = try OffsiteSplit.half(of: full)
        let emulator = try full.subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle))
        let parameters = emulator.blocks[split.thinnedMiddle].flatMap(\.parameters)
        for parameter in parameters { parameter.isTrainable = true }
        compute.apply(to: emulator)
        let distillation = Distillation(
            emulator: emulator,
            full: full,
            split: split,
            configuration: DistillationConfiguration(loss: .offsiteTuning)
        )
        let sequences = zip(batch.layout.offsets, batch.layout.lengths).map { Array(batch.ids[$0..<$0 + $1]) }
        return TrainingStep(tokens: batch.ids.count, operations: nil, parameters: parameters) { tape in
            distillation.loss(of: sequences, on: tape)
        }
    }

    func run(_ laps: inout Laps) -> Float? {
        let tape = Tape()
        let loss = loss(tape)
        laps.end("forward")
        tape.backward(from: loss)
        laps.end("backward")
        optimizer.step(parameters, learningRate: 1e-4)
        for parameter in parameters { parameter.zeroGradient() }
        laps.end("optimizer")
        return loss.withUnsafeBufferPointer { $0.first }
    }
}

extension OffsiteSplit {
    /// Two blocks at each end and half of the middle: the demo's emulator.
    static func half(of full: LanguageModel) throws -> OffsiteSplit {
        try OffsiteSplit(fullLayerCount: full.blocks.count, bottom: 2, top: 2, keep: 0.5, selection: .uniform)
    }
}
