import Foundation
import ReportPages

/// The owner's report as one self-contained HTML file: no script, no font, no picture from elsewhere.
public struct ReleasePage {
    /// The file's name in `OUTPUT.owner/`.
    public static let fileName = "report.html"

    let report: ReleaseReport

    init(_ report: ReleaseReport) { self.report = report }

    /// Renders a `report.json`: a pure function of its bytes.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func render(reportJSON: Data) throws -> String {
        guard let report = ReleaseReport(json: reportJSON) else {
            throw EmulatorError.invalidDescription(path: ReleaseReport.fileName, reason: "it is damaged")
        }
        return ReleasePage(report).html
    }

    /// The whole file.
    var html: String { markup.html + "\n" }

    private var title: String { "Release \(report.release.releaseID.prefix(8))" }

    private var markup: Markup {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>\(title)</title>
        <style>
        \(PageStyle.css)
        </style>
        </head>
        <body>
        <header>
        <h1>\(title)</h1>
        <p class="lead">What this emulator of \(report.release.model) gives the data holders, and what it gives away. For the
        owner only: it names the layers that were kept.</p>
        </header>
        \(verdict)
        \(ReleaseSizes(report: report).markup)
        \(report.probe.map { ProbeSection(probe: $0).markup } ?? "")
        \(report.recovery.map { RecoverySection(recovery: $0).markup } ?? "")
        \(policy)
        \(closing)
        </body>
        </html>
        """
    }

    private var verdict: Markup {
        let warnings = report.warnings
        let style: Markup = !report.violations.isEmpty ? "leakage" : warnings.isEmpty ? "none_found" : "inconclusive"
        let headline =
            warnings.isEmpty
            ? "Nothing to warn of in what was measured"
            : "\(warnings.count) thing\(warnings.count == 1 ? "" : "s") to think about before releasing"
        return """
            <section class="verdict \(style)">
            <small>\(report.depth == .full ? "Full report" : "Quick report")</small>
            <b>\(headline)</b>
            <ul>
            \(warnings.map { "<li>\($0)</li>" as Markup })
            \(report.riskAccepted ? "<li>The owner accepted this risk (--accept-risk).</li>" as Markup : "")
            </ul>
            </section>
            """
    }

    private var policy: Markup {
        guard let policy = report.policy else { return "" }
        let broken = Dictionary(report.violations.map { ($0.line, $0) }) { first, _ in first }
        let rows = policy.lines.map { line -> Markup in
            let found = broken[line.key.rawValue]
            let outcome = found.map { $0.found == nil ? "not measured" : "broken" } ?? "kept"
            return """
                <tr><td>\(line.key.rawValue)</td><td class="n">\(Figure.tick(line.limit))</td><td>\(outcome)</td></tr>
                """
        }
        return """
            <h2>The owner's policy</h2>
            <div class="scroll"><table>
            <tr><th>line</th><th class="n">limit</th><th>this release</th></tr>
            \(rows)
            </table></div>
            """
    }

    private var closing: Markup {
        """
        <h2>What is promised, and what is not</h2>
        <div class="limits">
        <div><h4>Promised</h4><ul><li>Only named recipients open a sealed emulator; its bytes are the owner's, whole and
        unmodified.</li><li>The middle of the full model is not in it as a whole: the shares above say how much of it is.</li></ul></div>
        <div><h4>Not promised</h4><ul><li>A recipient can copy what it was given.</li><li>There is no revocation of plaintext
        and no digital rights management.</li></ul></div>
        <div><h4>Not tested here</h4><ul><li>Attackers with more text, more compute or a public model of the same family.</li>
        <li>Attackers who may query the plugged-in model.</li><li>What distillation carries over of the full model's own training
        data.</li></ul></div>
        </div>
        <footer><div>\(report.release.date), seed \(Int(clamping: report.release.seed))</div>
        <div>Rendered from report.json (\(report.schema)) alone; the same JSON gives the same bytes.</div></footer>
        """
    }
}
