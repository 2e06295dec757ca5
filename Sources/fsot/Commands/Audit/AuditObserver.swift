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
    /// Records that nobody trained on, for RECALL and RMIA; nil: none.
    let population: String?
    /// Whether text is read out of the rounds' updates.
    let reconstructs: Bool
    /// Where the untuned models' scores are kept from run to run; nil: nowhere.
    let cache: ScoreCache?
    /// Directories of fsot audit shadows; each run takes the one that was trained for it.
    var shadows: [String] = []
    /// Runs of fsot audit control; each audited run takes its own.
    var controls: [String] = []
    let opening: OpeningOptions
    let precision: ComputePrecision
    let console: Console

    /// Observes runs one after the other; the untuned full model is scored once for all runs of one plan.
    func observe(runs: [String], display: ProgressDisplay) throws -> [AuditInput] {
        var referenceKey = ""
        var fullReference: ObservationCollector.ModelScores?
        return try runs.map { path in
            let run = try FinishedRun(path, opening: opening, console: console)
            let (description, plan, drawn, name) = (run.description, run.plan, run.drawn, run.name)
            let collector = try collector(drawn, description, run.files)

            let peer = try run.emulator()
            if description.realignment != nil, let middle = try RunDirectory.realigned(at: path, upTo: .max) {
                try middle.apply(to: peer, description.metadata)
            }
            let shipped = peer.parameterCount
            peer.compute(in: precision)
            let isRealigned = description.realignment != nil
            let reference = try cached(
                isRealigned ? nil : run.source.hexadecimalDigest,
                collector,
                peer,
                "\(name): emulator",
                display
            )
            let pass = TrainingWork.forward(collector.sequences, of: peer)
            let loweredPass = collector.lowered.map { TrainingWork.forward($0, of: peer) } ?? 0
            let placed = try AdapterPlacement(path, model: peer, modelPath: description.emulator).load(onto: peer)
            for parameter in placed.parameters { parameter.isTrainable = true }
            let training = try run.trainingOperations(of: peer)
            for parameter in placed.parameters { parameter.isTrainable = false }
            (placed as? LoRA)?.merge()
            let tuned = try score(collector, peer, "\(name): tuned emulator", display)
            var peerView = ObservationCollector.observations(vantage: .peer, tuned: tuned, reference: reference)
            peerView.cost = EvidenceCost(tuned: pass, more: [.reference: pass, .lowered: loweredPass])
            let prefix = try prefix(run)
            peerView.prefixedTuned = try prefix.map {
                let prefixed = collector.prefixed(by: $0)
                peerView.cost?.more[.prefixed] = TrainingWork.forward(prefixed.sequences, of: peer)
                return try score(prefixed, peer, "\(name): tuned emulator behind a prefix", display).plain
            }
            try addShadows(run, collector, peer, &peerView, display)
            // The coordinator's models say of the tokens what a peer's do; what it has more are the rounds.
            var vantages = try witness(run, collector, reference, display).map { seen in
                var view = ObservationCollector.observations(vantage: seen.vantage, tuned: tuned, reference: reference)
                view.rounds = seen.rounds
                view.cost = seen.cost
                return view
            }
            vantages.append(peerView)
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
                    let identity = try cache.map { _ in
                        BaseModelFiles.identity(try BaseModelFiles.digests(of: files.checkpoint))
                    }
                    fullReference = try cached(identity, collector, full, "full model", display)
                    referenceKey = key
                }
                let plugged = try AdapterPlacement(path, model: full, modelPath: modelPath).load(onto: full)
                (plugged as? LoRA)?.merge()
                let owner = try score(collector, full, "\(name): plugged-in model", display)
                if let fullReference {
                    var view = ObservationCollector.observations(
                        vantage: .owner,
                        tuned: owner,
                        reference: fullReference
                    )
                    let pass = TrainingWork.forward(collector.sequences, of: full)
                    view.cost = EvidenceCost(
                        tuned: pass,
                        more: [
                            .reference: pass,
                            .lowered: collector.lowered.map { TrainingWork.forward($0, of: full) } ?? 0,
                        ]
                    )
                    view.prefixedTuned = try prefix.map {
                        let prefixed = collector.prefixed(by: $0)
                        view.cost?.more[.prefixed] = TrainingWork.forward(prefixed.sequences, of: full)
                        return try score(prefixed, full, "\(name): plugged-in model behind a prefix", display).plain
                    }
                    vantages.append(view)
                    scores.insert(.init("full model", fullReference), at: 0)
                    scores.append(.init("plugged-in model", owner, before: "full model"))
                }
            }
            let reconstructions =
                reconstructs ? try reconstruct(run, collector, display) : nil
            display.finish()
            let records = drawn.auditedRecords
            var facts = try RunFacts(
                ofRun: path,
                description,
                plan: plan,
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
            input.positiveControl = try positiveControl(run, collector, reference, display)
            return input
        }
    }

    /// What the coordinator saw of the first rounds, when the run kept it and the auditor can open it.
    private func witness(
        _ run: FinishedRun,
        _ collector: ObservationCollector,
        _ untuned: ObservationCollector.ModelScores,
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
        let tuned = try tunedModel(of: description, run.source, precision)
        let pass = TrainingWork.forward(collector.sequences, of: tuned.model)
        for parameter in tuned.adapter.parameters { parameter.isTrainable = true }
        let gradients = collector.sequences.reduce(0) {
            $0 + tuned.model.operations(lengths: [max(1, $1.ids.count)]).total
        }
        for parameter in tuned.adapter.parameters { parameter.isTrainable = false }
        let records = drawn.auditedRecords
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

    /// Records that nobody trained on, as they stand before a record under RECALL.
    private func prefix(_ run: FinishedRun) throws -> [Int32]? {
        guard wanted.contains(.prefixed), let population else { return nil }
        let records = Array(try RecordFile.read(population).prefix(Self.prefixRecords))
        let ids = try run.examples(of: records).flatMap(\.ids)
        let room = run.files.configuration.maximumPositions - run.description.maximumLength
        guard ids.count <= room else {
            throw CommandFailure(
                "\(Self.prefixRecords) records of \(population) are \(ids.count) tokens, and the model has room for \(room) before a record; give shorter ones."
            )
        }
        return ids
    }

    /// Records before the one in question under RECALL.
    private static let prefixRecords = 7

    func load(_ files: ModelFiles, _ path: String) throws -> LanguageModel {
        try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
    }

    func collector(
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
            try records.enumerated().map { ScoredSequence(try encoder.encode($1, index: $0)) }
        }
        return ObservationCollector(
            sequences: try sequences(drawn.records),
            lowered: wanted.contains(.lowered) ? try sequences(drawn.records.map { $0.lowercased() }) : nil,
            batchSize: 16
        )
    }

    /// The scores of an untuned model, which `identity` tells from others; nil: not kept.
    func cached(
        _ identity: String?,
        _ collector: ObservationCollector,
        _ model: LanguageModel,
        _ name: String,
        _ display: ProgressDisplay
    ) throws -> ObservationCollector.ModelScores {
        guard let cache, let identity else { return try score(collector, model, name, display) }
        return try cache.scores(of: "\(identity) \(precision.rawValue)", on: collector) {
            try score(collector, model, name, display)
        }
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
                return try model.score(sequences).map { $0.map { TokenObservation($0) } }
            },
            progress: display.handler
        )
    }
}
