import ReportPages

/// The strongest attack's AUC for every ratio and adapter of a sweep, one table a vantage point.
struct SweepGrid {
    private let runs: [(cell: SweepCell, run: AuditReport.RunReport)]

    /// Nil unless several cells of a sweep are there.
    init?(_ report: AuditReport) {
        runs = report.runs.compactMap { run in run.facts.sweep.map { ($0, run) } }
        if runs.count < 2 { return nil }
    }

    private struct Row: Hashable {
        var ratio: Double
        var placement: String
    }

    private var methods: [String] { unique(runs.map(\.cell.method)) }
    private var rows: [Row] { unique(runs.map { Row(ratio: $0.cell.ratio, placement: $0.cell.placement.rawValue) }) }

    private func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
        var seen: Set<Value> = []
        return values.filter { seen.insert($0).inserted }
    }

    var markup: Markup {
        let vantages = VantagePoint.allCases.filter { vantage in
            runs.contains { $0.run.vantages.contains { $0.vantage == vantage && !$0.attacks.isEmpty } }
        }
        return """
            <h2>Leakage by ratio and adapter</h2>
            <p>The largest AUC of any attack, and which; the darker, the more. With several seeds, the mean over them. The \
            held-out perplexity of the tuned model beside it: compare leakage only where utility is alike.</p>
            \(vantages.map(table))
            """
    }

    private func table(_ vantage: VantagePoint) -> Markup {
        let head = methods.map { "<th class=\"n\">\($0)</th>" as Markup }
        let lines = rows.map { row -> Markup in
            let cells = methods.map { cell(vantage, row, $0) }
            return "<tr><th>\(Figure.percent(row.ratio)), \(row.placement)</th>\(cells)</tr>"
        }
        return """
            <h4>\(vantage.rawValue): \(vantage.sees)\(isTwin(vantage) ? " (nobody had this view: the runs were masked)" : "")</h4>
            <div class="scroll"><table class="heat">
            <tr><th>middle shipped, adapter</th>\(head)</tr>
            \(lines)
            </table></div>
            """
    }

    private func isTwin(_ vantage: VantagePoint) -> Bool {
        runs.allSatisfy { $0.run.facts.twins?.contains(vantage) == true }
    }

    private func cell(_ vantage: VantagePoint, _ row: Row, _ method: String) -> Markup {
        let found = runs.filter {
            $0.cell.ratio == row.ratio && $0.cell.placement.rawValue == row.placement && $0.cell.method == method
        }.compactMap { entry -> (auc: Double, attack: String, perplexity: Double)? in
            guard let report = entry.run.vantages.first(where: { $0.vantage == vantage }),
                let best = report.attacks.max(by: { $0.auc < $1.auc })
            else { return nil }
            return (best.auc, best.attack, report.fit.heldOutPerplexityAfter)
        }
        guard let first = found.first else { return "<td class=\"n\"></td>" }
        let auc = found.reduce(0) { $0 + $1.auc } / Double(found.count)
        let perplexity = found.reduce(0) { $0 + $1.perplexity } / Double(found.count)
        // From 0.5, which is guessing, to 1; the text stays readable on all of them.
        let shade = Int((max(0, min(1, (auc - 0.5) * 2)) * 45).rounded())
        return """
            <td class="n" style="background:color-mix(in srgb, currentColor \(shade)%, transparent)">\
            <b>\(Figure.decimal(auc, 3))</b> \(first.attack)<br><small>perplexity \(Figure.decimal(perplexity, 2))\
            \(found.count > 1 ? ", \(found.count) seeds" : "")</small></td>
            """
    }
}
