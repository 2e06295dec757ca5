import Audit
import Federation
import Foundation
import LanguageModels
import Logging
import PEFT
import Progress
import TensorEngine
import Training

extension AuditObserver {
    /// Forks a run under a coordinator that lies about the adapter, and puts what it learned beside what the run gave away. The
    /// run's directory is only read.
    ///
    /// - Parameters:
    ///   - path: the run.
    ///   - input: what was observed of it.
    ///   - suite: names targets, rounds and step.
    /// - Throws: `CommandFailure` for a run whose emulator changed between rounds; `AuditError` for too few records;
    ///   `TrainingError`; `CancellationError`.
    func addActive(_ path: String, to input: inout AuditInput, suite: AttackSuite, display: ProgressDisplay)
        async throws
    {
        let run = try FinishedRun(path, opening: opening, console: console)
        try run.requireRepeatable()
        let description = run.description
        let examples = try run.examples(of: run.drawn.records)
        let targets = try ActiveTargets.draw(
            from: input.records,
            isScorable: examples.map { $0.labelledTokenCount > 0 },
            count: suite.activeSettings.targets,
            seed: suite.seed
        )
        let tuned = try TunedModel(run.source, description, precision: precision)
        let initial = tuned.state
        let price = try price(of: tuned, run, targets.map { examples[$0] }, suite.activeSettings.rounds)
        console.note(
            "\(run.name): \(targets.count) targets of a lying coordinator on a fork of the run, "
                + "\(suite.activeSettings.rounds == 1 ? "1 round" : "\(suite.activeSettings.rounds) rounds"): about "
                + "\(WorkText.operations(price.training)) of training and \(WorkText.operations(price.gradients)) of gradients"
        )
        let holders = try run.includedRecords()
        let encoded = try holders.map { try $0.encoded(with: run.encoder, console: console) }
        let source = run.source
        let isQuiet = console.isQuiet
        let fits = TuningProgress(
            rounds: suite.activeSettings.rounds,
            participantsPerRound: min(description.federation.participantsPerRound ?? .max, holders.count),
            handler: display.handler
        )
        let federation = try await RepeatedFederation(
            loading: { try LanguageModel.load(emulator: source) },
            holders: zip(holders, encoded).map {
                RepeatedFederation.Holder(name: $0.name, examples: $1, source: ExampleSource($0.file))
            },
            metadata: description.metadata,
            site: description.site,
            federation: description.federation,
            noiseSeed: description.federation.seed,
            logger: Logger(label: "fsot.active") { _ in StandardErrorLog(isQuiet: isQuiet) },
            progress: { fits.advance($0, $1) },
            isCancelled: { Interruption.isRequested }
        )
        let fork = ActiveFork(
            tuned: tuned,
            federation: federation,
            examples: targets.map { examples[$0] },
            holders: targets.map { input.records[$0].holder },
            settings: suite.activeSettings,
            progress: display.handler,
            isCancelled: { Interruption.isRequested }
        )
        let (individual, aggregate) = try await fork.run(from: initial)
        display.finish()
        let isEverywhere = individual.allSatisfy { !$0.isEmpty }
        if !isEverywhere {
            console.note("\(run.name): no round of the fork drew some of the targets' holders: only sums are attacked")
        }
        input.active = ActiveEvidence(
            targets: targets,
            individual: isEverywhere ? individual : nil,
            aggregate: aggregate,
            isMasked: description.isMasked,
            isAlwaysRefused: description.isMasked && description.federation.privacy == nil
                && description.federation.participantsPerRound == nil,
            trainingOperations: price.training,
            operations: [
                "ACTIVE-GA": price.gradients + 2 * price.pass,
                "ACTIVE-NORM": 2 * price.gradients,
            ]
        )
    }

    /// Floating-point operations: the data holders' training, one backward pass and one forward pass of all targets a round.
    private func price(
        of tuned: TunedModel,
        _ run: FinishedRun,
        _ targets: [EncodedExample],
        _ rounds: Int
    ) throws -> (training: Double, gradients: Double, pass: Double) {
        for parameter in tuned.adapter.parameters { parameter.isTrainable = true }
        defer { for parameter in tuned.adapter.parameters { parameter.isTrainable = false } }
        let all = Double(rounds)
        return (
            try run.trainingOperations(of: tuned.model) * all / Double(run.description.federation.rounds),
            TrainingWork.perRecord(targets, of: tuned.model) * Double(targets.count) * all,
            TrainingWork.forward(targets.map { ScoredSequence($0) }, of: tuned.model) * all
        )
    }
}
