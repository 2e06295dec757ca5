import ReportPages

/// The attacks on an adapter that gives its members away on purpose: whether they can see anything at all.
struct PositiveControlView {
    let control: AuditReport.PositiveControl
    /// The AUC below which silence elsewhere says nothing.
    let limit: Double

    var markup: Markup {
        let rows = control.attacks.map { result -> Markup in
            """
            <tr><td>\(result.attack)</td><td class="n">\(Figure.decimal(result.auc, 3))<br>\
            <small>\(Figure.interval(result.aucInterval, 3))</small></td>\
            \(result.truePositiveRates.map { "<td class=\"n\">\(RateCell.markup($0))</td>" as Markup })</tr>
            """
        }
        let levels = (control.attacks.first?.truePositiveRates ?? []).map { rate -> Markup in
            "<th class=\"n\">caught at \(Figure.percent(rate.falsePositiveRate))</th>"
        }
        return """
            <h3>Positive control</h3>
            <p>\(control.description) Attacks that work find its members; \(conclusion) The members’ perplexity went from \
            \(Figure.measure(control.fit.memberPerplexityBefore)) to \(Figure.measure(control.fit.memberPerplexityAfter)), that \
            of held-out records from \(Figure.measure(control.fit.heldOutPerplexityBefore)) to \
            \(Figure.measure(control.fit.heldOutPerplexityAfter)).</p>
            <div class="scroll"><table>
            <tr><th>attack</th><th class="n">AUC</th>\(levels)</tr>
            \(rows)
            </table></div>
            """
    }

    private var conclusion: String {
        guard let strongest = control.strongest else { return "none of this suite had the evidence for it." }
        let auc = "\(strongest.attack) reaches AUC \(Figure.decimal(strongest.auc, 3))"
        return strongest.auc >= limit
            ? "\(auc) here, so silence above is evidence."
            : "\(auc) only, below \(Figure.decimal(limit, 2)), so silence above says nothing."
    }
}
