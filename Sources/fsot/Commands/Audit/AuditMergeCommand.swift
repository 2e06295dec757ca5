import ArgumentParser
import AtomicFiles
import Audit
import Foundation
import Sealing

/// `fsot audit merge`: the cells of a sweep, wherever they were made, as one report.
struct AuditMergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Make one report of the cells of a sweep, or of several reports on one plan.",
        discussion: """
            The order of the files does not matter, nor which machine made which: the same cells give the same bytes.

            Example:
              fsot audit merge sweep-1/cells/*.json sweep-2/cells/*.json -o report
            """
    )

    @Argument(help: "Cells of fsot audit sweep, or report.json files.")
    var reports: [String]

    @Option(help: "The report's heading.")
    var title = "Leakage against compression"

    @Option(help: "The auditor's identity, which signs report.json.")
    var sign: String?

    @OptionGroup var passphrase: PassphraseOptions

    @Option(name: .shortAndLong, help: "A new directory.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    mutating func run() throws {
        let staged = try StagedDirectory(destination: output)
        let found = try reports.map { path in
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure("Cannot read \(path); give cells of fsot audit sweep.")
            }
            do {
                return try AuditReport(json: data)
            } catch let error as AuditError {
                throw CommandFailure("\(path): \(error)")
            }
        }
        let report = try AuditReport.merging(
            found,
            title: title,
            provenance: [RunFacts.Detail("fsot", Fsot.configuration.version)]
        )
        let json = try report.json()
        try AtomicFile.write(json, to: staged.path + "/report.json")
        try AtomicFile.write(try ReportPage.render(reportJSON: json), to: staged.path + "/report.html")
        if let sign {
            try CMSSignature.sign(
                file: staged.path + "/report.json",
                by: IdentityFile.load(sign, passphrase: passphrase)
            )
        }
        try staged.commit()
        var table = Table(["run", "vantage", "strongest attack", "AUC", "95 % interval", "perplexity, held out"])
        for run in report.runs {
            for vantage in run.vantages {
                guard let best = vantage.attacks.max(by: { $0.auc < $1.auc }) else { continue }
                table.add([
                    run.name, vantage.vantage.rawValue, best.attack, String(format: "%.3f", best.auc),
                    String(format: "%.3f–%.3f", best.aucInterval.lower, best.aucInterval.upper),
                    String(format: "%.2f", vantage.fit.heldOutPerplexityAfter),
                ])
            }
        }
        try options.console.result(
            "\(table.text)\n\n\(report.verdict.headline)\nreport            \(output)/report.html",
            json: report
        )
    }
}
