import Audit
import Foundation
import LanguageModels
import Progress
import Tokenizers
import Training

extension RecordScoring {
    /// What attacks need of the untuned model beside what it says of the records, made before an adapter is put onto it.
    struct Preparation {
        /// Records that nobody trained on, and what the untuned model says of them.
        var outsiders: (records: ObservationCollector, untuned: [[TokenObservation]])?
        /// `[records][variants]`.
        var variants: [[ScoredSequence]]?
    }

    /// - Parameter name: of the tuned model, for progress.
    func prepare(
        _ model: LanguageModel,
        _ collector: ObservationCollector,
        _ name: String,
        _ display: ProgressDisplay
    ) throws -> Preparation {
        var preparation = Preparation()
        if let outsiders = try outsiders(besides: collector) {
            let untuned = try score(outsiders, model, "\(name): outsiders before tuning", display).plain
            preparation.outsiders = (outsiders, untuned)
        }
        if wanted.contains(.neighbours), let drawing {
            let count = collector.sequences.count
            preparation.variants = try NeighbourTexts(drawing.neighbour ?? .init(), seed: drawing.seed)
                .draw(of: collector.sequences, by: model) { done in
                    try Interruption.check()
                    display.handler(
                        ProgressEvent(
                            phase: "writing variants for \(name)",
                            completed: done,
                            total: count,
                            unit: "records"
                        )
                    )
                }
        }
        return preparation
    }

    /// Puts beside the observations what the tuned model says of what was prepared, and what it writes itself.
    func add(
        _ preparation: Preparation,
        to observations: inout VantageObservations,
        _ model: LanguageModel,
        _ collector: ObservationCollector,
        _ name: String,
        _ display: ProgressDisplay
    ) throws {
        if let (records, untuned) = preparation.outsiders {
            let tuned = try score(records, model, "\(name): outsiders", display).plain
            observations.outsiders = OutsiderScores(tuned: tuned, reference: untuned)
            observations.cost?.more[.outsiders] = 2 * TrainingWork.forward(records.sequences, of: model)
        }
        if let variants = preparation.variants {
            let all = variants.flatMap { $0 }
            let flat = ObservationCollector(sequences: all, lowered: nil, batchSize: collector.batchSize)
            var means = try score(flat, model, "\(name): variants", display).meanLikelihoods[...]
            observations.neighbours = variants.map { own in
                defer { means = means.dropFirst(own.count) }
                return Array(means.prefix(own.count))
            }
            // The untuned model reads each record once to write them.
            observations.cost?.more[.neighbours] = TrainingWork.forward(collector.sequences + all, of: model)
        }
        if wanted.contains(.continuations), let drawing {
            let settings = drawing.samia ?? .init()
            let tokenizer = tokenizer
            let total = settings.samples * collector.sequences.count { ContinuationOverlaps.halves(of: $0) != nil }
            observations.continuations = try ContinuationOverlaps(
                settings,
                seed: drawing.seed,
                stopIDs: Set([tokenizer.endID].compactMap { $0 }),
                decode: { tokenizer.decode($0, skipsSpecialTokens: true) }
            ).measure(collector.sequences, by: model) { done in
                display.handler(
                    ProgressEvent(phase: "\(name) writes", completed: done, total: total, unit: "continuations")
                )
                return !Interruption.isRequested
            }
            observations.cost?.more[.continuations] =
                Double(settings.samples) * TrainingWork.forward(collector.sequences, of: model)
        }
    }

    /// The population's records that are none of the plan's; nil when no attack learns from them.
    private func outsiders(besides collector: ObservationCollector) throws -> ObservationCollector? {
        guard wanted.contains(.outsiders), let population else { return nil }
        let known = Set(collector.sequences.map(\.ids))
        let sequences = try RecordFile.read(population).enumerated().map { index, record in
            ScoredSequence(try encoder.encode(record, index: index))
        }
        return ObservationCollector(
            sequences: sequences.filter { !known.contains($0.ids) },
            lowered: nil,
            batchSize: collector.batchSize
        )
    }
}
