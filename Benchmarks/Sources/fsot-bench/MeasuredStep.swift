import ArgumentParser
import Checkpoints
import LanguageModels
import PEFT
import TensorEngine

/// A piece of work that is timed over and over.
protocol MeasuredStep: AnyObject {
    /// Tokens that one run works through.
    var tokens: Int { get }
    /// Numbers that the optimizer changes; 0 for inference.
    var trainableParameters: Int { get }
    /// Floating-point operations of one run that no implementation can avoid; nil where nobody counts them.
    var operations: Double? { get }
    /// Does the work once, telling `laps` whenever a phase ends, and returns the number by which engines are compared:
    /// the loss, or for inference the mean of the logits.
    func run(_ laps: inout Laps) throws -> Float?
}

/// The steps that can be measured, by their name on the command line and in rows.py.
enum StepName: String, CaseIterable, ExpressibleByArgument {
    /// LoRA of rank 8 on the query and value projections.
    case loraQueryValue = "lora-qv"
    /// LoRA of rank 8 on all linear layers.
    case loraAll = "lora-all"
    /// An emulator whose first two and last two blocks are trained whole; the model given is the emulator.
    case offsite
    /// The thinned middle of an emulator learns from the middle of the model given.
    case distillation
    /// All tokens at once without gradients, then the logits of each sequence's last one.
    case prefill
    /// As many texts at once as there are sequences, each of that length.
    case sampling

    /// Loads the model and prepares the step.
    func prepare(model path: String, shape: BatchShape, compute: Compute) throws -> any MeasuredStep {
        let model = try LanguageModel.load(Checkpoint.open(path))
        let batch = shape.batch(vocabularySize: model.configuration.vocabularySize)
        let step: any MeasuredStep
        switch self {
        case .loraQueryValue:
            step = try TrainingStep.lowRank(model, targets: .names(["q_proj", "v_proj"]), batch: batch)
        case .loraAll: step = try TrainingStep.lowRank(model, targets: .allLinear, batch: batch)
        case .offsite: step = try TrainingStep.endBlocks(model, batch: batch)
        case .distillation: step = try TrainingStep.distillation(model, batch: batch, compute: compute)
        case .prefill: step = PrefillStep(model, batch: batch)
        case .sampling: step = SamplingStep(model, shape: shape)
        }
        compute.apply(to: model)
        return step
    }
}

/// How many sequences of how many tokens.
struct BatchShape {
    let sequences: Int
    let length: Int

    /// Pseudo-random tokens, each its own label. `peer/step.py` draws the same ones, so that first losses must agree.
    func batch(vocabularySize: Int) -> TokenBatch {
        let firstOrdinaryToken = 3
        var state: UInt64 = 20_240_917
        return TokenBatch(
            sequences: (0..<sequences).map { _ in
                (0..<length).map { _ in
                    // Knuth's MMIX generator: one line in any language.
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Int32(firstOrdinaryToken + Int(state >> 33) % (vocabularySize - firstOrdinaryToken))
                }
            }
        )
    }
}
