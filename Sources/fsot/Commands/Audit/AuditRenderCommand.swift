import ArgumentParser
import AtomicFiles
import Audit
import Foundation

/// `fsot audit render`: the page again from the figures, or the proof that it follows from them.
struct AuditRenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Make report.html from report.json, or check that it follows from it.",
        discussion: """
            Example:
              fsot audit render report
              fsot audit render report --check
            """
    )

    @Argument(help: "A report directory.")
    var report: String

    @Flag(help: "Change nothing; fail when report.html differs from what report.json gives.")
    var check = false

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var page: String
        var isUnchanged: Bool
    }

    func run() throws {
        let jsonPath = report + "/report.json"
        let pagePath = report + "/report.html"
        guard let json = FileManager.default.contents(atPath: jsonPath) else {
            throw CommandFailure("Cannot read \(jsonPath); give the directory that fsot audit run wrote.")
        }
        let page = try ReportPage.render(reportJSON: json)
        let current = FileManager.default.contents(atPath: pagePath)
        let isUnchanged = current == Data(page.utf8)
        if check {
            guard isUnchanged else {
                throw CommandFailure(
                    "\(pagePath) does not follow from \(jsonPath); run fsot audit render \(report) to make it again."
                )
            }
        } else if !isUnchanged {
            try AtomicFile.write(page, to: pagePath)
        }
        try options.console.result(
            check ? "\(pagePath) follows from \(jsonPath), byte for byte" : pagePath,
            json: Result(page: pagePath, isUnchanged: isUnchanged)
        )
    }
}
