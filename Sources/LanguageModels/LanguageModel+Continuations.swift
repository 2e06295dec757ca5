import TensorEngine

/// What `sampleContinuations` draws.
public struct SampledContinuations: Sendable {
    /// `[prompts][tokens]`, none of them empty.
    public var prompts: [[Int32]]
    /// `[prompts]`: tokens of the longest continuation of each.
    public var lengths: [Int]
    /// Continuations of each prompt.
    public var samples: Int
    /// Tokens that end a continuation; not part of it.
    public var stopIDs: Set<Int32>
    /// How tokens are drawn. Each continuation draws with a generator of its own, derived from `seed`, its prompt's number and
    /// its own, as ``SampledTexts`` does.
    public var sampling: Sampling
    /// Continuations that grow at once.
    public var slots = 32

    /// Makes a request.
    public init(
        prompts: [[Int32]],
        lengths: [Int],
        samples: Int,
        stopIDs: Set<Int32>,
        sampling: Sampling,
        slots: Int = 32
    ) {
        self.prompts = prompts
        self.lengths = lengths
        self.samples = samples
        self.stopIDs = stopIDs
        self.sampling = sampling
        self.slots = slots
    }
}

extension LanguageModel {
    /// Continues many prompts, each several times, many continuations at once; where one ends, the next one starts in its place.
    ///
    /// A prompt goes through the slot token by token as what is drawn does: a product with a weight pays for loading it once for
    /// all slots either way.
    ///
    /// - Parameters:
    ///   - request: what to draw; a prompt and its continuation have to fit the model's positions.
    ///   - progress: told how many continuations are finished; returning false ends the drawing.
    /// - Returns: `[prompts][samples]`, the new tokens only; nil when `progress` ended it.
    /// - Throws: `LanguageModelError.emptyPrompt`, `.tooLong`, `.tokenOutOfRange`, `.badOption`.
    public func sampleContinuations(
        _ request: SampledContinuations,
        progress: (Int) -> Bool = { _ in true }
    ) throws -> [[[Int32]]]? {
        precondition(request.prompts.count == request.lengths.count, "one length a prompt is needed.")
        try request.sampling.validate()
        for (prompt, length) in zip(request.prompts, request.lengths) {
            guard let first = prompt.first else { throw LanguageModelError.emptyPrompt }
            // What stands where the last tokens will be does not matter to the check.
            try validate(prompt + [Int32](repeating: first, count: max(0, length - 1)))
        }
        var results = request.prompts.map { _ in [[Int32]](repeating: [], count: max(0, request.samples)) }
        var jobs = request.prompts.indices.filter { request.lengths[$0] > 0 }.flatMap { prompt in
            results[prompt].indices.map { Growing(prompt: prompt, sample: $0, seed: request.sampling.seed) }
        }
        jobs.reverse()
        let total = jobs.count
        let slots = min(max(1, request.slots), total)
        if slots == 0 { return results }
        let cache = BatchedKeyValueCache(
            layers: blocks.count,
            slots: slots,
            capacity: zip(request.prompts, request.lengths).reduce(0) { max($0, $1.0.count + $1.1) },
            keyValueDim: configuration.keyValueHeadCount * configuration.headSize
        )
        var places: [Growing?] = (0..<slots).map { _ in jobs.popLast() }
        var done = 0
        while done < total {
            // An empty slot reads anything; nobody reads its logits.
            let next = places.map { $0.map { $0.next(after: request.prompts[$0.prompt]) } ?? 0 }
            let logits = step(next, cache: cache)
            logits.withUnsafeBufferPointer { all in
                for slot in 0..<slots {
                    guard var growing = places[slot] else {
                        cache.restart(slot: slot)
                        continue
                    }
                    growing.read += 1
                    places[slot] = growing
                    guard growing.read >= request.prompts[growing.prompt].count else { continue }
                    let row = UnsafeBufferPointer(rebasing: all[slot * logits.columns..<(slot + 1) * logits.columns])
                    let token = request.sampling.choose(from: row, generator: &growing.generator)
                    let isOver = request.stopIDs.contains(token)
                    if !isOver { growing.new.append(token) }
                    places[slot] = growing
                    if isOver || growing.new.count == request.lengths[growing.prompt] {
                        results[growing.prompt][growing.sample] = growing.new
                        done += 1
                        cache.restart(slot: slot)
                        places[slot] = jobs.popLast()
                    }
                }
            }
            guard progress(done) else { return nil }
        }
        return results
    }
}

/// A continuation under way.
private struct Growing {
    let prompt: Int
    let sample: Int
    var generator: SeededGenerator
    /// Tokens that the model has read, the prompt's first.
    var read = 0
    var new: [Int32] = []

    init(prompt: Int, sample: Int, seed: UInt64) {
        self.prompt = prompt
        self.sample = sample
        generator = SeededGenerator(seed: seed).derive("prompt \(prompt), continuation \(sample)")
    }

    func next(after prompt: [Int32]) -> Int32 { read < prompt.count ? prompt[read] : new[read - prompt.count] }
}
