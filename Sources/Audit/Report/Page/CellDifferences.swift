import ReportPages

/// Whether two cells of a sweep leak differently, or chance alone may have made their figures differ.
struct CellDifferences {
    private let report: AuditReport
    private let rows: [AuditReport.RunComparison]

    /// Nil unless cells were compared.
    init?(_ report: AuditReport) {
        let cells = Set(report.runs.filter { $0.facts.sweep != nil }.map(\.name))
        rows = report.comparisons.filter { cells.contains($0.first) && cells.contains($0.second) }
        if rows.isEmpty { return nil }
        self.report = report
    }

    var markup: Markup {
        """
        <h2>Which differences are differences</h2>
        <p>All cells were attacked on the same records under the same coins. Each is compared with the cell of the same seed that \
        ships most, with whole blocks, and with the adapter at both ends, by paired DeLong on the records’ ranks: AUCs of the \
        same records move together, and the interval of their difference is narrower than their own intervals look. One attack a \
        vantage point: of those that every cell kept ranks of, the one with the largest AUC in any; p is two-sided and adjusted by Holm for all rows. An interval \
        that holds 0 is no proof that two cells leak alike.</p>
        <div class="scroll"><table>
        <tr><th>seen from</th><th>attack</th><th>cell</th><th class="n">AUC</th><th>difference to</th><th class="n">AUC</th>\
        <th class="n">difference</th><th class="n">95 % interval</th><th class="n">adjusted p</th></tr>
        \(rows.map(row))
        </table></div>
        <p class="quiet">Cells that kept no ranks, or whose scored records are not the same, have no row.</p>
        """
    }

    private func row(_ row: AuditReport.RunComparison) -> Markup {
        """
        <tr><td>\(row.vantage.rawValue)\(twin(row))</td><td>\(row.attack)</td><td class="name">\(row.first)</td>\
        <td class="n">\(auc(row.first, row))</td><td class="name">\(row.second)</td><td class="n">\(auc(row.second, row))</td>\
        <td class="n">\(Figure.signed(row.difference.value, 3))</td>\
        <td class="n">\(Figure.interval(row.difference.interval, 3))</td>\
        <td class="n">\(Figure.pValue(row.adjustedPValue))</td></tr>
        """
    }

    /// In masked runs, a simulation alone has the view of single updates.
    private func twin(_ row: AuditReport.RunComparison) -> Markup {
        let isTwin = report.runs.contains { $0.name == row.first && $0.facts.twins?.contains(row.vantage) == true }
        return isTwin ? "<br><small>nobody saw this</small>" : ""
    }

    private func auc(_ name: String, _ row: AuditReport.RunComparison) -> String {
        let run = report.runs.first { $0.name == name }
        let view = run?.vantages.first { $0.vantage == row.vantage }
        return view?.attacks.first { $0.attack == row.attack }.map { Figure.decimal($0.auc, 3) } ?? "–"
    }
}
