import ArgumentParser
import AtomicFiles
import Audit
import Checkpoints
import Emulators
import Federation
import Foundation
import LanguageModels
import PEFT
import Sealing
import Training

/// `fsot audit score`: a data holder attacks the broadcast adapter with its own records, and hands out scores only.
struct AuditScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "At a data holder: score your own records on the broadcast adapter, for fsot audit merge.",
        discussion: """
            The export holds scores, coins and the openings of the plan's commitment. No text, no tokens, nothing of single \
            tokens; records by salted names. What the owner of the full model sees is measured when it answered fsot audit \
            query, and left out otherwise. A run of fsot tune --keep-rounds also shows each round's sum, as every data holder \
            receives it, and so what the attacks on updates find in it.

            Examples:
              fsot audit score run --plan north/plan --suite Attacks/quick.yaml -o north.scores.json
              fsot audit score adapter --plan north/plan --emulator emulator.fsot --identity north.identity \\
                --template alpaca --max-length 512 --answer north.answer.age --sign north.identity -o north.scores.json
            """
    )

    @OptionGroup var audited: AuditedRunOptions

    @Option(help: "The emulator. (default: the one that the run names)")
    var emulator: String?

    @OptionGroup var opening: OpeningOptions

    @Option(help: "The owner's answer to your query; --identity opens it.")
    var answer: String?

    @Option(help: "The owner's card: any other signer of --answer is an error.")
    var answerFrom: String?

    @Option(help: "Records of the same kind that nobody trained on, for RECALL and QUANTILE.")
    var population: String?

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Option(help: "Your identity, which signs the export: NAME.scores.json.p7s.")
    var sign: String?

    @Option(name: .shortAndLong, help: "The export, such as north.scores.json.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var output: String
        var root: String
        var records: Int
        var canaries: Int
        var scored: Int
        var attacks: [String: [String]]
        var signer: String?
    }

    mutating func run() throws {
        let console = options.console
        let (audited, drawn, suite) = try self.audited.load()
        let run = audited.path
        let signer = try sign.map { try IdentityFile.load($0, passphrase: opening.passphrase) }
        guard let emulatorPath = emulator ?? audited.description?.emulator else {
            throw CommandFailure("\(run) does not say which emulator it was tuned on; give --emulator.")
        }
        let source = try EmulatorSource(path: emulatorPath, opening: opening, console: console)
        if let description = audited.description, source.hexadecimalDigest != description.emulatorDigest {
            throw CommandFailure(
                "\(emulatorPath) is not the emulator that \(run) was tuned on; put that one back before scoring."
            )
        }
        let adapterDigest = try AuditedRun.adapterDigest(run)
        var answered: ScoreAnswer?
        if let answer {
            // Before the work: what is sealed to somebody else fails at once.
            _ = try SealedExchange.signer(of: answer, among: answerFrom.map { [try IdentityCard(path: $0)] } ?? [])
            let identity = try opening.loadIdentity(for: answer)
            answered = try ScoreAnswer(json: SealedExchange.open(answer, identity: identity), path: answer)
        }
        var (export, shipped) = try score(audited, drawn, source, suite: suite, adapterDigest: adapterDigest)
        if let answered, let answer {
            try export.add(answered, to: AuditedRunOptions.query(audited, drawn, suite), path: answer)
        } else {
            console.note(
                "no --answer: what the owner of the full model sees is not tested here; a simulated twin can show it"
            )
        }
        try AtomicFile.write(export.json(), to: output, permissions: 0o600)
        if let signer { try CMSSignature.sign(file: output, by: signer) }
        let attacks = Dictionary(
            uniqueKeysWithValues: export.vantages.map { ($0.vantage.rawValue, $0.attacks.map(\.attack)) }
        )
        let planted = export.openings.count { $0.canary != nil }
        let canaries = export.canaries.map { ", \($0.scored.count) of \(planted) canaries" } ?? ""
        try console.result(
            """
            scored            \(export.scored.count) of \(export.openings.count - planted) records\(canaries), \(shipped) parameters of the emulator
            \(export.vantages.map { view in
                view.vantage.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)
                    + view.attacks.map(\.attack).joined(separator: ", ")
            }.joined(separator: "\n"))
            root              \(export.root)
            export            \(output)\(signer.map { ", signed by \($0.name)" } ?? ""): scores, coins and openings, no text
            """,
            json: Result(
                output: output,
                root: export.root,
                records: export.openings.count - planted,
                canaries: planted,
                scored: export.scored.count,
                attacks: attacks,
                signer: signer?.name
            )
        )
    }

    private func score(
        _ audited: AuditedRun,
        _ drawn: DrawnPlan,
        _ source: EmulatorSource,
        suite: AttackSuite,
        adapterDigest: String
    ) throws -> (export: ScoreExport, shipped: String) {
        let files = try ModelFiles(source.directory)
        let scoring = try RecordScoring(
            files,
            template: audited.template,
            maximumLength: audited.maximumLength,
            wanted: Set(try suite.makeAttacks().flatMap(\.needs)),
            population: population,
            drawing: suite,
            precision: compute.precision()
        )
        let model = try LanguageModel.load(
            files.checkpoint.tensors,
            configuration: files.configuration,
            path: source.path
        )
        if audited.description?.realignment != nil,
            let middle = try RunDirectory.realigned(at: audited.path, upTo: .max)
        {
            try middle.apply(to: model, source.metadata)
        }
        let parameters = model.parameterCount
        model.compute(in: scoring.precision)
        let display = options.console.progress()
        let collector = try scoring.collector(drawn.records)
        let untuned = try scoring.untuned(model, collector, "emulator", display)
        let view = try scoring.view(
            from: .peer,
            model,
            modelPath: source.path,
            adapter: audited.path,
            collector: collector,
            untuned: untuned,
            name: "tuned emulator",
            display: display
        )
        let rounds = try roundEvidence(audited, drawn, source, collector, suite, display)
        display.finish()
        var views = [view.observations]
        if let rounds {
            var aggregate = ObservationCollector.observations(
                vantage: .aggregate,
                tuned: view.tuned,
                reference: untuned
            )
            aggregate.rounds = rounds
            views.append(aggregate)
        }
        let export = try ScoreExport(
            of: drawn,
            views: views,
            models: ScoredModels(
                emulatorDigest: source.hexadecimalDigest,
                adapterDigest: adapterDigest,
                template: audited.template.rawValue,
                maximumLength: audited.maximumLength,
                shippedParameters: parameters
            ),
            suite: suite
        )
        return (export, Magnitude.text(parameters))
    }

    /// What the rounds' sums say of each record, where the run kept consecutive broadcasts; `[records][rounds]`.
    private func roundEvidence(
        _ audited: AuditedRun,
        _ drawn: DrawnPlan,
        _ source: EmulatorSource,
        _ collector: ObservationCollector,
        _ suite: AttackSuite,
        _ display: ProgressDisplay
    ) throws -> [[RoundEvidence]]? {
        let attacks = try suite.makeAttacks().filter { $0.needs.contains(.rounds) && !$0.needs.contains(.otherHolders) }
        guard !attacks.isEmpty, let description = audited.description else { return nil }
        let names = attacks.map(\.name).joined(separator: ", ")
        guard description.realignment == nil else {
            options.console.note(
                "\(names): the run re-aligned its emulator between rounds, so its sums are not attacked"
            )
            return nil
        }
        let tuned = try TunedModel(source, description, precision: compute.precision())
        let sums = try RunDirectory.broadcastSums(
            at: audited.path,
            schema: tuned.schema,
            initial: tuned.state,
            upTo: suite.observedRounds
        )
        guard !sums.isEmpty else {
            options.console.note("\(names): the run kept no broadcasts of its first rounds; tune with --keep-rounds")
            return nil
        }
        var witness = RoundWitness(
            tuned: tuned,
            sequences: collector.sequences,
            holders: drawn.auditedRecords.map(\.holder),
            wanted: Set(attacks.flatMap(\.needs)),
            setsScale: drawn.auditedRecords.map { $0.canary == nil },
            progress: display.handler,
            isCancelled: { Interruption.isRequested }
        )
        var evidence = [[RoundEvidence]](repeating: [], count: drawn.records.count)
        for sum in sums {
            for (index, found) in try witness.measure(sum).aggregate.enumerated() { evidence[index].append(found) }
        }
        return evidence
    }
}
