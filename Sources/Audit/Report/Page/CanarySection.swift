import ReportPages

/// The planted records: who was found, how exposed they are, and what that says of ε.
struct CanarySection {
    private let canaries: CanaryReport
    private let twins: [VantagePoint]

    /// Nil when none was planted.
    init?(_ run: AuditReport.RunReport) {
        guard let canaries = run.canaries else { return nil }
        self.canaries = canaries
        twins = run.facts.twins ?? []
    }

    var markup: Markup {
        """
        <h3>Canaries</h3>
        <p>\(Figure.count(canaries.scored)) records that belong to nobody were planted by the auditor, each in or out by a fair \
        coin of its own, an included one as often as its tier says. They are made to be remembered, and are in no other figure of \
        this report but the axis of ε. Included canaries of a tier are compared with all held-out ones of their kind, which \
        nobody repeats.\(leftOut)</p>
        <div class="scroll"><table>
        <tr><th>kind</th><th class="n">repeated</th><th class="n">in</th><th class="n">out</th><th>seen by</th>\
        <th>strongest attack</th><th class="n">AUC</th><th class="n">adjusted p</th><th class="n">exposure, median</th>\
        <th class="n">largest</th><th class="n">of at most</th></tr>
        \(canaries.tiers.flatMap(rows))
        </table></div>
        <p class="quiet">Exposure is in bits: log₂ of the number of held-out canaries less log₂ of the rank among them by \
        perplexity (Carlini et al. 2019). Without memorisation a canary is b bits exposed with a chance of 2⁻ᵇ, so the median is \
        about 1. The p-values are adjusted for the attacks of one line, and not for the number of lines.</p>
        \(bounds)
        """
    }

    private var leftOut: String {
        canaries.leftOut == 0
            ? "" : " \(Figure.count(canaries.leftOut)) more carry no scored token after truncation and are left out."
    }

    private func rows(_ tier: CanaryReport.Tier) -> [Markup] {
        func start(_ isFirst: Bool) -> Markup {
            if !isFirst { return "<td></td><td></td><td></td><td></td>" }
            return """
                <td>\(tier.canary.kind.rawValue)<br><small>\(tier.canary.kind.explanation)</small></td>\
                <td class="n">\(tier.canary.repetitions)×</td><td class="n">\(Figure.count(tier.included))</td>\
                <td class="n">\(Figure.count(tier.heldOut))</td>
                """
        }
        if tier.vantages.isEmpty {
            return ["<tr>\(start(true))<td colspan=\"7\">too few canaries on a side</td></tr>"]
        }
        return tier.vantages.enumerated().compactMap { index, view in
            guard let strongest = view.strongest else { return nil }
            let bits = view.exposure
            return """
                <tr>\(start(index == 0))<td>\(view.vantage.rawValue)\(twins.contains(view.vantage) ? " (nobody)" : "")</td>\
                <td>\(strongest.attack)</td>\
                <td class="n">\(Figure.decimal(strongest.auc, 3))<br><small>\(Figure.interval(strongest.aucInterval, 3))</small></td>\
                <td class="n">\(strongest.adjustedPValue.map(Figure.pValue) ?? "–")</td>\
                <td class="n">\(bits.map { Figure.decimal($0.median, 1) } ?? "–")</td>\
                <td class="n">\(bits.map { Figure.decimal($0.largest, 1) } ?? "–")</td>\
                <td class="n">\(bits.map { Figure.decimal($0.most, 1) } ?? "–")</td></tr>
                """
        }
    }

    private var bounds: Markup {
        let rows = canaries.bounds.map { bound -> Markup in
            func best(_ method: PrivacyMeasurement.Method) -> PrivacyMeasurement.LowerBound? {
                bound.measurement.lowerBounds.filter { $0.method == method }.max { $0.epsilon < $1.epsilon }
            }
            let proven = best(.oneRun)
            let guesses = proven.map {
                "\($0.correct) of \($0.guesses) (\($0.vantage.rawValue), \($0.attack))"
            }
            return """
                <tr><td class="n">\(bound.repetitions)×</td><td class="n">\(Figure.count(bound.measurement.canaries))</td>\
                <td>\(guesses ?? "–")</td><td class="n">\(Figure.decimal(proven?.epsilon ?? 0, 2))</td>\
                <td class="n">\(Figure.decimal(best(.gaussianOneRun)?.epsilon ?? 0, 2))</td>\
                <td>\(bound.repetitions == 1 ? "one record; on the axis of ε below" : "\(bound.repetitions) records that change together")</td></tr>
                """
        }
        guard let first = canaries.bounds.first else {
            return "<p>There are too few canaries of any number of repetitions for a lower bound on ε.</p>"
        }
        return """
            <h4>Lower bounds on ε, at δ = \(Figure.tick(first.measurement.delta))</h4>
            <div class="scroll"><table>
            <tr><th class="n">repeated</th><th class="n">canaries</th><th>coins guessed right</th>\
            <th class="n">ε at least, any mechanism</th><th class="n">ε at least, if Gaussian</th><th>is about</th></tr>
            \(rows)
            </table></div>
            <p class="quiet">One training run, canaries independently in or out (Steinke, Nasr & Jagielski 2023; Gaussian: \
            Mahloujifar, Melis & Chaudhuri 2025); each line errs with a chance of 5 % at most. A guarantee of ε for a record allows \
            k·ε for a canary that is repeated k times (group privacy), so only canaries planted once can refute one.</p>
            """
    }
}
