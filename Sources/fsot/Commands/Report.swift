import ArgumentParser
import Checkpoints
import Emulators
import Foundation
import LanguageModels
import Training

/// `fsot report`: the owner's report on an emulator that is there already.
struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what an emulator gives the data holders, and what it gives away: the owner's report.",
        discussion: """
            Writes report.html and report.json into OWNER_DIR. It is what fsot compress --report full does before it writes an emulator.

            Example:
              fsot report emulator --model model.gguf --probe-data train.jsonl --probe-test test.jsonl \
            --public-data public.txt --probe-cache cache
            """
    )

    @Argument(help: "An emulator directory that fsot compress made, or a sealed .fsot file.")
    var emulator: String

    @Option(help: "The full model that it was cut from.")
    var model: String

    @Option(help: "The owner's directory of the emulator. (default: EMULATOR.owner)")
    var ownerDir: String?

    @OptionGroup(title: "Sealed emulators") var opening: OpeningOptions

    @OptionGroup var location: LedgerOptions

    @Option(help: "How much to measure: quick or full.")
    var report: ReportDepth = .full

    @Option(help: "The public text that it was distilled on: .txt, JSONL or CSV. Every 10th piece was held out.")
    var publicData: String?

    @Option(help: "How its records become text: alpaca, chatml or plain. (default: as when it was compressed)")
    var publicTemplate: PromptTemplate?

    @OptionGroup(title: "Measuring") var measuring: ReportOptions

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        try measuring.check(at: report)
        if report == .full, publicData == nil, measuring.probeData == nil, measuring.recoveryData == nil {
            throw ValidationError("a full report needs --public-data, --probe-data or --recovery-data to measure on")
        }
    }

    func run() throws {
        try measuring.checkPolicy(at: report, hasText: publicData != nil)
        let console = options.console
        let files = try ModelFiles(path: model)
        let owner = ownerDir ?? emulator + ".owner"
        if report == .quick, let former = try? ReleaseReport.read(directory: owner), former.depth == .full {
            throw CommandFailure(
                "\(owner) holds a full report, which a quick one would replace; use --report full, or move it away."
            )
        }
        console.note("reading \(model) and \(emulator)")
        let full = try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: model)
        full.compute(in: try compute.precision())
        let source = try EmulatorSource(path: emulator, opening: opening, console: console)
        let (released, release) = try ReleaseAssessment.released(
            source.directory,
            owner: owner,
            full: full,
            model: files
        )
        let length = min(release.distillation.length, files.configuration.maximumPositions)
        let assessment = ReleaseAssessment(
            options: measuring,
            depth: report,
            full: full,
            files: files,
            text: try publicData.map { path in
                try PublicText.read(
                    path,
                    tokenizer: files.tokenizer,
                    length: length,
                    encoder: try (publicTemplate ?? release.publicTemplate).map {
                        try RecordEncoder(
                            files.tokenizer,
                            template: $0,
                            maximumLength: length,
                            configuration: files.configuration
                        )
                    }
                )
            },
            cache: measuring.probeCache,
            console: console
        )
        let entries = try location.file.entries()
        let own = entries.last { $0.releaseID == release.releaseID }
        if own == nil {
            console.note("\(location.file.path) does not know this release: what all releases give away is not said")
        }
        let measured = try assessment.report(
            on: released,
            release: release,
            wireBytes: source.directory.withBytes(of: "model.safetensors", \.count),
            exposure: own.flatMap { LedgerExposure.of(entries, like: $0).map(UnionExposure.init) }
        )
        try Interruption.check()
        try measured.write(directory: owner)
        for warning in measured.warnings { console.warn(warning) }
        try measuring.enforcePolicy(on: measured, remedy: "accept it with --accept-risk")
        try console.result(ReportText(measured).lines.joined(separator: "\n"), json: measured)
    }
}
