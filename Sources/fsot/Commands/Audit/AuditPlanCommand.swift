import ArgumentParser
import Audit
import Training

/// `fsot audit plan`: inclusion coins, drawn before training.
struct AuditPlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Draw who is trained on, before training, so that the audit's comparison is fair.",
        discussion: """
            A fair coin decides for each record, or for all records of a subject together, whether it is trained on. \
            fsot tune --plan trains on the included half; the audit compares it with the half held out.

            Example:
              fsot audit plan --data north.jsonl lake.jsonl hill.jsonl --seed 1 -o plan
              fsot tune emulator --plan plan -o run
              fsot audit run run --model model.gguf -o report
            """
    )

    @Option(parsing: .upToNextOption, help: "One file = one data holder: JSONL (optionally gzip) or CSV.")
    var data: [String]

    @Option(help: "Which CSV column feeds which key: instruction=Question,output=Answer.")
    var columns: String?

    @Option(help: "Decides the coins; keep it secret from whoever trains until the audit.")
    var seed: UInt64 = 0

    @Option(name: .shortAndLong, help: "A new directory.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func run() throws {
        let mapping = try columns.map { try ColumnMapping(parsing: $0) }
        let files = try data.map { try RecordFile.open($0, columns: mapping) }
        let drawn = try DrawnPlan.draw(files: files, seed: seed)
        try drawn.write(to: output)
        for warning in drawn.plan.warnings { options.console.warn(warning) }
        var table = Table(["holder", "records", "included", "held out"])
        for holder in drawn.plan.holders {
            table.add([holder.name, "\(holder.records)", "\(holder.included)", "\(holder.records - holder.included)"])
        }
        try options.console.result(
            "\(table.text)\n\(drawn.plan.coinCount) coins, \(drawn.plan.duplicateCount) duplicate records tied, in \(output)",
            json: drawn.plan
        )
    }
}
