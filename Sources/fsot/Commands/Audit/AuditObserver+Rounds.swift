import Audit
import Checkpoints
import Emulators
import Federation
import LanguageModels
import PEFT
import Progress
import Sealing
import TensorEngine

extension AuditObserver {
    /// What could be seen of a round, opened with the auditor's identity.
    func observation(of round: Int, at path: String) throws -> RoundObservation {
        let file = RunDirectory.observationFile(round, at: path)
        let opened = try SealedFile.open(file, identity: try opening.loadIdentity(for: path))
        let content = CheckpointDirectory(path: file, files: ["observation": (opened.bytes, opened)])
        return try RoundObservation(content.safetensors("observation"), path: file)
    }

    /// Reads text out of each holder's update and out of the sum, round by round; nil when nothing was kept, or there is no
    /// dictionary to read with.
    func reconstruct(
        _ run: FinishedRun,
        _ collector: ObservationCollector,
        _ display: ProgressDisplay
    ) throws -> [ReconstructionResult]? {
        let (path, description, drawn) = (run.path, run.description, run.drawn)
        guard description.observedFor != nil, opening.identity != nil else {
            console.note(
                "\(path): reading text out of updates needs a run of tune --observe, and --identity of its auditor"
            )
            return nil
        }
        // Rounded as in training, so that a right prefix's input is the one that left its trace.
        let tuned = try TunedModel(run.source, description, precision: description.site.precision)
        let reconstruction = TextReconstruction(
            tuned: tuned,
            maximumLength: description.maximumLength,
            isCancelled: { Interruption.isRequested }
        )
        guard reconstruction.isPossible, tuned.model.positionEmbedding == nil else {
            console.note(
                "\(path): text is read out of updates of the two lowest blocks, of a model without learned positions; this adapter has not both"
            )
            return nil
        }
        let records = zip(drawn.auditedRecords, collector.sequences).filter { $0.0.canary == nil }.map {
            (holder: $0.holder, ids: $1.ids, isMember: $0.isMember)
        }
        var results: [ReconstructionResult] = []
        for round in try RunDirectory.records(at: path).map(\.round).prefix(rounds) {
            let seen = try observation(of: round, at: path)
            let views: [(vantage: VantagePoint, holder: String?, update: [Float])] =
                seen.updates.sorted { $0.key < $1.key }.map { (.individual, $0.key, $0.value) }
                + [(.aggregate, nil, seen.aggregate)]
            for (done, view) in views.enumerated() {
                display.handler(
                    ProgressEvent(
                        phase: "reading text out of round \(round)",
                        completed: done,
                        total: views.count,
                        unit: "updates"
                    )
                )
                results.append(
                    ReconstructionResult(
                        try reconstruction.decode(view.update, from: seen.broadcast),
                        vantage: view.vantage,
                        holder: view.holder,
                        round: round,
                        records: records.filter { view.holder == nil || $0.holder == view.holder }
                            .map { ($0.ids, $0.isMember) }
                    )
                )
            }
        }
        return results
    }
}
