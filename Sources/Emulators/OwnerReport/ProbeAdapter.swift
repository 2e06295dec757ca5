import LanguageModels
import PEFT
import TensorEngine

/// A trial adapter on a model: weights of its own for as long as it is attached, and the model's own ones back to the bit
/// when it is taken off. An emulator shares its ends with the full model, so nothing may be trained in place.
final class ProbeAdapter {
    /// What is trained, in block order.
    let parameters: [Parameter]
    private let originals: [Tensor]
    private let lora: LoRA?

    /// Puts an adapter on some blocks.
    ///
    /// - Throws: `PEFTError`.
    init(_ method: TuningMethod, on model: LanguageModel, layers: [Int], seed: UInt64) throws {
        let adapter = try method.attach(to: model, layers: layers, seed: seed)
        lora = adapter as? LoRA
        parameters = adapter.parameters
        originals = parameters.map(\.value)
        for parameter in parameters { parameter.value = parameter.value.copy() }
    }

    /// The weights as they are now; tensors of their own, not copies.
    var weights: [Tensor] { parameters.map(\.value) }

    /// Puts other weights in: those tuned on another model, or the same beginning for two models.
    ///
    /// Both adapters have the same blocks in the same order, so position is identity; shapes are checked all the same.
    ///
    /// - Throws: `EmulatorError.invalidSplit` when the two models' adapter blocks differ.
    func load(_ weights: [Tensor]) throws {
        guard weights.map(\.shape) == parameters.map(\.value.shape) else {
            throw EmulatorError.invalidSplit(
                reason: "The adapter blocks of the emulator and of the full model have different shapes",
                remedy: "give the full model that the emulator was cut from"
            )
        }
        for (parameter, weight) in zip(parameters, weights) { parameter.value = weight }
    }

    /// Ends training: frozen weights are packed once for a whole evaluation.
    func freeze() {
        for parameter in parameters { parameter.isTrainable = false }
    }

    /// Takes the adapter off. The model is then what it was, bit for bit.
    func detach() {
        freeze()
        for (parameter, original) in zip(parameters, originals) { parameter.value = original }
        lora?.detach()
    }
}
