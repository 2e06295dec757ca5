import ArgumentParser
import Audit
import Cryptography
import Foundation
import Sealing

/// `fsot audit verify`: whether a report is its auditor's, and its page follows from its figures.
struct AuditVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a report's signature, and that its page and scores belong to its figures.",
        discussion: """
            Without --from the signature must only be consistent, and the signer's fingerprint is printed: compare it \
            with the auditor. The signature is CMS, so that openssl cms -verify checks it as well.

            Example:
              fsot audit verify report --from auditor.card
            """
    )

    @Argument(help: "A report directory.")
    var report: String

    @Option(help: "The auditor's card: any other signer is an error.")
    var from: String?

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var report: String
        var signer: String
        var fingerprint: String
        var isNamed: Bool
        var scores: String
    }

    func run() throws {
        let file = report + "/report.json"
        guard FileManager.default.fileExists(atPath: file) else {
            throw CommandFailure("There is no \(file); give the directory that fsot audit run or merge wrote.")
        }
        guard FileManager.default.fileExists(atPath: file + ".p7s") else {
            throw CommandFailure(
                "\(report) is not signed; ask the auditor for report.json.p7s, or make the report with --sign."
            )
        }
        let signer = try CMSSignature.verify(file: file, signer: try from.map { try IdentityCard(path: $0) })
        guard let json = FileManager.default.contents(atPath: file),
            FileManager.default.contents(atPath: report + "/report.html")
                == Data(try ReportPage.render(reportJSON: json).utf8)
        else {
            throw CommandFailure(
                "\(report)/report.html does not follow from report.json; trust the figures and not the page, or run fsot audit render \(report)."
            )
        }
        let scores = try scores(boundBy: AuditReport(json: json))
        try options.console.result(
            """
            \(file)  signed by \(signer.name)\(from == nil ? "; compare the fingerprint with the auditor" : "")
            fingerprint       \(signer.fingerprint)
            report.html       follows from it, byte for byte
            scores.csv        \(scores.rawValue)
            """,
            json: Result(
                report: report,
                signer: signer.name,
                fingerprint: signer.fingerprint,
                isNamed: from != nil,
                scores: scores.rawValue
            )
        )
    }

    private enum Scores: String {
        case bound = "is the one that it was made from"
        case absent = "not here"
        case unbound = "not covered by the signature: the report does not name its digest"
    }

    /// - Throws: `CommandFailure` for scores that are not the signed report's.
    private func scores(boundBy signed: AuditReport) throws -> Scores {
        let path = report + "/scores.csv"
        guard let bytes = FileManager.default.contents(atPath: path) else { return .absent }
        guard let digest = signed.scoresDigest else { return .unbound }
        guard SHA256.digest([UInt8](bytes)).hexadecimal == digest else {
            throw CommandFailure(
                "\(path) was changed: report.json was made from other scores; obtain it again from the auditor."
            )
        }
        return .bound
    }
}
