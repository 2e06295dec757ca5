import ArgumentParser
import Foundation
import Progress
import SecureAggregation

/// `fsot bench aggregation`: what one round of secure aggregation costs, and that its sum is exact.
struct BenchAggregation: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregation",
        abstract: "Measure one round of secure aggregation on this machine.",
        discussion: """
            Plays one round of SA1 among made-up data holders in this process: every message as bytes, nothing over a \
            network. Prints the CPU time of a data holder and of the coordinator, what a data holder sends, and whether \
            the sum is exactly that of the vectors. Dropouts leave after they have shared their secrets, which costs the \
            coordinator most.

            --accuracy plays no round: it says how far the mean of heavy-tailed updates is from the exact one for each \
            number of bits, rounded as they are (plain) or rotated first, which pads to a power of two. Clipping is not \
            part of the error: the bound is the largest update's norm.

            Examples:
              fsot bench aggregation
              fsot bench aggregation --participants 10 --parameters 14000000 --dropout 0 --bits 24 --json
              fsot bench aggregation --accuracy --parameters 65536
            """
    )

    @Option(help: "Data holders, 3 to \(RoundHeader.maximumCohort).")
    var participants = 100

    @Option(help: "Coordinates of an update.")
    var parameters = 1_000_000

    @Option(help: "Share of the data holders that drop out, 0 to below 1.")
    var dropout = 0.1

    @Option(help: "Bits of a coordinate on the wire: 16, 24 or 32.")
    var bits = 32

    @Flag(help: "Rotate updates before they are rounded.")
    var rotate = false

    @Flag(help: "Tabulate the error of 16, 24 and 32 bits, plain and rotated, for 3, 10 and 100 data holders.")
    var accuracy = false

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        guard (3...RoundHeader.maximumCohort).contains(participants) else {
            throw ValidationError("--participants \(participants) is not between 3 and \(RoundHeader.maximumCohort)")
        }
        guard (1..<RoundHeader.maximumLength).contains(parameters) else {
            throw ValidationError("--parameters \(parameters) is not between 1 and \(RoundHeader.maximumLength - 1)")
        }
        guard dropout >= 0, dropout < 1 else {
            throw ValidationError("--dropout \(dropout) is not at least 0 and below 1")
        }
        guard RoundHeader.supportedBits.contains(bits) else {
            throw ValidationError("--bits \(bits) is not 16, 24 or 32")
        }
    }

    private struct Result: Encodable {
        var participants: Int
        var parameters: Int
        var bits: Int
        var rotated: Bool
        var dropouts: Int
        var threads: Int
        var exact: Bool
        var client_cpu_s: Double
        var client_cpu_max_s: Double
        var client_leg_cpu_s: [Double]
        var server_cpu_s: Double
        var server_leg_cpu_s: [Double]
        var server_unmask_wall_s: Double
        var upload_bytes: Int
        var peak_rss_bytes: Int
    }

    func run() throws {
        let console = options.console
        if accuracy { return try tabulateAccuracy(console) }
        let dropouts = Int((dropout * Double(participants)).rounded())
        let rehearsal: AggregationRehearsal
        do {
            rehearsal = try AggregationRehearsal(
                participants: participants,
                parameters: parameters,
                dropouts: dropouts,
                bits: bits,
                isRotated: rotate
            )
        } catch SecureAggregationError.tooFew(_, let count, let needed) {
            throw CommandFailure(
                "Of \(participants) data holders \(count) stay, but the round needs \(needed); lower --dropout \(dropout)."
            )
        }
        let display = console.progress()
        let figures = try rehearsal.play { leg, done in
            if Interruption.isRequested { throw CommandFailure("Stopped in leg \(leg).") }
            display.handler(
                ProgressEvent(
                    phase: "\(leg)",
                    completed: done + 1,
                    total: participants,
                    unit: "participants",
                    figures: []
                )
            )
        }
        display.finish()
        let result = Result(
            participants: participants,
            parameters: parameters,
            bits: bits,
            rotated: rotate,
            dropouts: dropouts,
            threads: ProcessInfo.processInfo.activeProcessorCount,
            exact: figures.isExact,
            client_cpu_s: figures.survivorMean.reduce(0, +),
            client_cpu_max_s: figures.participants.values.map { $0.reduce(0, +) }.max() ?? 0,
            client_leg_cpu_s: figures.survivorMean,
            server_cpu_s: figures.server.reduce(0, +),
            server_leg_cpu_s: figures.server,
            server_unmask_wall_s: figures.unmaskingSeconds,
            upload_bytes: figures.uploads.values.max() ?? 0,
            peak_rss_bytes: ProcessUsage.peakMemoryBytes
        )
        try console.result(Self.text(result), json: result)
        if !result.exact { throw CommandFailure("The sum is not that of the vectors; please report this as a bug.") }
    }

    private static func text(_ result: Result) -> String {
        var table = Table(["CPU seconds", "R0", "R1", "R2", "R3", "R4", "R5", "round"])
        for (name, legs, total) in [
            ("a data holder", result.client_leg_cpu_s, result.client_cpu_s),
            ("the coordinator", result.server_leg_cpu_s, result.server_cpu_s),
        ] { table.add([name] + (legs + [total]).map { String(format: "%.3f", $0) }) }
        let lines = [
            (
                "round",
                "\(result.participants) data holders, \(result.dropouts) dropped out after R1, "
                    + "\(Magnitude.text(result.parameters)) coordinates of \(result.bits) bits"
                    + (result.rotated ? ", rotated" : "")
            ),
            ("sum", result.exact ? "exact" : "WRONG"),
            ("upload", "\(Magnitude.bytes(result.upload_bytes)) a data holder"),
            (
                "unmasking",
                String(format: "%.2f s on the clock with ", result.server_unmask_wall_s)
                    + "\(result.threads) thread\(result.threads == 1 ? "" : "s")"
            ),
            ("memory", "\(Magnitude.bytes(result.peak_rss_bytes)) at the most, all parties together"),
        ]
        return lines.map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
            + "\n\n" + table.text
    }

    private func tabulateAccuracy(_ console: Console) throws {
        var rows: [QuantisationAccuracy] = []
        for participants in [3, 10, 100] {
            for bits in RoundHeader.supportedBits {
                for isRotated in [false, true] {
                    if Interruption.isRequested { throw CommandFailure("Stopped after \(rows.count) of 18 cells.") }
                    rows.append(
                        try QuantisationAccuracy(
                            participants: participants,
                            parameters: parameters,
                            bits: bits,
                            isRotated: isRotated,
                            seed: 1
                        )
                    )
                }
            }
        }
        var table = Table([
            "data holders", "bits", "rounding", "mean squared error", "error / mean", "vector",
        ])
        for row in rows {
            table.add([
                "\(row.participants)", "\(row.bits)", row.isRotated ? "rotated" : "plain",
                String(format: "%.2e", row.meanSquaredError), String(format: "%.5f %%", 100 * row.relativeError),
                Magnitude.bytes(row.vectorBytes),
            ])
        }
        try console.result(
            "\(Magnitude.text(parameters)) coordinates, heavy-tailed (Student, 3 degrees of freedom)\n\n" + table.text,
            json: rows
        )
    }
}
