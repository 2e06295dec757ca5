import Progress

/// A tokenised record and which of its tokens carry loss.
public struct ScoredSequence: Sendable, Equatable {
    /// `[tokens]`.
    public var ids: [Int32]
    /// `[tokens]`; the first token has no prediction and never counts.
    public var carriesLoss: [Bool]

    /// Takes token ids and training labels; a negative label (−100) means "no loss here".
    public init(ids: [Int32], labels: [Int32]) {
        self.ids = ids
        carriesLoss = labels.map { $0 >= 0 }
    }
}

/// Turns models into observations: the caller lends each model as a closure, so nothing here knows how models are loaded.
public struct ObservationCollector {
    /// Scores sequences: entry i of a result is about `ids[i + 1]` given `ids[...i]`, so a result has one entry fewer than ids.
    /// Entries about tokens that carry no loss are not read.
    public typealias Scorer = (_ sequences: [ScoredSequence]) throws -> [[TokenObservation]]

    /// The planned records, tokenised exactly as for training.
    public var sequences: [ScoredSequence]
    /// The planned records in lower case, tokenised the same way; nil when no attack needs them.
    public var lowered: [ScoredSequence]?
    /// Sequences handed to a scorer at once.
    public var batchSize: Int

    /// Keeps the values.
    public init(sequences: [ScoredSequence], lowered: [ScoredSequence]?, batchSize: Int = 4) {
        self.sequences = sequences
        self.lowered = lowered
        self.batchSize = max(1, batchSize)
    }

    /// What one model says about the records and about their lower-cased forms.
    public struct ModelScores: Sendable {
        /// `[records][loss-bearing tokens]`.
        public var plain: [[TokenObservation]]
        /// `[records][loss-bearing tokens]`, lower-cased; nil when not collected.
        public var lowered: [[TokenObservation]]?

        /// Keeps the lists.
        public init(plain: [[TokenObservation]], lowered: [[TokenObservation]]?) {
            self.plain = plain
            self.lowered = lowered
        }

        /// `[records]`, mean log-likelihoods in nats a token; 0 where no token carries loss.
        public var meanLikelihoods: [Double] { plain.map { $0.isEmpty ? 0 : LogLikelihood.mean($0) } }
    }

    /// Scores every record with one model. Score the untuned model once and share the result between runs.
    ///
    /// - Parameters:
    ///   - model: a name for progress, such as "emulator, tuned".
    ///   - scorer: see ``Scorer``.
    /// - Throws: what the scorer throws, or `AuditError.mismatchedCounts` when it returns too few entries.
    public func score(model: String, scorer: Scorer, progress: ProgressHandler? = nil) throws -> ModelScores {
        let own = sequences.reduce(0) { $0 + $1.ids.count }
        let total = own + (lowered ?? []).reduce(0) { $0 + $1.ids.count }
        progress?(ProgressEvent(phase: "scoring with \(model)", completed: 0, total: total, unit: "tokens"))
        let plain = try run(sequences, scorer, model, done: 0, total: total, progress)
        let lowered = try lowered.map { try run($0, scorer, model, done: own, total: total, progress) }
        return ModelScores(plain: plain, lowered: lowered)
    }

    /// The records behind a prefix, which carries no loss.
    public func prefixed(by ids: [Int32]) -> ObservationCollector {
        ObservationCollector(
            sequences: sequences.map { sequence in
                var longer = sequence
                longer.ids = ids + sequence.ids
                // The first token of a record predicts nothing by itself, and must not here either.
                longer.carriesLoss = ids.map { _ in false } + [false] + sequence.carriesLoss.dropFirst()
                return longer
            },
            lowered: nil,
            batchSize: batchSize
        )
    }

    /// Joins a tuned and an untuned model's scores into what one vantage point sees.
    public static func observations(
        vantage: VantagePoint,
        tuned: ModelScores,
        reference: ModelScores
    ) -> VantageObservations {
        VantageObservations(
            vantage: vantage,
            tuned: tuned.plain,
            reference: reference.plain,
            loweredTuned: tuned.lowered,
            loweredReference: reference.lowered
        )
    }

    private func run(
        _ sequences: [ScoredSequence],
        _ scorer: Scorer,
        _ model: String,
        done: Int,
        total: Int,
        _ progress: ProgressHandler?
    ) throws -> [[TokenObservation]] {
        var result: [[TokenObservation]] = []
        var start = 0
        var done = done
        while start < sequences.count {
            let batch = sequences[start..<min(sequences.count, start + batchSize)]
            let scored = try scorer(Array(batch))
            guard scored.count == batch.count else {
                throw AuditError.mismatchedCounts(
                    what: "sequences scored by \(model)",
                    expected: batch.count,
                    found: scored.count
                )
            }
            for (sequence, tokens) in zip(batch, scored) {
                guard tokens.count == max(0, sequence.ids.count - 1) else {
                    throw AuditError.mismatchedCounts(
                        what: "token scores of \(model)",
                        expected: max(0, sequence.ids.count - 1),
                        found: tokens.count
                    )
                }
                result.append(zip(tokens, sequence.carriesLoss.dropFirst()).filter(\.1).map(\.0))
            }
            start += batch.count
            done += batch.reduce(0) { $0 + $1.ids.count }
            progress?(ProgressEvent(phase: "scoring with \(model)", completed: done, total: total, unit: "tokens"))
        }
        return result
    }
}
