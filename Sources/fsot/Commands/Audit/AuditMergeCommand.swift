import ArgumentParser
import AtomicFiles
import Audit
import Federation
import Foundation
import Sealing

/// `fsot audit merge`: the cells of a sweep, or the scores of data holders who share nothing else, as one report.
struct AuditMergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract:
            "Make one report of data holders' scores, of the cells of a sweep, or of several reports on one plan.",
        discussion: """
            The order of the files does not matter, nor which machine made which: the same files give the same bytes.

            Scores of fsot audit score are checked against the roots that run.json recorded before round 1: an altered coin, \
            a missing record, another suite or adapter is refused. Signatures beside them are checked too. Exit code as for \
            fsot audit run: 0 nothing found, 2 leakage above policy, 3 the split is not valid, 4 inconclusive, 5 a \
            stated ε is refuted. Of cells and reports the verdict does not count, and --fail-if does.

            Examples:
              fsot audit merge north.scores.json lake.scores.json hill.scores.json --run-commitments run/run.json -o report
              fsot audit merge sweep-1/cells/*.json sweep-2/cells/*.json -o report
            """
    )

    @Argument(help: "Exports of fsot audit score; or cells of fsot audit sweep, or report.json files.")
    var reports: [String]

    @Option(help: "The run.json that recorded the data holders' roots before round 1, for exports of fsot audit score.")
    var runCommitments: String?

    @Option(parsing: .upToNextOption, help: "The data holders' cards: exports have to be signed by one of them.")
    var from: [String] = []

    @Option(help: "The report's heading. (default: what the files are about)")
    var title: String?

    @OptionGroup var failure: FailureOptions

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
                throw CommandFailure(
                    "Cannot read \(path); give exports of fsot audit score, or cells of fsot audit sweep."
                )
            }
            return (path: path, data: data)
        }
        let exports = found.filter { ExchangeFile.schema(of: $0.data) == ScoreExport.currentSchema }
        let signer = try sign.map { try IdentityFile.load($0, passphrase: passphrase) }
        if exports.isEmpty {
            if runCommitments != nil || !from.isEmpty {
                throw CommandFailure(
                    "--run-commitments and --from are for exports of fsot audit score, and \(reports[0]) is none; leave them out."
                )
            }
            let report = try mergedReport(found)
            let conditions = try failure.conditions(measuredBy: report.suite)
            try write(report, to: staged, signer: signer)
            try staged.commit()
            try printSweep(report)
            // A sweep is made to leak at some ratios: only what was asked for counts.
            try conditions.finish(report, code: 0, console: options.console)
        } else {
            if let other = found.first(where: { ExchangeFile.schema(of: $0.data) != ScoreExport.currentSchema }) {
                guard let schema = ExchangeFile.schema(of: other.data) else {
                    throw CommandFailure(
                        "\(other.path) is not JSON with a schema (JSON has no NaN, for one); obtain it again from its sender."
                    )
                }
                throw CommandFailure(
                    "\(other.path) has the schema \(schema) and \(exports[0].path) \(ScoreExport.currentSchema); "
                        + "merge one kind at a time."
                )
            }
            let outcome = try mergedScores(exports)
            let conditions = try failure.conditions(measuredBy: outcome.report.suite)
            try write(outcome.report, to: staged, signer: signer)
            try AtomicFile.write(outcome.scoresCSV, to: staged.path + "/scores.csv", permissions: 0o600)
            try staged.commit()
            try options.console.result(
                ([outcome.report.attackTable, outcome.report.coverageTable] + outcome.report.canaryTables
                    + ["\(outcome.report.conclusion)\nreport            \(output)/report.html"])
                    .joined(separator: "\n\n"),
                json: outcome.report
            )
            try conditions.finish(outcome.report, code: outcome.report.verdict.exitCode, console: options.console)
        }
    }

    private func mergedReport(_ found: [(path: String, data: Data)]) throws -> AuditReport {
        try AuditReport.merging(
            found.map { path, data in
                do {
                    return try AuditReport(json: data)
                } catch let error as AuditError {
                    throw CommandFailure("\(path): \(error)")
                }
            },
            title: title ?? "Leakage against compression",
            provenance: [RunFacts.Detail("fsot", Fsot.configuration.version)]
        )
    }

    private func mergedScores(_ found: [(path: String, data: Data)]) throws -> AuditOutcome {
        let console = options.console
        guard let runCommitments else {
            throw CommandFailure(
                "Scores mean something only against what was committed to; give --run-commitments RUN/run.json."
            )
        }
        let isFile = (runCommitments as NSString).lastPathComponent == "run.json"
        let directory = isFile ? AtomicFile.directory(of: runCommitments) : runCommitments
        let description = try RunDirectory.description(at: directory)
        guard description.commitments?.isEmpty == false else {
            throw CommandFailure(
                "\(directory)/run.json recorded no roots before round 1; tune with --plan and this version of fsot."
            )
        }
        let cards = try from.map { try IdentityCard(path: $0) }
        var provenance = [RunFacts.Detail("fsot", Fsot.configuration.version)]
        let exports = try found.map { path, data in
            let export = try ScoreExport(json: data, path: path)
            let holders = export.holders.joined(separator: ", ")
            if let signer = try SealedExchange.signer(of: path, among: cards) {
                provenance.append(
                    RunFacts.Detail(
                        "scores of \(holders)",
                        "signed by \(signer.name), fingerprint \(signer.fingerprint)"
                    )
                )
            } else {
                provenance.append(RunFacts.Detail("scores of \(holders)", "not signed"))
                console.note("\(path) is not signed: whoever could write it could have scored otherwise")
            }
            return (path: path, export: export)
        }
        let absent = ScoreExport.absentHolders(exports.map(\.export), of: description)
        if !absent.isEmpty {
            console.warn("no scores of \(absent.joined(separator: ", ")): the report is about the others only")
        }
        let display = console.progress()
        defer { display.finish() }
        return try Audit.merge(
            exports,
            of: description,
            name: (URL(fileURLWithPath: directory).standardizedFileURL.path as NSString).lastPathComponent,
            facts: RunFacts(
                ofFederation: description,
                rounds: RunDirectory.records(at: directory),
                exports.map(\.export)
            ),
            title: title ?? "Membership audit of a federation",
            provenance: provenance.sorted { $0.label < $1.label },
            progress: display.handler
        )
    }

    private func write(_ report: AuditReport, to staged: StagedDirectory, signer: Identity?) throws {
        let json = try report.json()
        try AtomicFile.write(json, to: staged.path + "/report.json")
        try AtomicFile.write(try ReportPage.render(reportJSON: json), to: staged.path + "/report.html")
        if let signer { try CMSSignature.sign(file: staged.path + "/report.json", by: signer) }
    }

    private func printSweep(_ report: AuditReport) throws {
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
        var differences = Table(["vantage", "attack", "cell", "difference to", "AUC", "95 % interval", "adjusted p"])
        for row in report.comparisons {
            differences.add([
                row.vantage.rawValue, row.attack, row.first, row.second, String(format: "%+.3f", row.difference.value),
                String(format: "%+.3f to %+.3f", row.difference.interval.lower, row.difference.interval.upper),
                String(format: row.adjustedPValue < 0.001 ? "%.0e" : "%.3f", row.adjustedPValue),
            ])
        }
        let compared = report.comparisons.isEmpty ? "" : "\(differences.text)\n\n"
        try options.console.result(
            "\(table.text)\n\n\(compared)\(report.verdict.headline)\nreport            \(output)/report.html",
            json: report
        )
    }
}
