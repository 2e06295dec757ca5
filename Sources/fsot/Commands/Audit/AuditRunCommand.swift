import ArgumentParser
import AtomicFiles
import Audit
import Foundation
import Sealing
import Yams

/// `fsot audit run`: attacks on finished runs, from the outside in, and one report.
struct AuditRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Attack finished runs from every vantage point that was observed, and write one report.",
        discussion: """
            Runs must follow a plan (fsot audit plan). Several runs, for example at different compression ratios, give \
            one report with leakage against compression. Exit code: 0 nothing found, 2 leakage above policy, 3 the split \
            is not valid, 4 inconclusive, 5 a stated ε is refuted. Attacks on updates need runs of fsot tune --observe, and --identity of the auditor \
            whom they were kept for; LIRA and RMIA need --shadows, RECALL and QUANTILE --population.

            --active adds an active adversary, on a fork: the run is begun once more, from its plan's records, under a \
            coordinator that sends a false adapter. The run's directory is only read, and the verdict leaves the result out.

            Examples:
              fsot audit run run-half run-quarter --model model.gguf --suite Attacks/quick.yaml -o report
              fsot audit run run --identity alice.identity --from owner.card -o report   # tuned on a sealed emulator
            """
    )

    @Argument(help: "Run directories of fsot tune --plan.")
    var runs: [String]

    @Option(help: "The full model, for the owner's vantage point and the compression ratio.")
    var model: String?

    @OptionGroup var opening: OpeningOptions

    @Option(help: "Records of the same kind that nobody trained on, for RECALL, RMIA and QUANTILE.")
    var population: String?

    @Flag(help: "Also read text out of the updates of observed rounds (DAGER), and say how much; never which.")
    var reconstruct = false

    @Option(
        parsing: .upToNextOption,
        help: "Shadow models of fsot audit shadows, for LIRA and RMIA; each run takes its own."
    )
    var shadows: [String] = []

    @Option(parsing: .upToNextOption, help: "Overfitted runs of fsot audit control; each run takes its own.")
    var control: [String] = []

    @Flag(
        help:
            "Also attack a fork of each run as a coordinator that lies about the adapter (ACTIVE-GA, ACTIVE-NORM); trains again."
    )
    var active = false

    @Option(help: "The attack suite. (default: the built-in quick suite)")
    var suite: String?

    @Option(
        help: "A directory that keeps what untuned models say about the records, for the next run on the same model."
    )
    var scoreCache: String?

    @Flag(
        help:
            "Keep in report.json how the main attacks rank the records, by no names: fsot audit merge compares cells of a sweep by that."
    )
    var keepRanks = false

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Option(help: "The report's heading.")
    var title = "Membership audit"

    @Option(help: "The auditor's identity, which signs report.json.")
    var sign: String?

    @OptionGroup var failure: FailureOptions

    @Option(name: .shortAndLong, help: "A new directory.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func run() async throws {
        let console = options.console
        let staged = try StagedDirectory(destination: output)
        let suite = try suite.map { try SuiteFile.read($0) } ?? AttackSuite()
        if active, !suite.attacks.contains(where: { AttackRegistry.active.contains($0.uppercased()) }) {
            throw CommandFailure(
                "The suite \(suite.name) lists none of \(AttackRegistry.active.joined(separator: ", ")), which --active is for; "
                    + "add them, or give --suite Attacks/deep.yaml."
            )
        }
        let conditions = try failure.conditions(measuredBy: suite)
        let auditor = try sign.map { try IdentityFile.load($0, passphrase: opening.passphrase) }
        let display = console.progress()
        let observer = AuditObserver(
            modelPath: model,
            wanted: Set(try suite.makeAttacks().flatMap(\.needs)),
            rounds: suite.observedRounds,
            population: population,
            reconstructs: reconstruct,
            cache: scoreCache.map { ScoreCache(directory: $0) },
            shadows: shadows,
            controls: control,
            drawing: suite,
            opening: opening,
            precision: try compute.precision(),
            console: console
        )
        // What cannot be forked is refused before anything is scored.
        if active {
            for path in runs { try FinishedRun(path, opening: opening, console: console).requireRepeatable() }
        }
        var inputs = try observer.observe(runs: runs, display: display)
        if active {
            for (index, path) in runs.enumerated() {
                try await observer.addActive(path, to: &inputs[index], suite: suite, display: display)
            }
        }
        let outcome = try Audit.run(
            inputs: inputs,
            suite: suite,
            title: title,
            provenance: [
                RunFacts.Detail("fsot", Fsot.configuration.version),
                RunFacts.Detail("made", Date().formatted(.iso8601.year().month().day())),
                RunFacts.Detail("command", Self.command),
            ],
            keepsRanks: keepRanks,
            progress: display.handler
        )
        display.finish()
        try Interruption.check()
        let report = outcome.report
        for name in suite.attacks.map({ $0.uppercased() })
        where !report.runs.contains(where: { $0.tries(name) }) {
            console.note("\(name) was not tried; the report says what it needs")
        }
        let json = try report.json()
        try AtomicFile.write(json, to: staged.path + "/report.json")
        try AtomicFile.write(try ReportPage.render(reportJSON: json), to: staged.path + "/report.html")
        try AtomicFile.write(outcome.scoresCSV, to: staged.path + "/scores.csv", permissions: 0o600)
        if let auditor { try CMSSignature.sign(file: staged.path + "/report.json", by: auditor) }
        try staged.commit()
        if console.printsJSON {
            console.print(String(decoding: json, as: UTF8.self))
        } else {
            console.print(Self.summary(report))
            console.print("report            \(output)/report.html")
        }
        try conditions.finish(report, code: report.verdict.exitCode, console: console)
    }

    /// The command as it was typed, but for the directories of absolute paths: a report may leave the house.
    private static var command: String {
        let arguments = CommandLine.arguments.dropFirst().map {
            $0.hasPrefix("/") ? ($0 as NSString).lastPathComponent : $0
        }
        return (["fsot"] + arguments).joined(separator: " ")
    }

    /// One line a run: what was shipped, what crossed a wire, and how good each model is on held-out records.
    private static func utility(_ report: AuditReport) -> String {
        guard let first = report.runs.first?.facts.utility.first else { return "" }
        var models: [String] = []
        for utility in report.runs.flatMap(\.facts.utility) where !models.contains(utility.model) {
            models.append(utility.model)
        }
        var table = Table(["run", "shipped", "on the wire"] + models)
        for run in report.runs {
            let facts = run.facts
            let figures = models.map { model in
                facts.utility.first { $0.model == model && $0.measure == first.measure }.map(text) ?? ""
            }
            table.add(
                [
                    run.name, facts.compressionRatio.map { String(format: "%.1f %%", $0 * 100) } ?? "",
                    facts.wireBytes.map(Magnitude.bytes) ?? "",
                ] + figures
            )
        }
        return "\(first.measure) (95 % interval)\n\(table.text)\n\n"
    }

    private static func text(_ utility: RunFacts.Utility) -> String {
        let value = String(format: "%.2f", utility.value)
        return utility.interval.map { value + String(format: " (%.2f–%.2f)", $0.lower, $0.upper) } ?? value
    }

    private static func summary(_ report: AuditReport) -> String {
        [report.attackTable, utility(report) + report.canaryTables.map { $0 + "\n\n" }.joined() + report.conclusion]
            .joined(separator: "\n\n")
    }
}

extension AuditReport.RunReport {
    /// Whether an attack was run from any vantage point, of the run or of a fork of it.
    fileprivate func tries(_ attack: String) -> Bool {
        (vantages.map(\.attacks) + (active?.views.map(\.attacks) ?? [])).joined().contains { $0.attack == attack }
    }
}
