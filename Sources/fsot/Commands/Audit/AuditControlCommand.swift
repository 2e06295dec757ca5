import ArgumentParser
import AtomicFiles
import Audit
import Federation
import Foundation
import LanguageModels
import Training

/// `fsot audit control`: an adapter that gives its members away on purpose.
struct AuditControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control",
        abstract: "Train the positive control of a run: the same records, many times as long.",
        discussion: """
            An attack that finds nothing may be too weak to find anything. The control is the run once more, on the same \
            emulator and the same included records, with --times as many rounds, without masking and without the noise of \
            differential privacy: attacks must find its members (AUC near 0.9 or above), or their silence about the run \
            says nothing. It is a run directory like any other, never to be handed out.

            Example:
              fsot audit control run -o control
              fsot audit run run --control control -o report
            """
    )

    @Argument(help: "A run directory of fsot tune --plan.")
    var run: String

    @Option(help: "How many times the run's rounds.")
    var times = 10

    @OptionGroup var opening: OpeningOptions

    @Flag(help: "Go on with the control in --output.")
    var resume = false

    @Option(name: .shortAndLong, help: "A new directory, or the control to go on with.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if times < 2 { throw ValidationError("--times \(times) is not at least 2") }
    }

    func run() async throws {
        let console = options.console
        if !resume, FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        let target = try FinishedRun(run, opening: opening, console: console)
        try target.requireRepeatable()
        let description = longer(target.description)
        let holders = try target.includedRecords()
        let encoded = try holders.map { try $0.encoded(with: target.encoder, console: console) }
        let display = console.progress()
        let progress = TuningProgress(
            rounds: description.federation.rounds,
            participantsPerRound: min(description.federation.participantsPerRound ?? .max, holders.count),
            handler: display.handler
        )
        let source = target.source
        let site = try TrainingSite(
            loading: { try LanguageModel.load(emulator: source) },
            metadata: description.metadata,
            configuration: description.site,
            examples: Dictionary(
                uniqueKeysWithValues: zip(holders, encoded).map {
                    ($0.name, (examples: $1, source: ExampleSource($0.file)))
                }
            ),
            progress: { progress.advance($0, $1) },
            isCancelled: { Interruption.isRequested }
        )
        let store =
            try resume
            ? RunDirectory.resume(description, schema: site.schema, at: output)
            : RunDirectory.create(description, schema: site.schema, at: output)
        let session = TuningSession(
            description: description,
            site: site,
            store: store,
            judge: nil,
            weights: encoded.map(\.count),
            auditors: [],
            console: console,
            display: display,
            progress: progress
        )
        try await session.run(resuming: resume)
    }

    private func longer(_ run: RunDescription) -> RunDescription {
        var control = run
        control.version = Fsot.configuration.version
        control.federation.rounds *= times
        control.federation.privacy = nil
        control.site.privacy = nil
        for index in control.holders.indices { control.holders[index].privacy = nil }
        control.clientPrivacy = nil
        control.isNoiseSeeded = nil
        control.canaryClients = nil
        control.isMasked = false
        control.judgeModel = nil
        control.probeDigest = nil
        control.margin = nil
        control.observedFor = nil
        return control
    }
}
