import ReportPages

/// How much text was read out of single updates and of sums.
struct ReconstructionTable {
    private let results: [ReconstructionResult]
    private let twins: [VantagePoint]

    /// Nil when nothing was tried.
    init?(_ run: AuditReport.RunReport) {
        guard let results = run.reconstructions, !results.isEmpty else { return nil }
        self.results = results
        twins = run.facts.twins ?? []
    }

    var markup: Markup {
        let rows = results.map { row -> Markup in
            """
            <tr><td>\(row.vantage.rawValue)\(twins.contains(row.vantage) ? " (nobody)" : "")</td>\
            <td>\(row.holder ?? "the sum")</td><td class="n">\(row.round)</td>\
            <td class="n">\(row.isReadable ? Figure.count(row.tokens) : "none: too many tokens")</td>\
            <td class="n">\(Figure.count(row.sequences))</td><td class="n">\(Figure.count(row.exactMembers))</td>\
            <td class="n">\(Figure.count(row.exactHeldOut))</td>\
            <td class="n">\(Figure.decimal(row.rouge1, 2)), \(Figure.decimal(row.rouge2, 2))</td></tr>
            """
        }
        return """
            <h3>Text read out of updates</h3>
            <p>An update of the two lowest blocks spans the inputs that its records gave them. While a step has fewer tokens than \
            the model is wide, the tokens can be read off, and then the records, token by token (DAGER). Held-out records can be \
            found only where they agree with members word for word.</p>
            <div class="scroll"><table>
            <tr><th>seen by</th><th>update of</th><th class="n">round</th><th class="n">tokens found</th>\
            <th class="n">sequences</th><th class="n">members, exactly</th><th class="n">held out, exactly</th>\
            <th class="n">ROUGE-1, -2 of a sequence</th></tr>
            \(rows)
            </table></div>
            """
    }
}
