import AtomicFiles
import Audit
import Emulators
import Foundation
import LanguageModels
import TensorEngine
import Training

/// Makes the cells of a sweep, each with the commands that a user would type: what can be done by hand is what was measured.
struct SweepRunner {
    let command: AuditSweepCommand
    let model: BlockWeights
    let console: Console

    private var program: OwnProgram { OwnProgram(console: console) }
    private var directory: CellDirectory { CellDirectory(path: command.output) }
    private var work: String { directory.work }
    private var plan: String { directory.plan }
    private var auditor: String { work + "/auditor" }

    /// The cell's file.
    func path(of cell: SweepCell) -> String { directory.file(of: cell.name) }

    /// Whether the cell was measured.
    func isDone(_ cell: SweepCell) -> Bool { directory.has(cell.name) }

    /// The settings that all cells of a sweep share; another sweep's cells must not be taken for this one's.
    private struct Settings: Codable, Equatable {
        var data: [String]
        var model: String
        var thinning: String
        var adapterBlocks: Int
        var publicData: String?
        var distillTokens: Int
        var rounds: Int
        var localSteps: Int
        var batch: Int
        var learningRate: Double
        var loraLearningRate: Double
        var maxLength: Int
        var template: String
        var suite: String?
        var planSeed: UInt64
        var isMasked: Bool
    }

    /// Draws the plan and the auditor's keys, or finds those of the sweep that is gone on with.
    ///
    /// - Throws: `CommandFailure` when the sweep there has other settings.
    func prepare(_ cells: [SweepCell]) throws {
        let settings = Settings(
            data: try command.data.map { try FileDigest.hexadecimal(of: $0) },
            model: BaseModelFiles.identity(try BaseModelFiles.digests(of: ModelFiles(path: command.model).checkpoint)),
            thinning: command.thinning.rawValue,
            adapterBlocks: command.adapterBlocks,
            publicData: try command.publicData.map { try FileDigest.hexadecimal(of: $0) },
            distillTokens: command.distillTokens,
            rounds: command.rounds,
            localSteps: command.localSteps,
            batch: command.batch,
            learningRate: command.learningRate,
            loraLearningRate: command.loraLearningRate,
            maxLength: command.maxLength,
            template: command.template,
            suite: try command.suite.map { try FileDigest.hexadecimal(of: $0) },
            planSeed: command.planSeed,
            isMasked: !command.noMasking
        )
        try directory.claim(settings, in: "sweep.json", kind: "sweep")
        try directory.drawPlan(data: command.data, seed: command.planSeed, by: program)
        if !FileManager.default.fileExists(atPath: auditor + ".card") {
            try program.run(["keygen", "auditor", "--no-passphrase"], in: work)
        }
    }

    /// Seconds that cells will take, from their arithmetic and this machine's speed; nil for an unusual model.
    func estimate(_ cells: [SweepCell]) throws -> Double? {
        let parameters = Double(model.parameters)
        let records = Double(try DrawnPlan.load(from: plan).plan.records.count)
        let holders = Double(command.data.count)
        let tokens = Double(command.maxLength) * 0.8
        let steps = Double(command.rounds * command.localSteps * command.batch) * holders
        let suite = try command.suite.map { try SuiteFile.read($0) } ?? AttackSuite()
        // Tuned and untuned, emulator and full model, and in each round the sum and each holder's own.
        let passes = 4 + Double(min(suite.observedRounds, command.rounds)) * 2
        let speed = ProductSpeed.measure(ComputePrecision.fastest)
        return cells.reduce(0) { sum, cell in
            let operations = 2 * parameters * tokens * (steps * 2.5 + records * passes * (0.5 + cell.ratio / 2))
            // Loading, compressing, sealing and the statistics are no products.
            return sum + operations / (0.6 * speed) + 60
        }
    }

    /// Compresses, tunes, attacks, and keeps the figures.
    func run(_ cell: SweepCell) throws {
        let emulator = "\(work)/emulator-r\(cell.ratio)-\(cell.placement.rawValue)-s\(cell.seed)"
        if !FileManager.default.fileExists(atPath: emulator) {
            try program.run(try compression(cell) + ["-o", emulator])
        }
        let run = "\(work)/\(cell.name)"
        let report = run + ".report"
        for leftover in [report] + (FileManager.default.fileExists(atPath: run + "/run.json") ? [] : [run]) {
            try? FileManager.default.removeItem(atPath: leftover)
        }
        let isStarted = FileManager.default.fileExists(atPath: run + "/run.json")
        try program.run(try tuning(cell, emulator) + (isStarted ? ["--resume"] : []) + ["-o", run])
        try program.run(
            [
                "audit", "run", run, "--model", command.model, "--identity", auditor + ".identity", "--title",
                cell.name, "--score-cache", work + "/scores", "--keep-ranks", "-o", report,
            ] + (command.suite.map { ["--suite", $0] } ?? []),
            accepting: [0, 2, 3, 4, 5]
        )
        guard let json = FileManager.default.contents(atPath: report + "/report.json") else {
            throw CommandFailure("\(report) holds no report; run the sweep again with --resume.")
        }
        var found = try AuditReport(json: json).condensed()
        for index in found.runs.indices {
            found.runs[index].name = cell.name
            found.runs[index].facts.sweep = cell
            found.runs[index].facts.details.removeAll { RunFacts.ofTheMachine.contains($0.label) }
        }
        // What differs from machine to machine, or from day to day, is no part of a cell.
        found.provenance = []
        try AtomicFile.write(try found.json(), to: path(of: cell))
        for leftover in [run, report] { try? FileManager.default.removeItem(atPath: leftover) }
        console.note("\(cell.name): \(found.verdict.headline)")
    }

    private func compression(_ cell: SweepCell) throws -> [String] {
        var arguments = ["compress", command.model, "--seed", "\(cell.seed)", "--report", "none"]
        arguments += ["--ledger", work + "/ledger.jsonl"]
        switch cell.placement {
        case .both: arguments += ["--bottom", "\(command.adapterBlocks)", "--top", "\(command.adapterBlocks)"]
        case .top: arguments += ["--bottom", "0", "--top", "\(2 * command.adapterBlocks)"]
        case .bottom: arguments += ["--bottom", "\(2 * command.adapterBlocks)", "--top", "0"]
        }
        if cell.ratio == 1 {
            arguments += ["--keep", "1"]
        } else if command.thinning == .drop {
            arguments += ["--keep", "\(cell.ratio)"]
        } else {
            arguments += model.thinningFlags(to: cell.ratio)
        }
        if let text = command.publicData, cell.ratio < 1 {
            arguments += PublicTextFlags.of(text, tokens: command.distillTokens, template: command.template)
        }
        return arguments
    }

    private func tuning(_ cell: SweepCell, _ emulator: String) throws -> [String] {
        let rank = try cell.rank()
        return [
            "tune", emulator, "--plan", plan, "--template", command.template, "--rounds", "\(command.rounds)",
            "--local-steps", "\(command.localSteps)", "--batch", "\(command.batch)", "--max-length",
            "\(command.maxLength)", "--seed", "\(cell.seed)", "--observe", auditor + ".card", "--lr",
            "\(rank == nil ? command.learningRate : command.loraLearningRate)",
        ] + (rank.map { ["--method", "lora", "--rank", "\($0)", "--alpha", "\(2 * $0)"] } ?? [])
            + (command.noMasking ? ["--no-masking"] : [])
    }
}
