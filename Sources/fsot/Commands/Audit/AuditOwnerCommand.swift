import ArgumentParser
import AtomicFiles
import Audit
import Emulators
import Foundation
import LanguageModels
import Progress
import TensorEngine

/// `fsot audit owner`: does compression keep the owner's own training records out of the emulator?
struct AuditOwnerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "owner",
        abstract:
            "Tune a model on records of the owner's, compress it, and attack the emulators: what do recipients learn of them?",
        discussion: """
            A coin decides for each record whether the model is tuned on it. All blocks but one are tuned, as an owner \
            would before offsite-tuning begins. Then the model is compressed to each ratio in up to three ways, and every \
            emulator is asked which records it knows. Ratio 1 is the tuned model itself: what nobody ever ships, and what \
            the emulators are compared with. A finished cell is one small JSON file in OUTPUT/cells; --resume does what is \
            missing.

            Example:
              fsot audit owner --model model.gguf --data owned.jsonl --ratios 1,0.5,0.25 --public-data public.jsonl \
            -o owner-side
            """
    )

    @Option(help: "The public model that the owner begins with.")
    var model: String

    @Option(help: "The owner's records, one file: JSONL (optionally gzip) or CSV.")
    var data: String

    @Option(help: "Shares of the middle's parameters that ship, with commas; 1 is the tuned model itself.")
    var ratios = "1,0.5,0.25"

    @Option(
        help:
            "How emulators are made, with commas: dropped (fewer blocks), thinned (thinner blocks), distilled (thinner, then distilled on --public-data)."
    )
    var ways = "dropped,thinned,distilled"

    @Option(help: "Adapter blocks at either end of the emulators.")
    var adapterBlocks = 2

    @Option(help: "Public text to thin and distil on.")
    var publicData: String

    @Option(help: "Tokens to distil on.")
    var distillTokens = 32768

    @Option(help: "Optimizer steps of the owner's tuning.")
    var steps = 200

    @Option(help: "Records of an optimizer step.")
    var batch = 8

    @Option(name: .customLong("lr"), help: "Learning rate of the owner's tuning.")
    var learningRate = 1e-4

    @Option(help: "Tokens of the longest record; longer ones are cut.")
    var maxLength = 128

    @Option(help: "How records become text: alpaca, chatml or plain.")
    var template = "plain"

    @Option(help: "The attack suite. (default: what needs one model and its origin)")
    var suite: String?

    @Option(help: "Decides the coins and the tuning.")
    var seed: UInt64 = 1

    @Flag(help: "Go on with the measurement in --output: cells that are there are taken over.")
    var resume = false

    @Option(name: .shortAndLong, help: "A new directory: cells/, and the report once all cells are there.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private func cells() throws -> [OwnerSideCell] {
        let ratios = try ratios.split(separator: ",").map { text in
            guard let ratio = Double(text.trimmingCharacters(in: .whitespaces)), ratio > 0, ratio <= 1 else {
                throw ValidationError("--ratios \(text) is not a share above 0 and at most 1")
            }
            return ratio
        }
        let ways = try ways.split(separator: ",").map { text in
            guard let way = OwnerSideCell.Way(rawValue: text.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("--ways \(text) is not dropped, thinned or distilled")
            }
            return way
        }
        let cells = ratios.flatMap { ratio in ways.map { OwnerSideCell(ratio: ratio, way: $0) } }
        guard !cells.isEmpty, Set(cells).count == cells.count else {
            throw ValidationError("--ratios and --ways must name each value once, and at least one")
        }
        return cells
    }

    func validate() throws {
        for (name, value) in [("--adapter-blocks", adapterBlocks), ("--steps", steps), ("--batch", batch)]
        where value < 1 {
            throw ValidationError("\(name) \(value) is not positive")
        }
        if distillTokens < 0 { throw ValidationError("--distill-tokens \(distillTokens) is negative") }
        _ = try cells()
    }

    func run() throws {
        let console = options.console
        if !resume, FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        let cells = try cells()
        let measurement = OwnerSideMeasurement(command: self, console: console)
        try measurement.prepare()
        for (number, cell) in cells.enumerated() where !measurement.isDone(cell) {
            try Interruption.check()
            console.note("\(cell.name): cell \(number + 1) of \(cells.count)")
            try measurement.run(cell)
        }
        var merge = try AuditMergeCommand.parse(
            cells.map { measurement.path(of: $0) } + [
                "-o", output + "/report", "--title", "The owner's own records in its emulators",
            ] + (console.isQuiet ? ["--quiet"] : [])
        )
        try? FileManager.default.removeItem(atPath: output + "/report")
        try merge.run()
    }
}
