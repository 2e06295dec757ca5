import ArgumentParser
import Audit
import Foundation
import Sealing

/// `fsot audit verify`: whether a report is its auditor's, and its page follows from its figures.
struct AuditVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a report's signature, and that its page follows from its figures.",
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
    }

    func run() throws {
        let file = report + "/report.json"
        let signer = try CMSSignature.verify(file: file, signer: try from.map { try IdentityCard(path: $0) })
        guard let json = FileManager.default.contents(atPath: file),
            FileManager.default.contents(atPath: report + "/report.html")
                == Data(try ReportPage.render(reportJSON: json).utf8)
        else {
            throw CommandFailure(
                "\(report)/report.html does not follow from report.json; trust the figures and not the page, or run fsot audit render \(report)."
            )
        }
        try options.console.result(
            """
            \(file)  signed by \(signer.name)\(from == nil ? "; compare the fingerprint with the auditor" : "")
            fingerprint       \(signer.fingerprint)
            report.html       follows from it, byte for byte
            """,
            json: Result(report: report, signer: signer.name, fingerprint: signer.fingerprint, isNamed: from != nil)
        )
    }
}
