import Federation
import LanguageModels
import PEFT
import Progress
import TensorEngine
import Training

/// Measures records against what was seen of a round: the raw material of every attack on updates.
public struct RoundWitness {
    /// What a state of the adapter says of all records.
    public struct KnownState: Sendable {
        /// The adapter's numbers.
        public var state: AdapterState
        /// `[records]`, mean log-likelihoods in nats a token.
        public var likelihoods: [Double]

        /// Keeps both.
        public init(state: AdapterState, likelihoods: [Double]) {
            self.state = state
            self.likelihoods = likelihoods
        }
    }

    /// Sequences scored at once; each is independent of its neighbours.
    private static let batch = 16

    private let tuned: TunedModel
    private let sequences: [ScoredSequence]
    private let holders: [String]
    private let wanted: Set<Evidence>
    private let known: [KnownState]
    /// Of the state that the last round ended with: the next one begins there as a rule.
    private var last: KnownState?
    private let setsScale: [Bool]?
    private let progress: ProgressHandler?
    private let isCancelled: () -> Bool

    /// Prepares the measurements.
    ///
    /// - Parameters:
    ///   - tuned: the emulator with its adapter attached as it was tuned; its state is changed.
    ///   - sequences: the planned records, tokenised as for training.
    ///   - holders: whose each record is.
    ///   - wanted: what the attacks need.
    ///   - known: states whose likelihoods were computed before, such as the one before round 1 and the final one: a
    ///     round that passes through one of them is spared a pass over the records.
    ///   - setsScale: whose gradients give the mean length that updates are scaled to; canaries must not move the records'
    ///     figures. Nil: all.
    ///   - progress: told what goes on.
    ///   - isCancelled: asked between batches.
    public init(
        tuned: TunedModel,
        sequences: [ScoredSequence],
        holders: [String],
        wanted: Set<Evidence>,
        known: [KnownState] = [],
        setsScale: [Bool]? = nil,
        progress: ProgressHandler? = nil,
        isCancelled: @escaping () -> Bool = { false }
    ) {
        self.tuned = tuned
        self.sequences = sequences
        self.holders = holders
        self.wanted = wanted
        self.known = known
        self.setsScale = setsScale
        self.progress = progress
        self.isCancelled = isCancelled
    }

    /// The evidence about each record from the two vantage points of the coordinator.
    ///
    /// - Returns: `individual`: against the update of the record's own holder; nil for a record whose holder sent none.
    /// - Throws: `FederationError.wrongLength` for an observation of another adapter; `LanguageModelError`;
    ///   `CancellationError`.
    public mutating func measure(
        _ observation: RoundObservation
    ) throws -> (individual: [RoundEvidence?], aggregate: [RoundEvidence]) {
        guard observation.broadcast.count == tuned.schema.count else {
            throw FederationError.wrongLength(
                from: "the observation",
                found: observation.broadcast.count,
                expected: tuned.schema.count
            )
        }
        let names = observation.updates.keys.sorted()
        let round = observation.round
        let broadcast = AdapterState(values: observation.broadcast)
        let before = try likelihoods(broadcast, "round \(round)")
        let sum = try likelihoods(broadcast.moved(by: observation.aggregate), "round \(round), aggregate")
        var aggregate = sequences.indices.map { RoundEvidence(round: round, before: before[$0], after: sum[$0]) }
        var after: [String: [Double]] = [:]
        for (name, update) in observation.updates {
            let indices = sequences.indices.filter { wanted.contains(.otherHolders) || holders[$0] == name }
            let values = try likelihoods(
                broadcast.moved(by: update),
                of: indices,
                "round \(round), \(name)"
            )
            var all = [Double](repeating: 0, count: sequences.count)
            for (index, value) in zip(indices, values) { all[index] = value }
            after[name] = all
        }
        var individual: [RoundEvidence?] = sequences.indices.map { index in
            guard let own = after[holders[index]] else { return nil }
            var evidence = RoundEvidence(round: round, before: before[index], after: own[index])
            if wanted.contains(.otherHolders) {
                evidence.afterOthers = names.filter { $0 != holders[index] }.compactMap { after[$0]?[index] }
            }
            return evidence
        }
        tuned.state = broadcast
        if wanted.contains(.span) { try addSpans(observation, &individual, &aggregate) }
        if wanted.contains(.gradients) { try addGradients(observation, names, &individual, &aggregate) }
        return (individual, aggregate)
    }

    /// Of all records; the state that one round ends with is mostly the one that the next begins with.
    private mutating func likelihoods(_ state: AdapterState, _ what: String) throws -> [Double] {
        if let last, last.state == state { return last.likelihoods }
        if let hit = known.first(where: { $0.state == state }) { return hit.likelihoods }
        let values = try likelihoods(state, of: Array(sequences.indices), what)
        last = KnownState(state: state, likelihoods: values)
        return values
    }

    private func likelihoods(_ state: AdapterState, of indices: [Int], _ what: String) throws -> [Double] {
        tuned.state = state
        let phase = "scoring \(what)"
        let total = indices.reduce(0) { $0 + sequences[$1].ids.count }
        var done = 0
        var result: [Double] = []
        for start in stride(from: 0, to: indices.count, by: Self.batch) {
            if isCancelled() { throw CancellationError() }
            let part = indices[start..<min(indices.count, start + Self.batch)].map { sequences[$0] }
            for (sequence, tokens) in zip(part, try tuned.model.observations(of: part)) {
                var sum = 0.0
                var count = 0
                for (token, carries) in zip(tokens, sequence.carriesLoss.dropFirst()) where carries {
                    sum += token.logProbability
                    count += 1
                }
                result.append(count == 0 ? 0 : sum / Double(count))
                done += sequence.ids.count
            }
            progress?(ProgressEvent(phase: phase, completed: done, total: total, unit: "tokens"))
        }
        return result
    }

    // MARK: - Gradients

    private func addGradients(
        _ observation: RoundObservation,
        _ names: [String],
        _ individual: inout [RoundEvidence?],
        _ aggregate: inout [RoundEvidence]
    ) throws {
        let vectors = names.compactMap { observation.updates[$0] } + [observation.aggregate]
        let lengths = vectors.map { vector in
            vector.withUnsafeBufferPointer { dot($0, $0) }.squareRoot()
        }
        for parameter in tuned.adapter.parameters { parameter.isTrainable = true }
        var products: [(along: [Double], squared: Double)] = []
        let total = sequences.reduce(0) { $0 + $1.ids.count }
        var done = 0
        for (index, sequence) in sequences.enumerated() {
            if isCancelled() { throw CancellationError() }
            let labels = zip(sequence.ids, sequence.carriesLoss).map { $1 ? $0 : EncodedExample.ignoredLabel }
            let example = EncodedExample(ids: sequence.ids, labels: labels, recordIndex: index)
            for parameter in tuned.adapter.parameters { parameter.zeroGradient() }
            if example.labelledTokenCount > 0 {
                let tape = Tape()
                tape.backward(from: tuned.model.loss(TokenBatch([example]), on: tape))
                let (along, squared) = tuned.gradientProducts(vectors)
                // An update is a step against its gradient.
                products.append((along.map { -$0 }, squared))
            } else {
                products.append((vectors.map { _ in 0 }, 0))
            }
            done += sequence.ids.count
            progress?(
                ProgressEvent(
                    phase: "gradients of round \(observation.round)",
                    completed: done,
                    total: total,
                    unit: "tokens"
                )
            )
        }
        for parameter in tuned.adapter.parameters { parameter.isTrainable = false }
        let measured = products.indices.filter { setsScale?[$0] ?? true }
        let meanLength =
            measured.reduce(0) { $0 + products[$1].squared.squareRoot() } / Double(max(1, measured.count))
        for (index, product) in products.enumerated() {
            let norm = product.squared.squareRoot()
            func cosine(_ position: Int) -> Double {
                let scale = norm * lengths[position]
                return scale > 0 ? product.along[position] / scale : 0
            }
            func difference(_ position: Int) -> Double {
                let scale = lengths[position] > 0 ? meanLength / lengths[position] : 0
                return 2 * scale * product.along[position] - product.squared
            }
            if let own = names.firstIndex(of: holders[index]), individual[index] != nil {
                individual[index]?.cosine = cosine(own)
                individual[index]?.gradientDifference = difference(own)
                individual[index]?.gradientNorm = norm
                individual[index]?.cosineOthers = names.indices.filter { $0 != own }.map(cosine)
            }
            aggregate[index].cosine = cosine(names.count)
            aggregate[index].gradientDifference = difference(names.count)
            aggregate[index].gradientNorm = norm
        }
    }

    // MARK: - Row spaces

    private func addSpans(
        _ observation: RoundObservation,
        _ individual: inout [RoundEvidence?],
        _ aggregate: inout [RoundEvidence]
    ) throws {
        let layers = AdapterSpans(tuned)
        let blocks = layers.blocks
        guard let top = blocks.last else { return }
        let own = observation.updates.mapValues { update in blocks.map { layers.span(of: update, in: $0) } }
        let sum = blocks.map { layers.span(of: observation.aggregate, in: $0) }
        var captured: [Int: Tensor] = [:]
        for block in blocks {
            tuned.model.blocks[block].attentionProjections[0].onInput = { captured[block] = $0 }
        }
        defer { for block in blocks { tuned.model.blocks[block].attentionProjections[0].onInput = nil } }
        for (index, sequence) in sequences.enumerated() {
            if isCancelled() { throw CancellationError() }
            let tape = Tape(isRecording: false)
            let layout = SequenceLayout(lengths: [sequence.ids.count])
            let embedded = tuned.model.embed(sequence.ids, layout: layout, on: tape)
            _ = tuned.model.run(blocks: 0..<(top + 1), from: embedded, layout: layout, on: tape)
            func score(_ spans: [UpdateSpan?]) -> Double? {
                // Nothing is predicted after the last token, so that it leaves no trace.
                let tokens = 0..<max(1, sequence.ids.count - 1)
                let shares = zip(blocks, spans).compactMap { block, span in
                    captured[block].flatMap { inputs in span?.share(of: inputs.copyRows(tokens)) }
                }
                return shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
            }
            if let spans = own[holders[index]] { individual[index]?.span = score(spans) ?? 0 }
            aggregate[index].span = score(sum) ?? 0
            progress?(
                ProgressEvent(
                    phase: "row spaces of round \(observation.round)",
                    completed: index + 1,
                    total: sequences.count,
                    unit: "records"
                )
            )
        }
    }
}
