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
    /// Records that nobody trained on, for RECALL, RMIA and QUANTILE; nil: none.
    let population: String?
    /// Whether text is read out of the rounds' updates.
    let reconstructs: Bool
    /// Where the untuned models' scores are kept from run to run; nil: nowhere.
    let cache: ScoreCache?
    /// Directories of fsot audit shadows; each run takes the one that was trained for it.
    var shadows: [String] = []
    /// Runs of fsot audit control; each audited run takes its own.
    var controls: [String] = []
    /// The suite whose attacks may draw texts; nil: none may.
    var drawing: AttackSuite?
    let opening: OpeningOptions
    let precision: ComputePrecision
    let console: Console

    /// Observes runs one after the other; the untuned full model is scored once for all runs of one plan.
    func observe(runs: [String], display: ProgressDisplay) throws -> [AuditInput] {
        var referenceKey = ""
        var fullReference: ObservationCollector.ModelScores?
        return try runs.map { path in
            let run = try FinishedRun(path, opening: opening, console: console)
            let (description, drawn, name) = (run.description, run.drawn, run.name)
            let scoring = try RecordScoring(
                run.files,
                template: description.template,
                maximumLength: description.maximumLength,
                wanted: wanted,
                population: population,
                drawing: drawing,
                cache: cache,
                precision: precision
            )
            let collector = try scoring.collector(drawn.records)

            let peer = try run.emulator()
            if description.realignment != nil, let middle = try RunDirectory.realigned(at: path, upTo: .max) {
                try middle.apply(to: peer, description.metadata)
            }
            let shipped = peer.parameterCount
            peer.compute(in: precision)
            let isRealigned = description.realignment != nil
            let reference = try scoring.untuned(
                peer,
                identity: isRealigned ? nil : run.source.hexadecimalDigest,
                collector,
                "\(name): emulator",
                display
            )
            var peerView = try scoring.view(
                from: .peer,
                peer,
                modelPath: description.emulator,
                adapter: path,
                collector: collector,
                untuned: reference,
                name: "\(name): tuned emulator",
                display: display
            )
            let training = try run.trainingOperations()
            try addShadows(run, scoring, peer, &peerView.observations, display)
            // The coordinator's models say of the tokens what a peer's do; what it has more are the rounds.
            var vantages = try witness(run, collector, reference, peerView.tuned, display).map { seen in
                var view = ObservationCollector.observations(
                    vantage: seen.vantage,
                    tuned: peerView.tuned,
                    reference: reference
                )
                view.rounds = seen.rounds
                view.cost = seen.cost
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
                var owner = try scoring.view(
                    from: .owner,
                    full,
                    modelPath: modelPath,
                    adapter: path,
                    collector: collector,
                    untuned: untuned,
                    name: "\(name): plugged-in model",
                    display: display
                )
                if wanted.contains(.shadows), !shadows.isEmpty {
                    let identified = try BaseModelFiles.identity(BaseModelFiles.digests(of: files.checkpoint))
                    try addShadows(run, scoring, full, pluggedInto: identified, &owner.observations, display)
                }
                vantages.append(owner.observations)
                scores.insert(.init("full model", untuned), at: 0)
                scores.append(.init("plugged-in model", owner.tuned, before: "full model"))
            }
            let reconstructions =
                reconstructs ? try reconstruct(run, collector, display) : nil
            display.finish()
            let records = drawn.auditedRecords
            var facts = try RunFacts(
                ofRun: path,
                description,
                plan: drawn.plan,
                shipped: shipped,
                full: fullParameters,
                precision: precision,
                utility: RunFacts.Utility.heldOutPerplexities(of: scores, records: records)
            )
            facts.trainingOperations = training
            var input = AuditInput(
                name: name,
                facts: facts,
                records: records,
                vantages: vantages,
                reconstructions: reconstructions
            )
            input.clientCanaries = try RunDirectory.canaryClientScores(at: path)
            input.positiveControl = try positiveControl(run, scoring, collector, reference, display)
            return input
        }
    }

    /// What the coordinator saw of the first rounds, when the run kept it and the auditor can open it.
    private func witness(
        _ run: FinishedRun,
        _ collector: ObservationCollector,
        _ untuned: ObservationCollector.ModelScores,
        _ final: ObservationCollector.ModelScores,
        _ display: ProgressDisplay
    ) throws -> [(vantage: VantagePoint, rounds: [[RoundEvidence]], cost: EvidenceCost)] {
        let (path, description, drawn) = (run.path, run.description, run.drawn)
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
        let tuned = try TunedModel(run.source, description, precision: precision)
        let pass = TrainingWork.forward(collector.sequences, of: tuned.model)
        for parameter in tuned.adapter.parameters { parameter.isTrainable = true }
        let gradients = collector.sequences.reduce(0) {
            $0 + tuned.model.operations(lengths: [max(1, $1.ids.count)]).total
        }
        for parameter in tuned.adapter.parameters { parameter.isTrainable = false }
        var known = [RoundWitness.KnownState(state: tuned.state, likelihoods: untuned.meanLikelihoods)]
        // Merged for the peer, a low-rank adapter is rounded elsewhere than in training.
        if case .blocks = description.site.method {
            let placement = try AdapterPlacement(path, model: tuned.model, modelPath: run.source.path)
            _ = try placement.load(onto: tuned.model)
            known.append(RoundWitness.KnownState(state: tuned.state, likelihoods: final.meanLikelihoods))
        }
        var witness = RoundWitness(
            tuned: tuned,
            sequences: collector.sequences,
            holders: records.map(\.holder),
            wanted: wanted,
            known: known,
            setsScale: records.map { $0.canary == nil },
            progress: display.handler,
            isCancelled: { Interruption.isRequested }
        )
        var individual = [[RoundEvidence]](repeating: [], count: records.count)
        var aggregate = individual
        let finished = try RunDirectory.records(at: path).map(\.round)
        let attacked = finished.prefix(rounds)
        for round in attacked {
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
        // A row space takes the lowest blocks only, and is counted as a pass.
        let perRound: [Evidence: Double] = [
            .rounds: 2 * pass, .gradients: gradients, .span: pass,
            .otherHolders: pass * Double(max(0, drawn.plan.holders.count - 1)),
        ]
        let cost = EvidenceCost(tuned: pass, more: perRound.mapValues { $0 * Double(attacked.count) })
        return (isEverywhere ? [(.individual, individual, cost)] : []) + [(.aggregate, aggregate, cost)]
    }

    private func load(_ files: ModelFiles, _ path: String) throws -> LanguageModel {
        try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
    }
}
