import TensorEngine

/// One block of a model: material for another one.
public struct BlockSource {
    /// Where the block is from.
    public let model: LanguageModel
    /// Its number there.
    public let block: Int

    /// Names a block.
    public init(_ model: LanguageModel, block: Int) {
        self.model = model
        self.block = block
    }
}

extension LanguageModel {
    /// A model of blocks of several models between the ends of this one, with values of its own everywhere: training it
    /// changes none of them.
    ///
    /// - Parameter sources: in the order of the result; all of this model's family. A block may occur more than once.
    /// - Throws: `LanguageModelError.noSuchBlock`, `.badValue` for no block, `.tensorSet` for a block of another shape.
    public func assembled(from sources: [BlockSource]) throws -> LanguageModel {
        for source in sources where !source.model.blocks.indices.contains(source.block) {
            throw LanguageModelError.noSuchBlock(index: source.block, layerCount: source.model.blocks.count)
        }
        let shapes = sources.enumerated().map { ($0, $1.model.configuration.shape(ofBlock: $1.block)) }
        let resized = try configuration.resized(layerCount: sources.count)
            .thinned(Dictionary(uniqueKeysWithValues: shapes))
        let definition = configuration.architecture.definition
        let chosen = try sources.enumerated().map { index, source in
            let provider = BlockProvider(
                of: source.model.blocks[source.block],
                oldPrefix: definition.blockPrefix(source.block),
                newPrefix: definition.blockPrefix(index),
                copiesValues: true
            )
            return try definition.block(index, resized, weights: provider)
        }
        let model = LanguageModel(configuration: resized, ends: ends.frozenAlias(), blocks: chosen)
        for parameter in model.endParameters { parameter.value = parameter.value.copy() }
        return model
    }

    /// Everything but the blocks: embeddings, final norm, and the head where it is not the token embedding.
    public var endParameters: [Parameter] {
        [tokenEmbedding] + (positionEmbedding.map { [$0] } ?? []) + normParameters
            + (headWeight === tokenEmbedding ? [] : [headWeight])
    }
}
