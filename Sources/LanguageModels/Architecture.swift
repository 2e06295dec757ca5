import Checkpoints
import TensorEngine

/// The architectures that fsot implements, one file each, by their `model_type`.
public enum Architecture: String, CaseIterable, Sendable {
    /// LLaMA and models of its form (SmolLM2).
    case llama
    /// Qwen2 and Qwen2.5.
    case qwen2
    /// GPT-2.
    case gpt2
    /// OPT.
    case opt

    /// The architecture that a configuration names by `model_type`, or, without that key, by `architectures`.
    ///
    /// - Throws: `LanguageModelError.unknownArchitecture` with what was found.
    public init(json: JSONValue) throws {
        let classNames = (json["architectures"]?.array ?? []).compactMap(\.string)
        if var type = json["model_type"]?.string {
            if type.hasPrefix(Self.thinnedPrefix) { type.removeFirst(Self.thinnedPrefix.count) }
            guard let known = Architecture(rawValue: type) else { throw Self.unknown("\"\(type)\"") }
            if let name = classNames.first, !name.hasSuffix("ForCausalLM"), !name.hasSuffix("LMHeadModel"),
                !name.hasSuffix("Model")
            {
                throw Self.unknown("\"\(name)\"")
            }
            self = known
            return
        }
        guard let known = Self.allCases.first(where: { classNames.contains($0.definition.className) }) else {
            throw Self.unknown(
                classNames.isEmpty ? "(none named)" : classNames.map { "\"\($0)\"" }.joined(separator: ", ")
            )
        }
        self = known
    }

    /// Stands before the `model_type` of a model whose blocks are not all of one shape: software that knows only one shape then
    /// says that it does not know the model, instead of filling in weights of its own.
    static let thinnedPrefix = "fsot_thinned_"

    private static func unknown(_ found: String) -> LanguageModelError {
        .unknownArchitecture(found: found, supported: allCases.map(\.rawValue))
    }

    var definition: any ArchitectureDefinition.Type {
        switch self {
        case .llama: return Llama.self
        case .qwen2: return Qwen2.self
        case .gpt2: return GPT2.self
        case .opt: return OPT.self
        }
    }
}

/// What an architecture file says: its configuration keys, its tensors and how its blocks compute.
protocol ArchitectureDefinition {
    /// The class name in `architectures`.
    static var className: String { get }
    /// What the tensors of the bare model lack in their names when it was saved without its head.
    static var basePrefix: String { get }
    /// The configuration key of the number of blocks.
    static var layerCountKey: String { get }
    /// The start of the names of block `index`, with the final dot.
    static func blockPrefix(_ index: Int) -> String
    /// Reads the configuration, refusing what is not implemented.
    static func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration
    /// Embeddings, final norm and head.
    static func ends(_ configuration: ModelConfiguration, weights: any WeightProvider) throws -> ModelEnds
    /// Block `index`.
    static func block(
        _ index: Int,
        _ configuration: ModelConfiguration,
        weights: any WeightProvider
    ) throws -> any DecoderBlock
    /// Whether a checkpoint may hold the tensor without the model having it: old buffers, not weights.
    static func isHarmless(_ name: String) -> Bool
}

/// What surrounds the blocks.
struct ModelEnds {
    let tokenEmbedding: Parameter
    let positionEmbedding: PositionEmbedding?
    let norm: Normalization
    /// The tied token embedding, or a parameter of its own.
    let head: Parameter
}

/// A learned position table and the row of position 0 in it (2 in OPT).
struct PositionEmbedding {
    let table: Parameter
    let offset: Int32
}

/// The norm of an architecture, with its weights.
enum Normalization {
    case rootMeanSquare(weight: Parameter, epsilon: Float)
    case layer(weight: Parameter, bias: Parameter, epsilon: Float)

    static func rms(
        _ name: String,
        _ configuration: ModelConfiguration,
        weights: any WeightProvider
    ) throws -> Normalization {
        .rootMeanSquare(
            weight: try weights.parameter(name + ".weight", shape: [configuration.hiddenSize]),
            epsilon: Float(configuration.normEpsilon)
        )
    }

    static func layer(
        _ name: String,
        _ configuration: ModelConfiguration,
        weights: any WeightProvider
    ) throws -> Normalization {
        .layer(
            weight: try weights.parameter(name + ".weight", shape: [configuration.hiddenSize]),
            bias: try weights.parameter(name + ".bias", shape: [configuration.hiddenSize]),
            epsilon: Float(configuration.normEpsilon)
        )
    }

    var parameters: [Parameter] {
        switch self {
        case .rootMeanSquare(let weight, _): return [weight]
        case .layer(let weight, let bias, _): return [weight, bias]
        }
    }

    /// `precision`: that of the products that take the result, if nothing else does.
    func callAsFunction(_ x: Tensor, on tape: Tape, precision: ComputePrecision = .float32) -> Tensor {
        switch self {
        case .rootMeanSquare(let weight, let epsilon):
            return tape.rmsNorm(x, weight: weight, epsilon: epsilon, precision: precision)
        case .layer(let weight, let bias, let epsilon):
            return tape.layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
        }
    }
}
