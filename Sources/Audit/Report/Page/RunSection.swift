import ReportPages

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
        \(run.facts.coverage.map { CoverageTable(coverage: $0).markup } ?? "")
        \(run.vantages.map(vantage))\(control)
        \(RoundPlot(run)?.markup ?? "")
        \(ExposedTable(run)?.markup ?? "")
        \(CanarySection(run)?.markup ?? "")
        \(EpsilonAxis(run)?.markup ?? "")\(clients)
        \(ReconstructionTable(run)?.markup ?? "")\(active)
        """
    }

    private var cards: Markup {
        let facts = run.facts
        let entries: [(String, String?)] = [
            ("shipped / full parameters", facts.compressionRatio.map(Figure.percent)),
            ("middle blocks kept", facts.middleKept.map(Figure.percent)),
            ("full model, parameters", facts.fullParameters.map(Figure.count)),
            ("emulator, parameters", facts.shippedParameters.map(Figure.count)),
            ("adapter, parameters", facts.adapterParameters.map(Figure.count)),
            ("emulator as shipped", facts.emulatorBytes.map(Figure.bytes)),
            ("adapter, one way", facts.adapterBytes.map(Figure.bytes)),
            ("crossed a wire in all", facts.wireBytes.map(Figure.bytes)),
        ]
        return cards(of: entries.compactMap { label, value in value.map { (label, $0) } })
    }

    private var details: Markup {
        let rows = run.facts.details.map {
            "<tr><td>\($0.label)</td><td class=\"value\">\($0.value)</td></tr>" as Markup
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
            ("members before", Figure.measure(fit.memberPerplexityBefore)),
            ("members after", Figure.measure(fit.memberPerplexityAfter)),
            ("held out before", Figure.measure(fit.heldOutPerplexityBefore)),
            ("held out after", Figure.measure(fit.heldOutPerplexityAfter)),
        ]
        return """
            <h3>Seen by \(vantage.vantage.attacker)</h3>
            \(twin(vantage.vantage))
            <p>The attacker holds \(vantage.vantage.sees), and compares with \(vantage.vantage.reference).</p>
            \(AttackTableView(report: report, run: run, vantage: vantage).markup)
            <div class="pair">
            <figure>\(plot.linear)<figcaption><b>ROC.</b> The further above the dashed line, the more is given away.</figcaption></figure>
            <figure>\(plot.logarithmic)<figcaption><b>The same, logarithmic.</b> The left edge shows whether a few records can be \
            named with near certainty.</figcaption></figure>
            </div>
            \(plot.legend)
            <h4>Scores of <span class="swatch member"></span>members and <span class="swatch held"></span>held-out records, \
            as shares of each side</h4>
            <div class="many">
            \(histograms)
            </div>
            <h4>What the tuning did to the mean record's perplexity</h4>
            \(cards(of: perplexities))
            <p class="quiet">Learning lowers both; memorising lowers the members' more. That gap is what the attacks live on. \
            Every record counts alike here; where the models' perplexities stand side by side above, every token does.</p>
            """
    }

    private var clients: Markup { ClientCanarySection(run).map { "\n\($0.markup)" } ?? "" }

    private var active: Markup { ActiveSection(run).map { "\n\($0.markup)" } ?? "" }

    private var control: Markup {
        guard let control = run.positiveControl else { return "" }
        let view = PositiveControlView(control: control, limit: report.suite.policy.minimumControlAUC)
        return "\n\(view.markup)"
    }

    private func cards(of entries: [(String, String)]) -> Markup {
        if entries.isEmpty { return "" }
        return """
            <dl class="cards">
            \(entries.map { "<div><dt>\($0)</dt><dd>\($1)</dd></div>" as Markup })
            </dl>
            """
    }

    private func twin(_ vantage: VantagePoint) -> Markup {
        guard run.facts.twins?.contains(vantage) == true else { return "" }
        return """
            <p>Nobody had this view: the run was masked. The simulation shows what secure aggregation kept from the coordinator; \
            the verdict leaves it out.</p>
            """
    }

}
