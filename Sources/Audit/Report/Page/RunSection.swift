/// Everything about one run.
struct RunSection {
    let report: AuditReport
    let run: AuditReport.RunReport
    let number: Int

    var markup: Markup {
        """
        <h2>Run \(number): \(run.name)</h2>
        \(cards)
        \(details)
        \(coordinator)
        \(holders)
        \(run.vantages.map(vantage))
        """
    }

    private var cards: Markup {
        let facts = run.facts
        let entries: [(String, String?)] = [
            ("shipped / full parameters", facts.compressionRatio.map(Figure.percent)),
            ("middle blocks kept", facts.middleKept.map(Figure.percent)),
            ("full model", facts.fullParameters.map { "\(Figure.count($0)) parameters" }),
            ("emulator", facts.shippedParameters.map { "\(Figure.count($0)) parameters" }),
            ("adapter", facts.adapterParameters.map { "\(Figure.count($0)) parameters" }),
            ("adapter file", facts.adapterBytes.map(Figure.bytes)),
            ("emulator as shipped", facts.emulatorBytes.map(Figure.bytes)),
            ("crossed a wire in all", facts.wireBytes.map(Figure.bytes)),
        ]
        return cards(of: entries.compactMap { label, value in value.map { (label, $0) } })
    }

    private var details: Markup {
        let utility = run.facts.utility.map { ("\($0.model): \($0.measure)", Figure.decimal($0.value, 3)) }
        let rows = (run.facts.details.map { ($0.label, $0.value) } + utility).map { label, value -> Markup in
            "<tr><td>\(label)</td><td>\(value)</td></tr>"
        }
        return rows.isEmpty ? "" : "<div class=\"scroll\"><table>\(rows)</table></div>"
    }

    private var coordinator: Markup {
        if run.facts.coordinatorSaw.isEmpty { return "" }
        return """
            <h4>What the coordinator saw</h4>
            <ul>
            \(run.facts.coordinatorSaw.map { "<li>\($0)</li>" as Markup })
            </ul>
            """
    }

    private var holders: Markup {
        let counts = run.counts
        let rows = counts.holders.map { holder -> Markup in
            """
            <tr><td>\(holder.name)</td><td class="n">\(Figure.count(holder.members))</td>\
            <td class="n">\(Figure.count(holder.heldOut))</td></tr>
            """
        }
        let leftOut: Markup =
            counts.leftOut == 0
            ? "" : " \(Figure.count(counts.leftOut)) records carry no scored token after truncation and are left out."
        return """
            <h4>What this stands on</h4>
            <div class="scroll"><table>
            <tr><th>data holder</th><th class="n">trained on (members)</th><th class="n">held out</th></tr>
            \(rows)
            <tr><td><b>all</b></td><td class="n">\(Figure.count(counts.members))</td>\
            <td class="n">\(Figure.count(counts.heldOut))</td></tr>
            </table></div>
            <p class="quiet">\(Figure.count(counts.memberCoins)) and \(Figure.count(counts.heldOutCoins)) independent inclusion \
            coins: records of one subject, and copies, share a coin. With these counts, false-alarm rates below \
            \(Figure.percent(counts.smallestFalsePositiveRate)) cannot be measured and a true AUC below \
            \(Figure.decimal(counts.smallestDetectableAUC, 2)) cannot be told from guessing.\(leftOut)</p>
            """
    }

    private func vantage(_ vantage: AuditReport.VantageReport) -> Markup {
        let plot = ROCPlot(vantage.attacks, heldOut: run.counts.heldOut)
        let histograms = vantage.attacks.filter { !$0.isConstant }.map { result -> Markup in
            "<figure>\(HistogramPlot(result).svg)<figcaption><b>\(result.attack)</b></figcaption></figure>"
        }
        let fit = vantage.fit
        let perplexities = [
            ("perplexity, members before", Figure.decimal(fit.memberPerplexityBefore, 2)),
            ("members after", Figure.decimal(fit.memberPerplexityAfter, 2)),
            ("held out before", Figure.decimal(fit.heldOutPerplexityBefore, 2)),
            ("held out after", Figure.decimal(fit.heldOutPerplexityAfter, 2)),
        ]
        return """
            <h3>Seen from \(vantage.vantage.rawValue)</h3>
            <p>The attacker holds \(vantage.vantage.sees), and compares with \(vantage.vantage.reference).</p>
            \(AttackTableView(report: report, run: run, vantage: vantage).markup)
            <div class="pair">
            <figure>\(plot.linear)<figcaption><b>ROC.</b> The further above the dashed line, the more is given away.</figcaption></figure>
            <figure>\(plot.logarithmic)<figcaption><b>The same, logarithmic.</b> The left edge shows whether a few records can be \
            named with near certainty.</figcaption></figure>
            </div>
            \(plot.legend)
            <h4>Scores of <span class="swatch member"></span>members and <span class="swatch held"></span>held-out records</h4>
            <div class="many">
            \(histograms)
            </div>
            <h4>What the tuning changed</h4>
            \(cards(of: perplexities))
            <p class="quiet">Learning lowers both; memorising lowers the members' more. That gap is what the attacks live on.</p>
            """
    }

    private func cards(of entries: [(String, String)]) -> Markup {
        if entries.isEmpty { return "" }
        return """
            <dl class="cards">
            \(entries.map { "<div><dt>\($0)</dt><dd>\($1)</dd></div>" as Markup })
            </dl>
            """
    }
}
