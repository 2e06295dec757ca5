import Foundation
import ReportPages

/// The report as one self-contained HTML file: no script, no font, no picture from elsewhere.
public struct ReportPage {
    let report: AuditReport

    /// Renders a `report.json`: a pure function of its bytes, so that `fsot audit render --check` can compare files.
    ///
    /// - Throws: `AuditError.unreadableReport`.
    public static func render(reportJSON: Data) throws -> String {
        try ReportPage(report: AuditReport(json: reportJSON)).markup.html + "\n"
    }

    private var markup: Markup {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>\(report.title)</title>
        <style>
        \(PageStyle.css)
        </style>
        </head>
        <body>
        <header>
        <h1>\(report.title)</h1>
        <p class="lead">\(question)</p>
        </header>
        \(verdict)
        \(overview)
        \(report.runs.enumerated().map { RunSection(report: report, run: $1, number: $0 + 1).markup })
        \(Closing(report: report).markup)
        </body>
        </html>
        """
    }

    private var question: String {
        let isOwnerSide = report.runs.allSatisfy { $0.vantages.allSatisfy { $0.vantage == .recipient } }
        return isOwnerSide
            ? "Can someone who receives an emulator tell which records the owner's model was tuned on?"
            : "Can someone who holds the tuned adapter tell which records it was trained on?"
    }

    /// A sweep's figures first; of a few runs, the runs.
    private var overview: Markup {
        let runs: Markup = "\(SummaryTable(report: report).markup)\n\(UtilityTable(report: report).markup)"
        guard let grid = SweepGrid(report) else { return "\(runs)\n\(sweep)" }
        let differences: Markup = CellDifferences(report).map { "\n\($0.markup)" } ?? ""
        return "\(sweep)\n\(grid.markup)\(differences)\n\(MatchedUtility(report)?.markup ?? "")\n\(runs)"
    }

    /// Reasons in the banner; the tables have all of them.
    private static let shownReasons = 8

    private var verdict: Markup {
        let verdict = report.verdict
        let hidden = verdict.reasons.count - Self.shownReasons - 1
        // The last reason says what the policy is.
        let shown =
            hidden > 0 ? Array(verdict.reasons.prefix(Self.shownReasons)) + verdict.reasons.suffix(1) : verdict.reasons
        let more: Markup =
            hidden > 0 ? "<li>\(Figure.count(hidden)) more of this kind are in the tables below.</li>" : ""
        return """
            <section class="verdict \(verdict.outcome.rawValue)">
            <small>Verdict</small>
            <b>\(verdict.headline)</b>
            <ul>
            \(shown.map { "<li>\($0)</li>" as Markup })
            \(more)
            </ul>
            </section>
            """
    }

    private var sweep: Markup {
        guard let plot = SweepPlot(report) else { return "" }
        let vantages =
            plot.vantages.enumerated().map { color, vantage in
                Self.key("line c\(color)", "\(vantage.rawValue): \(plot.attacks[vantage] ?? "")")
            }
            + [Self.key("chance", "guessing"), Self.key("limit", "policy limit for an interval's lower end")]
        var figures: [Markup] = [
            """
            <figure>\(plot.leakage)<figcaption><ul class="legend">\(vantages)</ul>Leakage: AUC with its \
            95 % interval; at each vantage point the same attack in every run, the one that is strongest in any.</figcaption></figure>
            """
        ]
        if let utility = plot.utility {
            let models = plot.utilityModels.enumerated().map { Self.key("line c\($0 + 2)", $1) }
            figures.append(
                """
                <figure>\(utility)<figcaption><ul class="legend">\(models)</ul>Utility at the same ratios, with 95 % \
                intervals. Compare leakage only where utility is alike: a model that learned less also leaks less.</figcaption></figure>
                """
            )
        }
        let secret: Markup =
            plot.vantages == [.recipient]
            ? "that gives away of the owner’s own records" : "the tuned adapter then gives away"
        return """
            <h2>Leakage against compression</h2>
            <p>How much of the full model was shipped to the data holders, and what \(secret).</p>
            <div class="pair">
            \(figures)
            </div>
            \(comparisons)
            """
    }

    private static func key(_ style: Markup, _ name: String) -> Markup {
        "<li><svg class=\"key\" viewBox=\"0 0 22 8\"><path class=\"\(style)\" d=\"M1 4H21\"/></svg>\(name)</li>"
    }

    private var comparisons: Markup {
        // Those of a sweep have a section of their own.
        if SweepGrid(report) != nil, CellDifferences(report) != nil { return "" }
        let attacks = SweepPlot(report)?.attacks ?? [:]
        let shown = report.comparisons.filter { $0.attack == attacks[$0.vantage] }
        if shown.isEmpty { return "" }
        let rows = shown.map { row -> Markup in
            """
            <tr><td>\(row.vantage.rawValue)</td><td>\(row.attack)</td><td>\(row.first) minus \(row.second)</td>\
            <td class="n">\(Figure.signed(row.difference.value, 3))</td>\
            <td class="n">\(Figure.interval(row.difference.interval, 3))</td>\
            <td class="n">\(Figure.pValue(row.adjustedPValue))</td></tr>
            """
        }
        return """
            <h4>Runs compared on the same records (paired DeLong, p adjusted by Holm over all attacks and pairs)</h4>
            <div class="scroll"><table>
            <tr><th>vantage point</th><th>attack</th><th>runs</th><th class="n">AUC difference</th>\
            <th class="n">95 % interval</th><th class="n">adjusted p</th></tr>
            \(rows)
            </table></div>
            """
    }
}
