import LanguageModels
import TensorEngine

/// What is trained inside the adapter blocks.
public enum TuningMethod: Codable, Sendable, Equatable {
    /// The blocks themselves.
    case blocks
    /// A low-rank branch beside linear layers; no targets: every linear layer of the adapter blocks.
    case lora(rank: Int, alpha: Double, targets: [String])

    /// Its name on the command line.
    public var name: String {
        switch self {
        case .blocks: "blocks"
        case .lora: "lora"
        }
    }

    /// Puts the adapter on some blocks of a model and freezes everything else.
    ///
    /// - Throws: `PEFTError`.
    public func attach(to model: LanguageModel, layers: [Int], seed: UInt64) throws -> any Adapter {
        for parameter in model.parameters { parameter.isTrainable = false }
        switch self {
        case .blocks:
            return try WholeBlocks(layers, of: model)
        case .lora(let rank, let alpha, let targets):
            let configuration = try LoRAConfiguration(
                rank: rank,
                alpha: alpha,
                targets: targets.isEmpty ? .allLinear : .names(targets),
                layersToTransform: layers
            )
            return try LoRA.attach(
                to: model,
                configuration: configuration,
                generator: SeededGenerator(seed: seed).derive("lora")
            )
        }
    }
}
