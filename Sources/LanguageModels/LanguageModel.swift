import TensorEngine

/// A decoder: embeddings, blocks, final norm and head, each usable on its own, since offsite-tuning swaps the blocks.
///
/// Not `Sendable`: a model stays on one thread of control. Everything is frozen after loading; training sets
/// `isTrainable` on the parameters that it wants.
public final class LanguageModel {
    /// The figures of the model as it is now: `layerCount` follows `blocks`.
    public let configuration: ModelConfiguration
    /// The token embedding, `[vocabulary, hidden]`.
    public var tokenEmbedding: Parameter { ends.tokenEmbedding }
    /// The learned position table, where the architecture has one.
    public var positionEmbedding: Parameter? { ends.positionEmbedding?.table }
    /// The parameters of the final norm.
    public var normParameters: [Parameter] { ends.norm.parameters }
    /// The head, `[vocabulary, hidden]`: the token embedding itself when tied.
    public var headWeight: Parameter { ends.head }
    /// The layers, first to last; block i has index i.
    public let blocks: [any DecoderBlock]

    let ends: ModelEnds

    init(configuration: ModelConfiguration, ends: ModelEnds, blocks: [any DecoderBlock]) {
        self.configuration = configuration
        self.ends = ends
        self.blocks = blocks
    }

    /// Builds the model of a configuration from what `weights` gives.
    convenience init(configuration: ModelConfiguration, weights: any WeightProvider) throws {
        let definition = configuration.architecture.definition
        self.init(
            configuration: configuration,
            ends: try definition.ends(configuration, weights: weights),
            blocks: try (0..<configuration.layerCount).map {
                try definition.block($0, configuration, weights: weights)
            }
        )
    }

    /// A model with fresh random weights, as Hugging Face initialises one: matrices N(0, `deviation`²).
    ///
    /// - Throws: `LanguageModelError` only for an impossible configuration.
    public static func random(
        _ configuration: ModelConfiguration,
        deviation: Double = 0.02,
        generator: SeededGenerator
    ) throws -> LanguageModel {
        try LanguageModel(
            configuration: configuration,
            weights: FreshProvider(deviation: deviation, generator: generator)
        )
    }

    /// All parameters, each once (a tied head is the token embedding), in checkpoint order.
    public var parameters: [Parameter] {
        var all = [ends.tokenEmbedding]
        if let positions = ends.positionEmbedding { all.append(positions.table) }
        all += blocks.flatMap(\.parameters) + ends.norm.parameters
        if ends.head !== ends.tokenEmbedding { all.append(ends.head) }
        return all
    }

    /// The linear layers of all blocks, first to last.
    public var linears: [Linear] { blocks.flatMap(\.linears) }

    /// The parameter of that full name, nil when there is none.
    public func parameter(named name: String) -> Parameter? { parameters.first { $0.name == name } }

    /// Numbers in the model: the sum over `parameters`.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.value.count } }

    // MARK: - Forward

    /// Token (and learned position) embeddings: `[layout.rows, hidden]`.
    public func embed(_ ids: [Int32], layout: SequenceLayout, on tape: Tape) -> Tensor {
        embed(ids, positions: layout.positions, on: tape)
    }

    func embed(_ ids: [Int32], positions: [Int32], on tape: Tape) -> Tensor {
        let tokens = tape.embedding(ids, table: ends.tokenEmbedding)
        guard let learned = ends.positionEmbedding else { return tokens }
        return tape.add(tokens, tape.embedding(positions.map { $0 + learned.offset }, table: learned.table))
    }

    /// Runs the blocks of `range` on the residual stream `x`, `[layout.rows, hidden]`.
    public func run(blocks range: Range<Int>, from x: Tensor, layout: SequenceLayout, on tape: Tape) -> Tensor {
        run(blocks: range, from: x, context: AttentionContext(layout: layout), on: tape)
    }

    func run(blocks range: Range<Int>, from x: Tensor, context: AttentionContext, on tape: Tape) -> Tensor {
        var x = x
        for block in blocks[range] { x = block.forward(x, on: tape, context: context) }
        return x
    }

    /// The final norm: what the head sees.
    public func normed(_ x: Tensor, on tape: Tape) -> Tensor { ends.norm(x, on: tape) }

    /// Embedding, all blocks and the final norm: `[layout.rows, hidden]`.
    public func hidden(_ ids: [Int32], layout: SequenceLayout, on tape: Tape) -> Tensor {
        let x = embed(ids, layout: layout, on: tape)
        return normed(run(blocks: blocks.indices, from: x, layout: layout, on: tape), on: tape)
    }

    /// Next-token cross-entropy in nats: the sum over labelled rows divided by `divisor` (nil: their number).
    ///
    /// Labels are aligned with ids; the shift by one happens here, as in Hugging Face.
    public func loss(_ batch: TokenBatch, on tape: Tape, divisor: Float? = nil) -> Tensor {
        tape.linearCrossEntropy(
            hidden(batch.ids, layout: batch.layout, on: tape),
            head: headWeight,
            labels: batch.nextLabels,
            divisor: divisor
        )
    }

    /// All logits of one sequence, `[ids.count, vocabulary]`: for tests and small inspections.
    ///
    /// - Throws: `LanguageModelError` for ids outside the vocabulary, or too many.
    public func logits(_ ids: [Int32]) throws -> Tensor {
        try validate(ids)
        let tape = Tape(isRecording: false)
        return TensorEngine.logits(
            hidden: hidden(ids, layout: SequenceLayout(lengths: [ids.count]), on: tape),
            head: headWeight
        )
    }

    /// Checks that a sequence can be run: not empty, ids within the vocabulary, no longer than the positions.
    ///
    /// - Throws: `LanguageModelError.emptyPrompt`, `.tokenOutOfRange`, `.tooLong`.
    public func validate(_ ids: [Int32]) throws {
        guard !ids.isEmpty else { throw LanguageModelError.emptyPrompt }
        guard ids.count <= configuration.maximumPositions else {
            throw LanguageModelError.tooLong(tokens: ids.count, maximum: configuration.maximumPositions)
        }
        if let id = ids.first(where: { $0 < 0 || Int($0) >= configuration.vocabularySize }) {
            throw LanguageModelError.tokenOutOfRange(id: id, vocabularySize: configuration.vocabularySize)
        }
    }
}
