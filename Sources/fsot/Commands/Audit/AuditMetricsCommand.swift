import ArgumentParser
import Audit
import Foundation

/// `fsot audit metrics`: the audit's statistics for anybody's scores.
struct AuditMetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Give the audit's statistics for scores that another tool made.",
        discussion: """
            Each file is CSV with a header and a column score; higher means more likely a member, and the orientation is \
            never chosen from the data. The AUC is Mann-Whitney's with mid-ranks, its interval DeLong's on the logit scale; \
            true-positive rates are those of the best threshold whose false-positive rate does not exceed the level.

            Example:
              fsot audit metrics --members m.csv --nonmembers n.csv
            """
    )

    @Option(help: "Scores of records that were trained on.")
    var members: String

    @Option(help: "Scores of records that were not.")
    var nonmembers: String

    @Option(help: "Resamples behind the intervals of the true-positive rates.")
    var replicates = 2_000

    @Option(help: "Decides the resamples.")
    var seed: UInt64 = 0

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if replicates < 1 { throw ValidationError("--replicates \(replicates) is not positive") }
    }

    func run() throws {
        let sample = try LabelledScores(members: ScoreFile.read(members), heldOut: ScoreFile.read(nonmembers))
        let metrics = ScoreMetrics(sample, replicates: replicates, seed: seed)
        var table = Table(["false alarms", "members caught", "95 % interval", ""])
        for level in ScoreMetrics.levels {
            let interval = metrics.truePositiveRateIntervals[level] ?? [0, 1]
            table.add([
                level, String(format: "%.4f", metrics.truePositiveRates[level] ?? 0),
                String(format: "%.4f–%.4f", interval[0], interval[1]),
                (Double(level) ?? 0) < metrics.smallestFalsePositiveRate ? "too few non-members to say" : "",
            ])
        }
        let lines = [
            "records           \(metrics.members) members, \(metrics.nonmembers) non-members",
            String(
                format: "AUC               %.4f (95 %% interval %.4f–%.4f), p = %.2g",
                metrics.auc,
                metrics.aucInterval[0],
                metrics.aucInterval[1],
                metrics.pValue
            ),
            String(format: "smallest AUC that so many records tell from chance: %.3f", metrics.smallestDetectableAUC),
            table.text,
        ]
        try options.console.result(lines.joined(separator: "\n"), json: metrics)
    }
}
