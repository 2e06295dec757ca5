import ArgumentParser
import AtomicFiles
import Audit
import Checkpoints
import Emulators
import Foundation
import LanguageModels
import Progress
import TensorEngine

extension SweepCell.Placement: ExpressibleByArgument {}

/// How an emulator of a given share of the middle is made.
enum SweepThinning: String, ExpressibleByArgument, CaseIterable {
    case width
    case drop
}

/// `fsot audit sweep`: leakage against compression ratio and adapter, all cells under the same coins.
struct AuditSweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Measure leakage against compression ratio and adapter: compress, tune and attack a grid of runs.",
        discussion: """
            All cells tune under one plan, so that they have the same coins. A finished cell is one small JSON file in \
            OUTPUT/cells; a sweep that is stopped, or started again with --resume, does only what is missing. Spread \
            cells over machines with --shard i/n, put their cells into one folder, and make the report with fsot audit merge.

            Example:
              fsot audit sweep --model model.gguf --data north.jsonl lake.jsonl --ratios 1,0.5,0.25 \
            --methods blocks,lora:8 -o sweep
            """
    )

    @Option(help: "The full model.")
    var model: String

    @Option(parsing: .upToNextOption, help: "One file = one data holder: JSONL (optionally gzip) or CSV.")
    var data: [String]

    @Option(help: "Shares of the middle's parameters that ship, with commas.")
    var ratios = "1,0.5,0.25"

    @Option(help: "What is tuned, with commas: blocks, lora:RANK.")
    var methods = "blocks,lora:8"

    @Option(help: "Where the adapter is, with commas: both, top, bottom.")
    var placement = "both"

    @Option(help: "Adapter blocks at either end; an adapter at one end alone has twice as many.")
    var adapterBlocks = 2

    @Option(help: "How many seeds; the grid is done for the first, then for the next.")
    var seeds = 1

    @Option(help: "How emulators are made: width (thinner blocks) or drop (fewer blocks).")
    var thinning: SweepThinning = .width

    @Option(help: "Public text to thin and distil on; without it weights alone decide.")
    var publicData: String?

    @Option(help: "Tokens to distil each emulator on, with --public-data.")
    var distillTokens = 0

    @Option(help: "Rounds of each run.")
    var rounds = 2

    @Option(help: "Optimizer steps of each data holder in a round.")
    var localSteps = 20

    @Option(help: "Records of an optimizer step.")
    var batch = 4

    @Option(name: .customLong("lr"), help: "Learning rate for blocks.")
    var learningRate = 1e-4

    @Option(name: .customLong("lora-lr"), help: "Learning rate for LoRA.")
    var loraLearningRate = 1e-3

    @Option(help: "Tokens of the longest record; longer ones are cut.")
    var maxLength = 128

    @Option(help: "How records become text: alpaca, chatml or plain.")
    var template = "alpaca"

    @Option(help: "The attack suite. (default: the built-in quick suite)")
    var suite: String?

    @Option(help: "Decides the coins, the same in all cells.")
    var planSeed: UInt64 = 1

    @Flag(
        help:
            "Send updates in the clear instead of under secure aggregation. The coordinator's view is recorded either way."
    )
    var noMasking = false

    @Option(help: "Do part I of N: 2/4.")
    var shard: String?

    @Flag(help: "Go on with the sweep in --output: cells that are there are taken over.")
    var resume = false

    @Option(name: .shortAndLong, help: "A new directory: cells/, and the report once all cells are there.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    /// What the model's blocks consist of; the model itself is not kept while others work on it.
    private func weights() throws -> BlockWeights {
        let files = try ModelFiles(path: model)
        return BlockWeights(
            of: try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: model)
        )
    }

    private func list(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func cells() throws -> [SweepCell] {
        let ratios = try list(ratios).map { text in
            guard let ratio = Double(text), ratio > 0, ratio <= 1 else {
                throw ValidationError("--ratios \(text) is not a share above 0 and at most 1")
            }
            return ratio
        }
        let placements = try list(placement).map { text in
            guard let placement = SweepCell.Placement(rawValue: text) else {
                throw ValidationError("--placement \(text) is not both, top or bottom")
            }
            return placement
        }
        let cells = SweepCell.grid(
            ratios: ratios,
            methods: list(methods),
            placements: placements,
            seeds: (1...UInt64(max(1, seeds))).map { $0 }
        )
        for cell in cells { _ = try cell.rank() }
        guard !cells.isEmpty, Set(cells).count == cells.count else {
            throw ValidationError("--ratios, --methods and --placement must name each value once, and at least one")
        }
        return cells
    }

    private func part() throws -> (index: Int, count: Int) {
        guard let shard else { return (1, 1) }
        let parts = shard.split(separator: "/").compactMap { Int($0) }
        guard parts.count == 2, parts[1] > 0, (1...parts[1]).contains(parts[0]) else {
            throw ValidationError("--shard \(shard) is not I/N, such as 2/4")
        }
        return (parts[0], parts[1])
    }

    func validate() throws {
        if adapterBlocks < 1 { throw ValidationError("--adapter-blocks \(adapterBlocks) is not positive") }
        if seeds < 1 { throw ValidationError("--seeds \(seeds) is not positive") }
        if distillTokens > 0, publicData == nil { throw ValidationError("--distill-tokens needs --public-data FILE") }
        _ = try cells()
        _ = try part()
    }

    func run() throws {
        let console = options.console
        if publicData == nil, try cells().contains(where: { $0.ratio < 1 }) {
            console.note(
                "no --public-data: blocks are thinned by their weights alone, and emulators will predict badly"
            )
        }
        if !resume, FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        let all = try cells()
        let (index, count) = try part()
        let runner = SweepRunner(command: self, model: try weights(), console: console)
        try runner.prepare(all)
        let mine = SweepCell.shard(all, index, of: count)
        let open = mine.filter { !runner.isDone($0) }
        console.note("\(mine.count) cells, \(mine.count - open.count) of them done")
        let clock = ContinuousClock.now
        for (number, cell) in open.enumerated() {
            try Interruption.check()
            if number > 0 {
                let seconds = (ContinuousClock.now - clock) / .seconds(1)
                let left = seconds / Double(number) * Double(open.count - number)
                console.note("\(number) of \(open.count) cells, about \(ProgressMeter.duration(left)) left")
            } else if let seconds = try runner.estimate(open) {
                console.note("\(open.count) cells will take about \(ProgressMeter.duration(seconds)) on this machine")
            }
            try runner.run(cell)
        }
        let missing = all.filter { !runner.isDone($0) }
        guard missing.isEmpty else {
            try console.result(
                "\(mine.count) cells are in \(output)/cells; \(missing.count) are missing (\(missing.prefix(3).map(\.name).joined(separator: ", "))…)",
                json: missing
            )
            return
        }
        var merge = try AuditMergeCommand.parse(
            all.map { runner.path(of: $0) } + ["-o", output + "/report", "--title", "Leakage against compression"]
                + (console.isQuiet ? ["--quiet"] : [])
        )
        try? FileManager.default.removeItem(atPath: output + "/report")
        try merge.run()
    }
}
