import Audit
import Foundation
import LanguageModels
import PEFT
import Training

/// Scores records under a model before and after an adapter was put onto it: what one vantage point sees of the tokens.
struct RecordScoring {
    let encoder: RecordEncoder
    /// What the suite's attacks need.
    let wanted: Set<Evidence>
    /// Records that nobody trained on, for RECALL; nil: none.
    let population: String?
    /// Positions of the model.
    let room: Int

    /// What a vantage point sees, and the scores that it is made of.
    struct View {
        var observations: VantageObservations
        var untuned: ObservationCollector.ModelScores
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
        population: String?
    ) throws {
        encoder = try RecordEncoder(
            files.tokenizer,
            template: template,
            maximumLength: maximumLength,
            configuration: files.configuration
        )
        self.wanted = wanted
        self.population = population
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

    /// Scores the records untuned, puts the adapter onto the model, and scores them again.
    ///
    /// - Parameters:
    ///   - model: the untuned model; it holds the adapter afterwards.
    ///   - modelPath: for errors only.
    ///   - adapter: an adapter directory, or a run with one.
    ///   - untuned: the untuned model's scores, where they are known.
    ///   - names: of the untuned and the tuned model, for progress.
    func view(
        from vantage: VantagePoint,
        _ model: LanguageModel,
        modelPath: String,
        adapter: String,
        collector: ObservationCollector,
        untuned: ObservationCollector.ModelScores? = nil,
        names: (untuned: String, tuned: String),
        display: ProgressDisplay
    ) throws -> View {
        let reference = try untuned ?? score(collector, model, names.untuned, display)
        let placed = try AdapterPlacement(adapter, model: model, modelPath: modelPath).load(onto: model)
        (placed as? LoRA)?.merge()
        let tuned = try score(collector, model, names.tuned, display)
        var observations = ObservationCollector.observations(vantage: vantage, tuned: tuned, reference: reference)
        observations.prefixedTuned = try prefix().map {
            try score(collector.prefixed(by: $0), model, "\(names.tuned) behind a prefix", display).plain
        }
        return View(observations: observations, untuned: reference, tuned: tuned)
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

    private func score(
        _ collector: ObservationCollector,
        _ model: LanguageModel,
        _ name: String,
        _ display: ProgressDisplay
    ) throws -> ObservationCollector.ModelScores {
        try collector.score(
            model: name,
            scorer: { sequences in
                try Interruption.check()
                return try model.score(sequences).map { $0.map { TokenObservation($0) } }
            },
            progress: display.handler
        )
    }
}
