import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing
import Training

/// A committed tiny model with an adapter at both ends, and each record's gradient straight from a tape of its own.
struct ExampleAdapter: CustomTestStringConvertible {
    var architecture: String
    var isLoRA: Bool
    var precision = ComputePrecision.float32

    var testDescription: String { "\(architecture) \(isLoRA ? "lora" : "blocks") \(precision.rawValue)" }

    static let all: [ExampleAdapter] = ["llama", "qwen2", "gpt2", "opt"].flatMap { name in
        [false, true].flatMap { isLoRA in
            precisions.map { ExampleAdapter(architecture: name, isLoRA: isLoRA, precision: $0) }
        }
    }
    private static let precisions: [ComputePrecision] =
        ComputePrecision.supportsBFloat16 ? [.float32, .bfloat16] : [.float32]

    /// The model and what of it is trained. LoRA's B is not zero, or A would have no gradient.
    func make() throws -> (model: LanguageModel, parameters: [Parameter]) {
        let model = try Golden.committedModel(architecture)
        let layers = [0, model.blocks.count - 1]
        let method: TuningMethod = isLoRA ? .lora(rank: 4, alpha: 8, targets: []) : .blocks
        let adapter = try method.attach(to: model, layers: layers, seed: 3)
        var generator = SeededGenerator(seed: 4)
        for parameter in adapter.parameters where parameter.name.contains("lora_B") {
            parameter.value.values = parameter.value.values.map { _ in Float(generator.normal()) * 0.1 }
        }
        model.compute(in: precision)
        return (model, adapter.parameters)
    }

    /// Records of these lengths; the first `prompt` tokens of each are not learned.
    static func examples(_ lengths: [Int], prompt: Int = 1, seed: UInt64 = 2) -> [EncodedExample] {
        var generator = SeededGenerator(seed: seed)
        return lengths.enumerated().map { index, length in
            let ids = (0..<length).map { _ in Int32(generator.next() % 256) }
            let labels = ids.enumerated().map { $0 < min(prompt, length - 1) ? EncodedExample.ignoredLabel : $1 }
            return EncodedExample(ids: ids, labels: labels, recordIndex: index)
        }
    }

    /// The gradient of the mean loss of one record, one list of numbers for each parameter.
    static func gradient(
        _ model: LanguageModel,
        _ parameters: [Parameter],
        _ example: EncodedExample
    ) -> [[Float]] {
        for parameter in parameters { parameter.zeroGradient() }
        let tape = Tape()
        tape.backward(
            from: model.loss(TokenBatch([example]), on: tape, divisor: Float(max(1, example.labelledTokenCount)))
        )
        return parameters.map { $0.gradient?.values ?? [Float](repeating: 0, count: $0.value.count) }
    }

    /// What a tape that tells examples apart says of a batch; nothing is left in the parameters' own gradients.
    static func together(
        _ model: LanguageModel,
        _ parameters: [Parameter],
        _ examples: [EncodedExample]
    ) -> PerExampleGradients {
        let gradients = PerExampleGradients(
            of: parameters,
            layout: SequenceLayout(lengths: examples.map(\.ids.count)),
            divisors: examples.map { Float(max(1, $0.labelledTokenCount)) }
        )
        let tape = Tape(examples: gradients)
        tape.backward(from: model.loss(TokenBatch(examples), on: tape, divisor: 1))
        return gradients
    }

    /// Σ weights[i] · gradient of example i, one list of numbers for each parameter.
    static func sum(_ gradients: PerExampleGradients, _ weights: [Float], _ parameters: [Parameter]) -> [[Float]] {
        let sums = parameters.map { Tensor.zeros($0.value.shape) }
        gradients.add(weights: weights, into: sums)
        return sums.map(\.values)
    }
}
