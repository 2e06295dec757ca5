import TensorEngine

extension LanguageModel {
    /// Continues a prompt, one token at a time, with cached keys and values.
    ///
    /// - Parameters:
    ///   - prompt: at least one token.
    ///   - maximumTokens: how many new tokens at most; generation also ends when the model's positions are used up.
    ///   - stopIDs: tokens that end the text; the one that ended it is not part of the result.
    ///   - onToken: called with each new token as it is chosen; returning false ends the generation.
    /// - Returns: the new tokens only.
    /// - Throws: `LanguageModelError.emptyPrompt`, `.tooLong`, `.tokenOutOfRange`, `.badOption`.
    public func generate(
        _ prompt: [Int32],
        maximumTokens: Int,
        sampling: Sampling = .greedy,
        stopIDs: Set<Int32> = [],
        onToken: ((Int32) -> Bool)? = nil
    ) throws -> [Int32] {
        try validate(prompt)
        try sampling.validate()
        guard maximumTokens > 0 else {
            throw LanguageModelError.badOption(
                name: "max-tokens",
                value: String(maximumTokens),
                expected: "at least 1"
            )
        }
        let room = min(maximumTokens, configuration.maximumPositions - prompt.count + 1)
        let session = GenerationSession(self, capacity: prompt.count + room)
        var generator = SeededGenerator(seed: sampling.seed)
        var new: [Int32] = []
        var logits = session.advance(prompt)
        while true {
            let token = logits.withUnsafeBufferPointer { sampling.choose(from: $0, generator: &generator) }
            if stopIDs.contains(token) { break }
            new.append(token)
            if let onToken, !onToken(token) { break }
            if new.count == room { break }
            logits = session.advance([token])
        }
        return new
    }
}

/// One sequence that grows: its cached keys and values, and the logits after its last token.
public struct GenerationSession {
    private let model: LanguageModel
    private let cache: KeyValueCache

    /// A session for at most `capacity` tokens.
    public init(_ model: LanguageModel, capacity: Int) {
        self.model = model
        let configuration = model.configuration
        cache = KeyValueCache(
            layers: configuration.layerCount,
            capacity: capacity,
            keyValueDim: configuration.keyValueHeadCount * configuration.headSize
        )
    }

    /// Appends tokens and returns the logits after the last of them, `[1, vocabulary]`.
    ///
    /// The tokens must be valid for the model and fit the session's capacity and the model's positions.
    public func advance(_ ids: [Int32]) -> Tensor {
        let tape = Tape(isRecording: false)
        let context = AttentionContext(cache: cache, position: cache.length, rows: ids.count)
        let x = model.embed(ids, positions: context.positions, on: tape)
        let states = model.run(blocks: model.blocks.indices, from: x, context: context, on: tape)
        let last = model.normed(states.copyRows((ids.count - 1)..<ids.count), on: tape)
        return logits(hidden: last, head: model.headWeight)
    }
}
