import TensorEngine

extension LanguageModel {
    /// A model made of some of this one's blocks, renumbered: how an emulator is cut out of the full model.
    ///
    /// Block i of the result has the values of block `sources[i]` under the names of block i; a source may occur more
    /// than once. Embeddings, norm and head share their values with this model, as do all blocks not in `copied`: fine
    /// for frozen ones, while a block that will be trained must be copied, or training it would change this model too.
    /// Low-rank branches stay behind.
    ///
    /// - Parameters:
    ///   - sources: numbers of blocks of this model, in the order of the result.
    ///   - copied: numbers of blocks of the *result* that get values of their own.
    /// - Throws: `LanguageModelError.noSuchBlock`, or `.badValue` when `sources` is empty.
    public func subset(blocks sources: [Int], copying copied: Set<Int>) throws -> LanguageModel {
        if let wrong = sources.first(where: { !blocks.indices.contains($0) }) {
            throw LanguageModelError.noSuchBlock(index: wrong, layerCount: blocks.count)
        }
        let shapes = sources.enumerated().map { ($0.offset, configuration.shape(ofBlock: $0.element)) }
        let smaller = try configuration.resized(layerCount: sources.count)
            .thinned(Dictionary(uniqueKeysWithValues: shapes))
        let definition = configuration.architecture.definition
        let chosen = try sources.enumerated().map { index, source in
            let provider = BlockProvider(
                of: blocks[source],
                oldPrefix: definition.blockPrefix(source),
                newPrefix: definition.blockPrefix(index),
                copiesValues: copied.contains(index)
            )
            return try definition.block(index, smaller, weights: provider)
        }
        return LanguageModel(configuration: smaller, ends: ends.frozenAlias(), blocks: chosen)
    }

    /// The same with every block copied.
    ///
    /// - Throws: as ``subset(blocks:copying:)``.
    public func subset(blocks sources: [Int]) throws -> LanguageModel {
        try subset(blocks: sources, copying: Set(sources.indices))
    }

    /// The start of the names of block `index`, with its final dot: what plug-in replaces by another number.
    public func blockPrefix(_ index: Int) -> String { configuration.architecture.definition.blockPrefix(index) }

    /// The name of a linear layer behind its block's prefix: `self_attn.q_proj`.
    public func localName(_ linear: Linear, _ block: Int) -> String {
        String(linear.name.dropFirst(blockPrefix(block).count))
    }
}

extension ModelEnds {
    /// New parameter objects over the same values, so that `isTrainable` of one model is not that of the other.
    func frozenAlias() -> ModelEnds {
        func alias(_ parameter: Parameter) -> Parameter {
            let other = Parameter(name: parameter.name, value: parameter.value)
            other.precision = parameter.precision
            return other
        }
        let embedding = alias(tokenEmbedding)
        let norm: Normalization
        switch self.norm {
        case .rootMeanSquare(let weight, let epsilon):
            norm = .rootMeanSquare(weight: alias(weight), epsilon: epsilon)
        case .layer(let weight, let bias, let epsilon):
            norm = .layer(weight: alias(weight), bias: alias(bias), epsilon: epsilon)
        }
        return ModelEnds(
            tokenEmbedding: embedding,
            positionEmbedding: positionEmbedding.map { PositionEmbedding(table: alias($0.table), offset: $0.offset) },
            norm: norm,
            head: head === tokenEmbedding ? embedding : alias(head)
        )
    }
}
