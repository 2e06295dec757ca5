import Audit
import Federation
import Foundation
import LanguageModels
import PEFT
import Training

extension AuditObserver {
    /// Puts beside what a peer or the owner sees what shadow models say, when some were trained for this run.
    ///
    /// - Parameters:
    ///   - tuned: the emulator, or the full model, with the audited adapter.
    ///   - full: what identifies the full model; nil: the view is a peer's.
    /// - Throws: `AuditError.unusableShadows`.
    func addShadows(
        _ run: FinishedRun,
        _ scoring: RecordScoring,
        _ tuned: LanguageModel,
        pluggedInto full: String? = nil,
        _ view: inout VantageObservations,
        _ display: ProgressDisplay
    ) throws {
        guard wanted.contains(.shadows) else { return }
        let fitting = try shadows.map { try ShadowDirectory.open($0) }.first { try fits($0.settings, run) }
        guard let directory = fitting else {
            if !shadows.isEmpty, full == nil {
                console.note("\(run.name): none of --shadows was trained for this run, its emulator and its plan")
            }
            return
        }
        if let full, directory.settings.modelIdentity != full {
            console.note(
                directory.settings.modelIdentity == nil
                    ? "\(run.name): \(directory.path) was not plugged in: no LIRA and RMIA at the owner's; fsot audit shadows takes --model"
                    : "\(run.name): \(directory.path) was plugged into another model: no LIRA and RMIA at the owner's"
            )
            return
        }
        let all = try directory.all(records: run.drawn.records.count)
        var tunedPopulation: [Double?]?
        if let digest = directory.settings.populationDigest {
            if let population, try FileDigest.hexadecimal(of: population) == digest {
                let sequences = try run.examples(of: RecordFile.read(population)).map { ScoredSequence($0) }
                let outsiders = ObservationCollector(sequences: sequences, lowered: nil, batchSize: 16)
                let scores = try scoring.score(
                    outsiders,
                    tuned,
                    "\(run.name): \(full == nil ? "tuned emulator" : "plugged-in model"), population",
                    display
                )
                tunedPopulation = scores.plain.map { $0.isEmpty ? nil : LogLikelihood.mean($0) }
            } else if full == nil {
                console.note(
                    "\(run.name): RMIA ranks without a population; give the --population that \(directory.path) was made with"
                )
            }
        }
        view.shadows = all.evidence(tunedPopulation: tunedPopulation, plugged: full != nil)
        view.cost?.more[.shadows] = all.operations(plugged: full != nil)
    }

    private func fits(_ settings: ShadowSettings, _ run: FinishedRun) throws -> Bool {
        try settings.emulatorDigest == run.source.hexadecimalDigest && settings.template == run.description.template
            && settings.maximumLength == run.description.maximumLength
            && settings.site.method == run.description.site.method
            && settings.planDigest == run.planDigest()
    }

    /// What a peer sees of the overfitted adapter that was trained for this run.
    ///
    /// - Parameter reference: what the untuned emulator says.
    /// - Throws: `CommandFailure` for a control that is not finished.
    func positiveControl(
        _ run: FinishedRun,
        _ scoring: RecordScoring,
        _ collector: ObservationCollector,
        _ reference: ObservationCollector.ModelScores,
        _ display: ProgressDisplay
    ) throws -> AuditInput.PositiveControl? {
        for path in controls {
            let control = try FinishedRun(path, opening: opening, console: console)
            guard try isControl(control, of: run) else { continue }
            let model = try run.emulator()
            model.compute(in: precision)
            let placed = try AdapterPlacement(path, model: model, modelPath: run.source.path).load(onto: model)
            (placed as? LoRA)?.merge()
            let tuned = try scoring.score(collector, model, "\(run.name): positive control", display)
            display.finish()
            let more = Double(control.steps) / Double(run.steps)
            return AuditInput.PositiveControl(
                description: "The same emulator, method and members, \(WorkText.times(more)) as many steps "
                    + "(\(control.description.federation.rounds) rounds of \(control.description.federation.localSteps)), "
                    + "seen by a peer.",
                view: ObservationCollector.observations(vantage: .peer, tuned: tuned, reference: reference)
            )
        }
        if !controls.isEmpty {
            console.note("\(run.name): none of --control trained longer on this run's emulator and members")
        }
        return nil
    }

    private func isControl(_ control: FinishedRun, of run: FinishedRun) throws -> Bool {
        try control.source.hexadecimalDigest == run.source.hexadecimalDigest
            && control.description.site.method == run.description.site.method
            && control.description.template == run.description.template
            && control.description.maximumLength == run.description.maximumLength && control.steps > run.steps
            && control.planDigest() == run.planDigest()
    }
}

extension FinishedRun {
    /// Optimizer steps of one data holder.
    var steps: Int { description.federation.rounds * description.federation.localSteps }
}
