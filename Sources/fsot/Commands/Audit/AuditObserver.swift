import Audit
import Checkpoints
import Emulators
import Federation
import Foundation
import LanguageModels
import PEFT
import SecureAggregation
import TensorEngine
import Training

/// Scores the records of a plan under every model that an audit compares.
struct AuditObserver {
    let modelPath: String?
    let lowers: Bool
    let precision: ComputePrecision
    let console: Console

    /// Observes runs one after the other; the untuned full model is scored once for all runs of one plan.
    func observe(runs: [String], display: ProgressDisplay) throws -> [AuditInput] {
        var referenceKey = ""
        var fullReference: ObservationCollector.ModelScores?
        return try runs.map { path in
            let description = try RunDirectory.description(at: path)
            guard FileManager.default.fileExists(atPath: path + "/adapter/adapter_config.json") else {
                throw CommandFailure(
                    "\(path) is not finished; continue it with fsot tune … --resume before auditing it."
                )
            }
            guard let plan = description.plan else {
                throw CommandFailure(
                    "\(path) was not tuned under a plan: who was trained on was not drawn by a coin, so no comparison is fair; "
                        + "run fsot audit plan, then fsot tune --plan."
                )
            }
            let drawn = try DrawnPlan.load(from: plan)
            let emulator = try ModelFiles(path: description.emulator)
            let collector = try collector(drawn, description, emulator)
            let name = ((path as NSString).standardizingPath as NSString).lastPathComponent

            let peer = try load(emulator, description.emulator)
            let shipped = peer.parameterCount
            peer.compute(in: precision)
            let reference = try score(collector, peer, "\(name): emulator", display)
            let placed = try AdapterPlacement(path, model: peer, modelPath: description.emulator).load(onto: peer)
            (placed as? LoRA)?.merge()
            let tuned = try score(collector, peer, "\(name): tuned emulator", display)
            var vantages = [ObservationCollector.observations(vantage: .peer, tuned: tuned, reference: reference)]
            var scores = [("emulator", reference), ("tuned emulator", tuned)]
            var fullParameters: Int?

            if let modelPath {
                let files = try ModelFiles(path: modelPath)
                let full = try load(files, modelPath)
                guard full.blocks.count == description.metadata.fullLayers else {
                    throw CommandFailure(
                        "\(modelPath) has \(full.blocks.count) layers but the emulator of \(path) was cut from "
                            + "\(description.metadata.fullLayers); give the owner's full model as --model."
                    )
                }
                fullParameters = full.parameterCount
                full.compute(in: precision)
                let key = "\(plan) \(description.template.rawValue) \(description.maximumLength)"
                if fullReference == nil || key != referenceKey {
                    fullReference = try score(collector, full, "full model", display)
                    referenceKey = key
                }
                let plugged = try AdapterPlacement(path, model: full, modelPath: modelPath).load(onto: full)
                (plugged as? LoRA)?.merge()
                let owner = try score(collector, full, "\(name): plugged-in model", display)
                if let fullReference {
                    vantages.append(
                        ObservationCollector.observations(vantage: .owner, tuned: owner, reference: fullReference)
                    )
                    scores = [("full model", fullReference)] + scores + [("plugged-in model", owner)]
                }
            }
            display.finish()
            let records = drawn.auditedRecords
            return AuditInput(
                name: name,
                facts: try facts(
                    path,
                    description,
                    shipped: shipped,
                    full: fullParameters,
                    utility: scores.map { ($0.0, heldOutPerplexity($0.1, records)) }
                ),
                records: records,
                vantages: vantages
            )
        }
    }

    private func load(_ files: ModelFiles, _ path: String) throws -> LanguageModel {
        try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
    }

    private func collector(
        _ drawn: DrawnPlan,
        _ description: RunDescription,
        _ emulator: ModelFiles
    ) throws -> ObservationCollector {
        let encoder = try RecordEncoder(
            emulator.tokenizer,
            template: description.template,
            maximumLength: description.maximumLength,
            configuration: emulator.configuration
        )
        func sequences(_ records: [Record]) throws -> [ScoredSequence] {
            try records.enumerated().map { index, record in
                let example = try encoder.encode(record, index: index)
                return ScoredSequence(ids: example.ids, labels: example.labels)
            }
        }
        return ObservationCollector(
            sequences: try sequences(drawn.records),
            lowered: lowers ? try sequences(drawn.records.map { $0.lowercased() }) : nil,
            batchSize: 16
        )
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

    /// exp of the mean negative log-probability over the scored tokens of the records that were not trained on.
    private func heldOutPerplexity(_ scores: ObservationCollector.ModelScores, _ records: [AuditedRecord]) -> Double {
        var sum = 0.0
        var count = 0
        for (record, tokens) in zip(records, scores.plain) where !record.isMember {
            sum -= tokens.reduce(0.0) { $0 + $1.logProbability }
            count += tokens.count
        }
        return count == 0 ? .nan : exp(sum / Double(count))
    }

    private func facts(
        _ path: String,
        _ description: RunDescription,
        shipped: Int,
        full: Int?,
        utility: [(String, Double)]
    ) throws -> RunFacts {
        let rounds = try RunDirectory.records(at: path)
        var traffic = TrafficCount()
        for round in rounds { traffic += round.traffic }
        var facts = RunFacts()
        facts.compressionRatio = full.map { Double(shipped) / Double($0) }
        facts.fullParameters = full
        facts.shippedParameters = shipped
        let metadata = description.metadata
        facts.middleKept = Double(metadata.kept) / Double(metadata.fullLayers - metadata.bottom - metadata.top)
        facts.adapterParameters = description.adapterParameters
        facts.adapterBytes = description.adapterParameters * 4
        facts.emulatorBytes = description.emulatorBytes
        facts.wireBytes = description.emulatorBytes * description.holders.count + traffic.down + traffic.up
        facts.coordinatorSaw = Self.coordinatorSaw(description, rounds)
        facts.utility = utility.map {
            RunFacts.Utility(model: $0.0, measure: "perplexity, held-out records", value: $0.1, isLowerBetter: true)
        }
        facts.details = [
            RunFacts.Detail("method", description.site.method.name),
            RunFacts.Detail("data holders", "\(description.holders.count)"),
            RunFacts.Detail(
                "training",
                "\(rounds.count) rounds of \(description.federation.localSteps) steps of \(description.site.batch) records, "
                    + "learning rate \(description.federation.learningRate)"
            ),
            RunFacts.Detail("template", description.template.rawValue),
            RunFacts.Detail(
                "products",
                "tuned in \(description.site.precision.rawValue), scored in \(precision.rawValue)"
            ),
            RunFacts.Detail("seed", "\(description.federation.seed)"),
        ]
        return facts
    }

    private static func coordinatorSaw(_ description: RunDescription, _ rounds: [RoundRecord]) -> [String] {
        guard description.isMasked else {
            return ["Every update of every data holder in the clear, in \(rounds.count) rounds: masking was off."]
        }
        let views = rounds.compactMap(\.view)
        let dropouts = views.reduce(0) { $0 + $1.maskKeysRecovered.count }
        var lines = [
            "In each of \(rounds.count) rounds: public keys, encrypted shares, one masked vector a data holder, and the sum of "
                + "\(views.map(\.masked.count).min() ?? 0) or more updates. No single update.",
            "\(dropouts) dropouts were unmasked out of the sums.",
        ]
        for warning in Set(views.flatMap(\.warnings)).sorted() { lines.append(warning) }
        return lines
    }
}
