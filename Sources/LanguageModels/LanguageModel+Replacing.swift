import TensorEngine

/// What takes a block's place: another shape, and the values that differ from the block's own.
public struct BlockReplacement {
    /// The shape.
    public var shape: BlockShape
    /// Values by name within the block, such as `mlp.up_proj.weight`; factors of a projection are `NAME.reduce.weight`
    /// and `NAME.expand.weight`. What is not here stays as it is.
    public var values: [String: Tensor]

    /// Makes a replacement.
    public init(shape: BlockShape, values: [String: Tensor]) {
        self.shape = shape
        self.values = values
    }
}

extension LanguageModel {
    /// The same model with some blocks of another shape. Everything that is not replaced shares its values with this model.
    ///
    /// - Throws: `LanguageModelError` when a replacement does not fit its shape or its block.
    public func replacing(blocks replacements: [Int: BlockReplacement]) throws -> LanguageModel {
        let thinner = try configuration.thinned(replacements.mapValues(\.shape))
        let definition = configuration.architecture.definition
        let blocks = try blocks.enumerated().map { index, block in
            let prefix = definition.blockPrefix(index)
            let own = BlockProvider(of: block, oldPrefix: prefix, newPrefix: prefix, copiesValues: false)
            guard let replacement = replacements[index] else {
                return try definition.block(index, thinner, weights: own)
            }
            let provider = ReplacementProvider(replacement.values, prefix: prefix, precision: precision, otherwise: own)
            let result = try definition.block(index, thinner, weights: provider)
            try provider.finish()
            return result
        }
        return LanguageModel(configuration: thinner, ends: ends.frozenAlias(), blocks: blocks)
    }
}

/// New values where there are some, the old block's parameters elsewhere.
final class ReplacementProvider: WeightProvider {
    private var values: [String: Tensor]
    private let prefix: String
    private let precision: ComputePrecision
    private let otherwise: BlockProvider

    init(_ values: [String: Tensor], prefix: String, precision: ComputePrecision, otherwise: BlockProvider) {
        self.values = values
        self.prefix = prefix
        self.precision = precision
        self.otherwise = otherwise
    }

    func parameter(_ name: String, shape: [Int]) throws -> Parameter {
        guard let value = values.removeValue(forKey: String(name.dropFirst(prefix.count))) else {
            return try otherwise.parameter(name, shape: shape)
        }
        guard value.shape == shape else {
            throw LanguageModelError.wrongShapes(
                path: "The replacement of a block",
                tensors: ["\(name) has the shape \(value.shape) instead of \(shape)"]
            )
        }
        let parameter = Parameter(name: name, value: value)
        if shape.count == 2 { parameter.precision = precision }
        return parameter
    }

    func finish() throws {
        guard values.isEmpty else {
            throw LanguageModelError.tensorSet(
                path: "of the replaced block",
                missing: [],
                extra: values.keys.sorted().map { prefix + $0 }
            )
        }
    }
}
