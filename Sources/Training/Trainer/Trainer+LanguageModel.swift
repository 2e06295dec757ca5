import DifferentialPrivacy
import LanguageModels
import Progress
import TensorEngine

extension TokenBatch {
    /// Examples one after the other, without padding.
    public init(_ examples: [EncodedExample]) {
        self.init(sequences: examples.map(\.ids), labels: examples.map(\.labels))
    }
}

extension Trainer {
    /// A trainer of a language model by next-token cross-entropy; of `parameters` (nil: all) those that are trainable.
    ///
    /// - Parameters:
    ///   - noiseKey: decides coins and noise when the configuration asks for privacy.
    ///   - prefix: the model's frozen blocks at the input end, whose states are kept over epochs, and a name for these
    ///     examples in it.
    /// - Throws: `LanguageModelError` for an example that the model cannot take (too long, or a token outside its
    ///   vocabulary); otherwise as ``init(parameters:examples:source:configuration:hooks:noiseKey:objective:)``.
    public convenience init(
        model: LanguageModel,
        parameters: [Parameter]? = nil,
        examples: [EncodedExample],
        source: ExampleSource = ExampleSource(),
        configuration: TrainerConfiguration,
        hooks: [any TrainerHook] = [],
        noiseKey: NoiseKey? = nil,
        prefix: (states: FrozenPrefix, owner: String)? = nil
    ) throws {
        for example in examples { try model.validate(example.ids) }
        try self.init(
            parameters: parameters ?? model.parameters,
            examples: examples,
            source: source,
            configuration: configuration,
            hooks: hooks,
            noiseKey: noiseKey,
            objective: { batch, tape, divisor in
                prefix.map { $0.states.loss(batch, of: $0.owner, on: tape, divisor: divisor) }
                    ?? model.loss(TokenBatch(batch), on: tape, divisor: divisor)
            }
        )
    }
}

extension RecordPerplexity {
    /// Scores examples one by one under a language model; those without a labelled token are left out.
    ///
    /// - Throws: `LanguageModelError` for an example that the model cannot take; `CancellationError` when cancelled.
    public static func measure(
        _ model: LanguageModel,
        on examples: [EncodedExample],
        phase: String = "evaluating",
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> RecordPerplexity {
        for example in examples { try model.validate(example.ids) }
        return try measure(on: examples, phase: phase, progress: progress, isCancelled: isCancelled) {
            batch,
            tape,
            divisor in
            model.loss(TokenBatch(batch), on: tape, divisor: divisor)
        }
    }
}

extension ModelFootprint {
    /// The footprint of a loaded model whose trainable parameters are marked, low-rank branches included.
    public init(_ model: LanguageModel) {
        let branches = model.blocks.map { $0.linears.compactMap(\.lowRank).flatMap { [$0.a, $0.b] } }
        let lowest = zip(model.blocks, branches).enumerated().first { _, block in
            (block.0.parameters + block.1).contains(where: \.isTrainable)
        }?.offset
        let kept = model.tokenEmbedding.isTrainable ? 0 : lowest ?? model.blocks.count
        var seen: Set<ObjectIdentifier> = []
        let all = (model.parameters + branches.flatMap { $0 }).filter { seen.insert(ObjectIdentifier($0)).inserted }
        self.init(
            parameters: all.reduce(0) { $0 + $1.value.count },
            trainable: all.reduce(0) { $0 + ($1.isTrainable ? $1.value.count : 0) },
            blocksKept: model.blocks.count - kept,
            hiddenSize: model.configuration.hiddenSize,
            feedForwardSize: model.configuration.feedForwardSize
        )
    }
}
