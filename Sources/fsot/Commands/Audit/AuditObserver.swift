import Audit
import Checkpoints
import Emulators
import Federation
import Foundation
import LanguageModels
import PEFT
import Sealing
import SecureAggregation
import TensorEngine
import Training

/// Scores the records of a plan under every model that an audit compares.
struct AuditObserver {
    let modelPath: String?
    /// What the suite's attacks need, and how many rounds they look at.
    let wanted: Set<Evidence>
    let rounds: Int
    /// Records that nobody trained on, for RECALL; nil: none.
    let population: String?
    /// Whether text is read out of the rounds' updates.
    let reconstructs: Bool
    /// Where the untuned models' scores are kept from run to run; nil: nowhere.
    let cache: ScoreCache?
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
            guard !description.planDirectories.isEmpty else {
                throw CommandFailure(
                    "\(path) was not tuned under a plan: who was trained on was not drawn by a coin, so no comparison is fair; "
                        + "run fsot audit plan, then fsot tune --plan."
                )
            }
            let drawn = try DrawnPlan.joining(description.planDirectories.map { try DrawnPlan.load(from: $0) })
            let source = try EmulatorSource(path: description.emulator, opening: opening, console: console)
            guard source.hexadecimalDigest == description.emulatorDigest else {
                throw CommandFailure(
                    "\(description.emulator) is not the emulator that \(path) was tuned on; put that one back before auditing."
                )
            }
            let emulator = try ModelFiles(source.directory)
            let scoring = try RecordScoring(
                emulator,
                template: description.template,
                maximumLength: description.maximumLength,
                wanted: wanted,
                population: population,
                cache: cache,
                precision: precision
            )
            let collector = try scoring.collector(drawn.records)
            let name = ((path as NSString).standardizingPath as NSString).lastPathComponent

            let peer = try load(emulator, description.emulator)
            if description.realignment != nil, let middle = try RunDirectory.realigned(at: path, upTo: .max) {
                try middle.apply(to: peer, description.metadata)
            }
            let shipped = peer.parameterCount
            peer.compute(in: precision)
            let isRealigned = description.realignment != nil
            let reference = try scoring.untuned(
                peer,
                identity: isRealigned ? nil : source.hexadecimalDigest,
                collector,
                "\(name): emulator",
                display
            )
            let peerView = try scoring.view(
                from: .peer,
                peer,
                modelPath: description.emulator,
                adapter: path,
                collector: collector,
                untuned: reference,
                name: "\(name): tuned emulator",
                display: display
            )
            // The coordinator's models say of the tokens what a peer's do; what it has more are the rounds.
            var vantages = try witness(path, description, source, drawn, collector, reference, display).map { seen in
                var view = ObservationCollector.observations(
                    vantage: seen.vantage,
                    tuned: peerView.tuned,
                    reference: reference
                )
                view.rounds = seen.rounds
                return view
            }
            vantages.append(peerView.observations)
            var scores: [RunFacts.Utility.Scored] = [
                .init("emulator", reference), .init("tuned emulator", peerView.tuned, before: "emulator"),
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
                let key =
                    "\(description.planDirectories) \(description.template.rawValue) \(description.maximumLength)"
                let known = key == referenceKey ? fullReference : nil
                let identity = try cache.map { _ in
                    BaseModelFiles.identity(try BaseModelFiles.digests(of: files.checkpoint))
                }
                let untuned =
                    try known ?? scoring.untuned(full, identity: identity, collector, "full model", display)
                (fullReference, referenceKey) = (untuned, key)
                let owner = try scoring.view(
                    from: .owner,
                    full,
                    modelPath: modelPath,
                    adapter: path,
                    collector: collector,
                    untuned: untuned,
                    name: "\(name): plugged-in model",
                    display: display
                )
                vantages.append(owner.observations)
                scores.insert(.init("full model", untuned), at: 0)
                scores.append(.init("plugged-in model", owner.tuned, before: "full model"))
            }
            let reconstructions =
                reconstructs ? try reconstruct(path, description, source, drawn, collector, display) : nil
            display.finish()
            let records = drawn.auditedRecords
            return AuditInput(
                name: name,
                facts: try RunFacts(
                    ofRun: path,
                    description,
                    plan: drawn.plan,
                    shipped: shipped,
                    full: fullParameters,
                    precision: precision,
                    utility: RunFacts.Utility.heldOutPerplexities(of: scores, records: records)
                ),
                records: records,
                vantages: vantages,
                reconstructions: reconstructions
            )
        }
    }

    /// What the coordinator saw of the first rounds, when the run kept it and the auditor can open it.
    private func witness(
        _ path: String,
        _ description: RunDescription,
        _ source: EmulatorSource,
        _ drawn: DrawnPlan,
        _ collector: ObservationCollector,
        _ untuned: ObservationCollector.ModelScores,
        _ display: ProgressDisplay
    ) throws -> [(vantage: VantagePoint, rounds: [[RoundEvidence]])] {
        guard !wanted.isDisjoint(with: [.rounds, .gradients, .span, .otherHolders]) else { return [] }
        guard let auditors = description.observedFor else {
            console.note("\(path) kept nothing of its rounds: attacks on updates are not tried; tune with --observe")
            return []
        }
        if description.realignment != nil {
            console.note("\(path) re-aligned its emulator between rounds: attacks on updates are not tried")
            return []
        }
        guard opening.identity != nil else {
            console.note(
                "\(path) kept its rounds for \(auditors.joined(separator: ", ")): give --identity to attack updates"
            )
            return []
        }
        let records = drawn.auditedRecords
        let tuned = try TunedModel(source, description, precision: precision)
        let witness = RoundWitness(
            tuned: tuned,
            sequences: collector.sequences,
            holders: records.map(\.holder),
            wanted: wanted,
            untuned: untuned.plain.map { tokens in
                tokens.isEmpty ? 0 : tokens.reduce(0) { $0 + $1.logProbability } / Double(tokens.count)
            },
            progress: display.handler,
            isCancelled: { Interruption.isRequested }
        )
        var individual = [[RoundEvidence]](repeating: [], count: records.count)
        var aggregate = individual
        let finished = try RunDirectory.records(at: path).map(\.round)
        for round in finished.prefix(rounds) {
            let evidence = try witness.measure(try observation(of: round, at: path))
            for index in records.indices {
                if let own = evidence.individual[index] { individual[index].append(own) }
                aggregate[index].append(evidence.aggregate[index])
            }
        }
        display.finish()
        // Sampled holders miss rounds; who was in none has nothing to be attacked by.
        let isEverywhere = individual.allSatisfy { !$0.isEmpty }
        if !isEverywhere {
            console.note("some data holders were in none of the attacked rounds: single updates are not attacked")
        }
        return (isEverywhere ? [(.individual, individual)] : []) + [(.aggregate, aggregate)]
    }

    private func load(_ files: ModelFiles, _ path: String) throws -> LanguageModel {
        try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
    }
}
