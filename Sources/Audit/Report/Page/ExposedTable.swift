import ReportPages

/// The members that stand out most, by salted id.
struct ExposedTable {
    private let records: [ExposedRecord]
    private let counts: AuditReport.Counts

    /// Nil when none is named.
    init?(_ run: AuditReport.RunReport) {
        guard let exposed = run.exposed, !exposed.isEmpty else { return nil }
        records = exposed
        counts = run.counts
    }

    var markup: Markup {
        let rows = records.map { record -> Markup in
            """
            <tr><td><code>\(record.record)</code></td><td>\(record.holder)</td><td>\(record.vantage.rawValue)</td>\
            <td>\(record.attack)</td><td class="n">\(Figure.percent(record.percentile))</td>\
            <td class="n">\(Figure.signed(record.deviations, 1))</td></tr>
            """
        }
        return """
            <h3>The most exposed records</h3>
            <p>Members whose scores stand highest above the held-out records’, by the strongest attack of any vantage point: \
            the holder of the plan finds them by these salted ids, others learn nothing from them. Some record is always the \
            first: where nothing leaks, about \(Figure.count(chance)) of the \(Figure.count(counts.members)) members stand \
            above all \(Figure.count(counts.heldOut)) held-out records at one vantage point by chance.</p>
            <div class="scroll"><table>
            <tr><th>record</th><th>data holder</th><th>seen by</th><th>attack</th><th class="n">above of the held-out records</th>\
            <th class="n">standard deviations above their mean</th></tr>
            \(rows)
            </table></div>
            """
    }

    /// Of m members among h exchangeable others, m/(h + 1) are expected above all h.
    private var chance: Int { Int((Double(counts.members) / Double(counts.heldOut + 1)).rounded()) }
}
