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
    let opening: OpeningOptions
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
            let source = try EmulatorSource(path: description.emulator, opening: opening, console: console)
            guard source.hexadecimalDigest == description.emulatorDigest else {
                throw CommandFailure(
                    "\(description.emulator) is not the emulator that \(path) was tuned on; put that one back before auditing."
                )
            }
            let emulator = try ModelFiles(source.directory)
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
            var scores: [RunFacts.Utility.Scored] = [
                .init("emulator", reference), .init("tuned emulator", tuned, before: "emulator"),
            ]
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
                    scores.insert(.init("full model", fullReference), at: 0)
                    scores.append(.init("plugged-in model", owner, before: "full model"))
                }
            }
            display.finish()
            let records = drawn.auditedRecords
            return AuditInput(
                name: name,
                facts: try RunFacts(
                    ofRun: path,
                    description,
                    plan: plan,
                    shipped: shipped,
                    full: fullParameters,
                    precision: precision,
                    utility: RunFacts.Utility.heldOutPerplexities(of: scores, records: records)
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
}
