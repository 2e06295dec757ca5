import TensorEngine

/// What `sampleTexts` draws.
public struct SampledTexts: Sendable {
    /// The token every text starts from; not part of it.
    public var start: Int32
    /// Tokens that end a text; not part of it.
    public var stopIDs: Set<Int32>
    /// Tokens of the longest text.
    public var length: Int
    /// Tokens in all, the last texts cut short.
    public var tokens: Int
    /// How tokens are drawn. Text k draws with a generator of its own, derived from `seed` and k, so that it depends on
    /// neither `slots` nor the number of threads; in float32 `slots` shows in the rounding (OpenBLAS multiplies a single
    /// row in another way).
    public var sampling: Sampling
    /// Texts that grow at once.
    public var slots = 32

    /// Makes a request.
    public init(start: Int32, stopIDs: Set<Int32>, length: Int, tokens: Int, sampling: Sampling, slots: Int = 32) {
        self.start = start
        self.stopIDs = stopIDs
        self.length = length
        self.tokens = tokens
        self.sampling = sampling
        self.slots = slots
    }
}

extension LanguageModel {
    /// Draws many texts at once; where one ends, the next one starts in its place.
    ///
    /// - Parameters:
    ///   - request: what to draw.
    ///   - progress: told the tokens so far after each step; returning false ends the drawing.
    /// - Returns: the texts in the order in which they began, empty ones left out; nil when `progress` ended it.
    /// - Throws: `LanguageModelError.badOption`, also where text after text ends before its first token;
    ///   `.tokenOutOfRange`.
    public func sampleTexts(_ request: SampledTexts, progress: (Int) -> Bool) throws -> [[Int32]]? {
        try validate([request.start])
        try request.sampling.validate()
        let length = min(request.length, configuration.maximumPositions - 1)
        guard length > 0, request.tokens > 0, request.slots > 0 else { return [] }
        let slots = min(request.slots, (request.tokens + length - 1) / length)
        let cache = BatchedKeyValueCache(
            layers: blocks.count,
            slots: slots,
            capacity: length + 1,
            keyValueDim: configuration.keyValueHeadCount * configuration.headSize
        )
        let root = SeededGenerator(seed: request.sampling.seed)
        var texts: [[Int32]] = []
        var places: [(text: Int, generator: SeededGenerator, next: Int32)] = []
        func begin() -> (text: Int, generator: SeededGenerator, next: Int32) {
            texts.append([])
            return (texts.count - 1, root.derive("text \(texts.count - 1)"), request.start)
        }
        for _ in 0..<slots { places.append(begin()) }
        var done = 0
        var emptyInARow = 0
        while done < request.tokens {
            let logits = step(places.map(\.next), cache: cache)
            let chosen = choose(logits, places: &places, sampling: request.sampling)
            for (slot, token) in chosen.enumerated() {
                let text = places[slot].text
                let isOver = request.stopIDs.contains(token)
                if !isOver, done < request.tokens {
                    texts[text].append(token)
                    done += 1
                }
                if isOver || texts[text].count == length {
                    emptyInARow = texts[text].isEmpty ? emptyInARow + 1 : 0
                    if emptyInARow == Self.mostEmptyTexts {
                        throw LanguageModelError.badOption(
                            name: "start",
                            value: "token \(request.start)",
                            expected: "one that the model continues: \(emptyInARow) texts in a row were empty"
                        )
                    }
                    cache.restart(slot: slot)
                    places[slot] = begin()
                } else {
                    places[slot].next = token
                }
            }
            guard progress(done) else { return nil }
        }
        return texts.filter { !$0.isEmpty }
    }

    /// Empty texts in a row after which no other kind will come.
    private static let mostEmptyTexts = 1000

    /// The logits after one more token in every slot, `[slots, vocabulary]`.
    func step(_ tokens: [Int32], cache: BatchedKeyValueCache) -> Tensor {
        let tape = Tape(isRecording: false)
        let context = AttentionContext(batch: cache)
        let x = embed(tokens, positions: context.positions, on: tape)
        let states = normed(run(blocks: blocks.indices, from: x, context: context, on: tape), on: tape)
        cache.advance()
        return TensorEngine.logits(hidden: states, head: headWeight)
    }

    private func choose(
        _ logits: Tensor,
        places: inout [(text: Int, generator: SeededGenerator, next: Int32)],
        sampling: Sampling
    ) -> [Int32] {
        logits.withUnsafeBufferPointer { all in
            places.indices.map { slot in
                let row = UnsafeBufferPointer(rebasing: all[slot * logits.columns..<(slot + 1) * logits.columns])
                return sampling.choose(from: row, generator: &places[slot].generator)
            }
        }
    }
}
