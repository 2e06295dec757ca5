import AtomicFiles
import Audit
import Checkpoints
import Emulators
import Federation
import Foundation
import LanguageModels
import TensorEngine

/// One emulator of the owner's tuned model: how much of the middle is left, and how it was made so small.
struct OwnerSideCell: Hashable {
    enum Way: String {
        case dropped
        case thinned
        case distilled
    }

    var ratio: Double
    var way: Way

    var name: String { "r\(ratio)-\(way.rawValue)" }
}

/// Tunes the owner's model, compresses it, and attacks the emulators, with the commands that a user would type.
struct OwnerSideMeasurement {
    let command: AuditOwnerCommand
    let console: Console

    private var program: OwnProgram { OwnProgram(console: console) }
    private var directory: CellDirectory { CellDirectory(path: command.output) }
    private var work: String { directory.work }
    private var tuned: String { work + "/tuned" }
    private var run: String { work + "/run" }

    /// The cell's file.
    func path(of cell: OwnerSideCell) -> String { directory.file(of: cell.name) }

    /// Whether the cell was measured.
    func isDone(_ cell: OwnerSideCell) -> Bool { directory.has(cell.name) }

    /// What all cells share; cells of other settings must not be taken for this measurement's.
    private struct Settings: Codable, Equatable {
        var data: [String]
        var model: String
        var publicData: String
        var adapterBlocks: Int
        var distillTokens: Int
        var steps: Int
        var batch: Int
        var learningRate: Double
        var maxLength: Int
        var template: String
        var suite: String?
        var seed: UInt64
    }

    /// Draws the coins and tunes the owner's model, or finds what an earlier start left.
    ///
    /// - Throws: `CommandFailure` when the measurement there has other settings.
    func prepare() throws {
        let files = try ModelFiles(path: command.model)
        let settings = Settings(
            data: [try FileDigest.hexadecimal(of: command.data)],
            model: try identity(files),
            publicData: try FileDigest.hexadecimal(of: command.publicData),
            adapterBlocks: command.adapterBlocks,
            distillTokens: command.distillTokens,
            steps: command.steps,
            batch: command.batch,
            learningRate: command.learningRate,
            maxLength: command.maxLength,
            template: command.template,
            suite: try command.suite.map { try FileDigest.hexadecimal(of: $0) },
            seed: command.seed
        )
        try directory.claim(settings, in: "owner-side.json", kind: "measurement")
        try directory.drawPlan(data: [command.data], seed: command.seed, by: program)
        if !FileManager.default.fileExists(atPath: tuned) { try tune(files.configuration.layerCount) }
    }

    private func identity(_ files: ModelFiles) throws -> String {
        BaseModelFiles.identity(try BaseModelFiles.digests(of: files.checkpoint))
    }

    private func load(_ files: ModelFiles, _ path: String) throws -> LanguageModel {
        try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
    }

    /// The owner's tuning: all blocks but one, as one data holder without secure aggregation.
    private func tune(_ layers: Int) throws {
        let whole = work + "/whole"
        if !FileManager.default.fileExists(atPath: whole) {
            try program.run([
                "compress", command.model, "--bottom", "\((layers - 1) / 2)", "--top",
                "\(layers - 1 - (layers - 1) / 2)",
                "--keep", "1", "--report", "none", "--ledger", work + "/ledger.jsonl", "-o", whole,
            ])
        }
        let isStarted = FileManager.default.fileExists(atPath: run + "/run.json")
        try program.run(
            [
                "tune", whole, "--plan", directory.plan, "--template", command.template, "--rounds", "1",
                "--local-steps",
                "\(command.steps)", "--batch", "\(command.batch)", "--max-length", "\(command.maxLength)", "--lr",
                "\(command.learningRate)", "--seed", "\(command.seed)", "--no-masking",
            ] + (isStarted ? ["--resume"] : []) + ["-o", run]
        )
        try program.run(["plug", command.model, run, "-o", tuned])
    }

    /// Compresses, attacks, and keeps the figures.
    func run(_ cell: OwnerSideCell) throws {
        let emulator = cell.ratio == 1 ? tuned : "\(work)/\(cell.name)"
        if !FileManager.default.fileExists(atPath: emulator) {
            try program.run(try compression(cell) + ["-o", emulator])
        }
        let suite = try command.suite.map { try SuiteFile.read($0) } ?? Self.suite
        let input = try observe(emulator, cell, suite)
        let outcome = try Audit.run(inputs: [input], suite: suite, title: cell.name, keepsRanks: true)
        try Interruption.check()
        try AtomicFile.write(try outcome.report.condensed().json(), to: path(of: cell))
        if cell.ratio < 1 {
            for leftover in [emulator, emulator + ".owner"] { try? FileManager.default.removeItem(atPath: leftover) }
        }
        console.note("\(cell.name): \(outcome.report.verdict.headline)")
    }

    /// What the tuned model and its origin alone can show.
    private static var suite: AttackSuite {
        var suite = AttackSuite()
        suite.name = "owner-side"
        suite.attacks = ["LOSS", "RATIO", "ZLIB", "MINK", "MINK++", "EZ", "HARD-TOKEN", "REF-MINK++"]
        return suite
    }

    private func observe(_ emulator: String, _ cell: OwnerSideCell, _ suite: AttackSuite) throws -> AuditInput {
        let drawn = try DrawnPlan.load(from: directory.plan)
        let display = console.progress()
        let origin = try ModelFiles(path: command.model)
        let description = try RunDirectory.description(at: run)
        let scoring = try RecordScoring(
            origin,
            template: description.template,
            maximumLength: description.maximumLength,
            wanted: Set(try suite.makeAttacks().flatMap(\.needs)),
            cache: ScoreCache(directory: work + "/scores"),
            precision: .fastest
        )
        let collector = try scoring.collector(drawn.records)
        let original = try load(origin, command.model)
        let parameters = original.parameterCount
        original.compute(in: scoring.precision)
        let reference = try scoring.untuned(
            original,
            identity: identity(origin),
            collector,
            "the public model",
            display
        )
        let attackedFiles = try ModelFiles(path: emulator)
        let attacked = try load(attackedFiles, emulator)
        let shipped = attacked.parameterCount
        attacked.compute(in: scoring.precision)
        // The tuned model itself stands at ratio 1 of every way.
        let shared = cell.ratio == 1 ? try identity(attackedFiles) : nil
        let scores = try scoring.untuned(attacked, identity: shared, collector, cell.name, display)
        display.finish()
        let records = drawn.auditedRecords
        var facts = RunFacts()
        facts.compressionRatio = Double(shipped) / Double(parameters)
        facts.fullParameters = parameters
        facts.shippedParameters = shipped
        facts.middleKept = cell.ratio
        facts.sweep = SweepCell(ratio: cell.ratio, method: cell.way.rawValue, placement: .both, seed: command.seed)
        facts.utility = RunFacts.Utility.heldOutPerplexities(
            of: [.init("public model", reference), .init("emulator", scores, before: "public model")],
            records: records
        )
        facts.details = [
            RunFacts.Detail(
                "the owner's tuning",
                "all blocks but one, \(command.steps) steps of \(command.batch) records, learning rate \(command.learningRate)"
            ),
            RunFacts.Detail(
                "records as text",
                "template \(command.template), at most \(command.maxLength) tokens"
            ),
            RunFacts.Detail("made smaller", Self.words(cell, command.distillTokens)),
            RunFacts.Detail("seed", "\(command.seed)"),
        ]
        return AuditInput(
            name: cell.name,
            facts: facts,
            records: records,
            vantages: [ObservationCollector.observations(vantage: .recipient, tuned: scores, reference: reference)]
        )
    }

    private static func words(_ cell: OwnerSideCell, _ tokens: Int) -> String {
        if cell.ratio == 1 { return "not at all: the tuned model itself, which nobody ships" }
        switch cell.way {
        case .dropped: return "blocks of the middle were left out, evenly, and nothing was distilled"
        case .thinned: return "every block of the middle was made thinner, and nothing was distilled"
        case .distilled: return "every block of the middle was made thinner and distilled on \(tokens) public tokens"
        }
    }

    private func compression(_ cell: OwnerSideCell) throws -> [String] {
        var arguments = [
            "compress", tuned, "--seed", "\(command.seed)", "--report", "none", "--ledger", work + "/ledger.jsonl",
            "--bottom", "\(command.adapterBlocks)", "--top", "\(command.adapterBlocks)",
        ]
        if cell.way == .dropped {
            arguments += ["--keep", "\(cell.ratio)"]
        } else {
            let files = try ModelFiles(path: tuned)
            let model = try load(files, tuned)
            arguments += BlockWeights(of: model).thinningFlags(to: cell.ratio)
        }
        let tokens = cell.way == .distilled ? command.distillTokens : 0
        arguments += PublicTextFlags.of(command.publicData, tokens: tokens, template: command.template)
        return arguments
    }
}
