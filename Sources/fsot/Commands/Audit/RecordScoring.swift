import Audit
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import Tokenizers
import Training

/// Scores records under a model before and after an adapter was put onto it: what one vantage point sees of the tokens.
struct RecordScoring {
    let encoder: RecordEncoder
    /// What the suite's attacks need.
    let wanted: Set<Evidence>
    /// Records that nobody trained on, for RECALL and QUANTILE; nil: none.
    let population: String?
    /// The suite whose attacks may draw texts; nil: none may.
    let drawing: AttackSuite?
    /// The models' tokenizer.
    let tokenizer: Tokenizer
    /// Where untuned models' scores are kept from run to run; nil: nowhere.
    let cache: ScoreCache?
    /// What the models compute in.
    let precision: ComputePrecision
    /// Positions of the model before a record of the greatest length.
    let room: Int

    /// What a vantage point sees, and the tuned model's scores.
    struct View {
        var observations: VantageObservations
        var tuned: ObservationCollector.ModelScores
    }

    /// Records before the one in question under RECALL.
    private static let prefixRecords = 7

    /// - Throws: `TrainingError`, for a template that the tokenizer cannot write.
    init(
        _ files: ModelFiles,
        template: PromptTemplate,
        maximumLength: Int,
        wanted: Set<Evidence>,
        population: String? = nil,
        drawing: AttackSuite? = nil,
        cache: ScoreCache? = nil,
        precision: ComputePrecision
    ) throws {
        encoder = try RecordEncoder(
            files.tokenizer,
            template: template,
            maximumLength: maximumLength,
            configuration: files.configuration
        )
        self.wanted = wanted
        self.population = population
        self.drawing = drawing
        tokenizer = files.tokenizer
        self.cache = cache
        self.precision = precision
        room = files.configuration.maximumPositions - maximumLength
    }

    /// The records as they were trained on, and in lower case where an attack needs that.
    func collector(_ records: [Record]) throws -> ObservationCollector {
        func sequences(_ records: [Record]) throws -> [ScoredSequence] {
            try records.enumerated().map { index, record in
                let example = try encoder.encode(record, index: index)
                return ScoredSequence(ids: example.ids, labels: example.labels)
            }
        }
        return ObservationCollector(
            sequences: try sequences(records),
            lowered: wanted.contains(.lowered) ? try sequences(records.map { $0.lowercased() }) : nil,
            batchSize: 16
        )
    }

    /// The scores of an untuned model.
    ///
    /// - Parameter identity: tells the model from others in the cache; nil: not kept there.
    func untuned(
        _ model: LanguageModel,
        identity: String? = nil,
        _ collector: ObservationCollector,
        _ name: String,
        _ display: ProgressDisplay
    ) throws -> ObservationCollector.ModelScores {
        guard let cache, let identity else { return try score(collector, model, name, display) }
        return try cache.scores(of: "\(identity) \(precision.rawValue)", on: collector) {
            try score(collector, model, name, display)
        }
    }

    /// Puts the adapter onto the model and scores the records.
    ///
    /// - Parameters:
    ///   - model: the untuned model; it holds the adapter afterwards.
    ///   - modelPath: for errors only.
    ///   - adapter: an adapter directory, or a run with one.
    ///   - untuned: the untuned model's scores.
    ///   - name: of the tuned model, for progress.
    func view(
        from vantage: VantagePoint,
        _ model: LanguageModel,
        modelPath: String,
        adapter: String,
        collector: ObservationCollector,
        untuned: ObservationCollector.ModelScores,
        name: String,
        display: ProgressDisplay
    ) throws -> View {
        let preparation = try prepare(model, collector, name, display)
        let placed = try AdapterPlacement(adapter, model: model, modelPath: modelPath).load(onto: model)
        (placed as? LoRA)?.merge()
        let tuned = try score(collector, model, name, display)
        var observations = ObservationCollector.observations(vantage: vantage, tuned: tuned, reference: untuned)
        let pass = TrainingWork.forward(collector.sequences, of: model)
        var cost = EvidenceCost(tuned: pass, more: [.reference: pass])
        cost.more[.lowered] = collector.lowered.map { TrainingWork.forward($0, of: model) }
        observations.prefixedTuned = try prefix().map {
            let prefixed = collector.prefixed(by: $0)
            cost.more[.prefixed] = TrainingWork.forward(prefixed.sequences, of: model)
            return try score(prefixed, model, "\(name) behind a prefix", display).plain
        }
        observations.cost = cost
        try add(preparation, to: &observations, model, collector, name, display)
        return View(observations: observations, tuned: tuned)
    }

    /// Records that nobody trained on, as they stand before a record under RECALL.
    private func prefix() throws -> [Int32]? {
        guard wanted.contains(.prefixed), let population else { return nil }
        let ids = try RecordFile.read(population).prefix(Self.prefixRecords).enumerated().flatMap { index, record in
            try encoder.encode(record, index: index).ids
        }
        guard ids.count <= room else {
            throw CommandFailure(
                "\(Self.prefixRecords) records of \(population) are \(ids.count) tokens, and the model has room for \(room) before a record; give shorter ones."
            )
        }
        return ids
    }

    func score(
        _ collector: ObservationCollector,
        _ model: LanguageModel,
        _ name: String,
        _ display: ProgressDisplay
    ) throws -> ObservationCollector.ModelScores {
        try collector.score(
            model: name,
            scorer: { sequences in
                try Interruption.check()
                return try model.observations(of: sequences)
            },
            progress: display.handler
        )
    }
}
