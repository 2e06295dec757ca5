import ReportPages

/// One axis of ε for a run: what the attacks prove from below, what the accountant states from above.
struct EpsilonAxis {
    private let run: AuditReport.RunReport
    private let measured: PrivacyMeasurement
    private let unit: RunFacts.Protection.Unit

    private static let names: [PrivacyMeasurement.Method: String] = [
        .oneRun: "one run, any mechanism", .gaussianOneRun: "one run, if Gaussian",
        .clopperPearson: "error rates (a heuristic)",
    ]

    /// Nil when nothing was measured.
    init?(_ run: AuditReport.RunReport) {
        guard let measured = run.measured, !measured.lowerBounds.isEmpty else { return nil }
        self.run = run
        self.measured = measured
        unit = .record
    }

    /// The axis of whole participants, for whom canary clients stand; nil without a bound on them.
    init?(clientsOf run: AuditReport.RunReport) {
        guard let bounds = run.clientCanaries?.bounds else { return nil }
        self.run = run
        measured = bounds
        unit = .holder
    }

    private var stated: [RunFacts.Protection] {
        (run.facts.protections ?? []).filter { unit == .record || $0.unit == .holder }
    }

    private var heading: Markup {
        unit == .record
            ? "<h3>Differential privacy: ε from below and from above</h3>"
            : "<h4>ε of a whole participant, from below and from above</h4>"
    }

    var markup: Markup {
        """
        \(heading)
        <p>\(summary)</p>
        <figure>\(plot)<figcaption>\(legend)</figcaption></figure>
        \(stated.isEmpty ? "" : table(stated))
        <p class="quiet">\(Figure.count(measured.canaries)) \(coined) coin of their own, which the attacks guess; δ = \(Figure.tick(measured.delta)). All \(Figure.count(measured.tests)) tests together err with a chance of \
        5 % at most. A lower bound of 0 refutes nothing. Guesses right: \(guesses).</p>
        """
    }

    private var coined: String {
        if unit == .holder { return "canary clients have a fair inclusion" }
        return measured == run.canaries?.single
            ? "canaries that are planted once have a fair inclusion" : "records have an inclusion"
    }

    private var summary: String {
        let proven = measured.proven?.epsilon ?? 0
        if let (measured, stated) = run.contradiction(of: unit) {
            return "The attacks prove ε of at least \(Figure.decimal(measured.epsilon, 2)), and "
                + "\(Figure.decimal(stated.epsilon, 2)) is stated: the noise is not what it is said to be."
        }
        let below =
            proven > 0
            ? "The attacks prove that no ε below \(Figure.decimal(proven, 2)) holds for a \(unit == .record ? "record" : "data holder")."
            : "The attacks refute no ε at all."
        if stated.isEmpty {
            return below
                + (unit == .record
                    ? " No noise was added, so nothing bounds it from above."
                    : " No noise protects a whole data holder, so nothing bounds it from above.")
        }
        let isComparable = stated.contains { $0.isComparable(to: unit) }
        return below
            + (isComparable
                ? " The stated bound lies above: the two agree."
                : " The stated bound is about another unit or another neighbourhood, so the two are not compared.")
            + (stated.contains(where: \.isNoiseSeeded)
                ? " The noise follows from a seed: this is a simulation, and no bound against those who know the seed."
                : "")
    }

    private var guesses: String {
        measured.lowerBounds.filter { $0.method == .oneRun }.map {
            "\($0.vantage.rawValue) \($0.correct) of \($0.guesses) (\($0.attack))"
        }.joined(separator: ", ")
    }

    private func table(_ stated: [RunFacts.Protection]) -> Markup {
        let rows = stated.map { row -> Markup in
            """
            <tr><td>\(row.protects)</td><td class="n">\(Figure.decimal(row.epsilon, 2))</td>\
            <td class="n">\(Figure.tick(row.delta))</td><td>\(row.sampler)</td><td>\(row.accountant)</td>\
            <td>\(row.neighbouring)</td></tr>
            """
        }
        return """
            <div class="scroll"><table>
            <tr><th>stated: protects</th><th class="n">ε at most</th><th class="n">δ</th><th>sampler</th><th>accountant</th>\
            <th>neighbouring</th></tr>
            \(rows)
            </table></div>
            """
    }

    private var legend: Markup {
        let keys = PrivacyMeasurement.Method.allCases.enumerated().map { color, method -> Markup in
            """
            <li><svg class="key" viewBox="0 0 22 8"><path class="line c\(color)" d="M1 4H21"/></svg>\
            at least, by \(Self.names[method] ?? method.rawValue)</li>
            """
        }
        let upper: Markup =
            stated.isEmpty
            ? ""
            : "<li><svg class=\"key\" viewBox=\"0 0 22 8\"><path class=\"limit\" d=\"M1 4H21\"/></svg>at most, by the accountant</li>"
        let estimate: Markup =
            unit == .record
            ? ""
            : "<li><svg class=\"key\" viewBox=\"0 0 22 8\"><path class=\"line c3\" d=\"M11 0V8\"/></svg>estimated; no bound</li>"
        return "<ul class=\"legend\">\(keys)\(estimate)\(upper)</ul>"
    }

    /// One row a vantage point, the three methods below each other in it; upper bounds as lines through all rows.
    private var plot: Markup {
        let vantages = VantagePoint.allCases.filter { vantage in
            measured.lowerBounds.contains { $0.vantage == vantage }
        }
        let upper = stated.map(\.epsilon).filter(\.isFinite)
        let estimates = unit == .holder ? run.clientCanaries?.statistics ?? [] : []
        let values = measured.lowerBounds.map(\.epsilon) + upper + estimates.compactMap(\.estimate) + [0, 1]
        let frame = PlotFrame(
            width: 640,
            height: Double(vantages.count) * 44 + 60,
            left: 92,
            x: .around("ε", values, padding: 0.06),
            y: PlotFrame.Axis(title: "", lower: Double(vantages.count), upper: 0, ticks: [])
        )
        var content: [Markup] = []
        for (row, vantage) in vantages.enumerated() {
            let middle = frame.y(Double(row) + 0.5)
            content.append("<text x=\"6\" y=\"\(middle + 4)\">\(vantage.rawValue)</text>")
            for (color, method) in PrivacyMeasurement.Method.allCases.enumerated() {
                guard let bound = measured.lowerBounds.first(where: { $0.vantage == vantage && $0.method == method })
                else { continue }
                let y = middle + Double(color - 1) * 10
                content.append(
                    """
                    <path class="whisker c\(color)" d="M\(frame.x(0)) \(y)H\(frame.x(bound.epsilon))"/>\
                    <circle class="dot c\(color)" cx="\(frame.x(bound.epsilon))" cy="\(y)" r="4.5"/>
                    """
                )
            }
        }
        for statistic in estimates {
            guard let estimate = statistic.estimate, let row = vantages.firstIndex(of: statistic.vantage) else {
                continue
            }
            let x = frame.x(estimate)
            let y = frame.y(Double(row) + 0.5)
            content.append("<path class=\"line c3\" d=\"M\(x) \(y - 9)V\(y + 9)\"/>")
        }
        for epsilon in upper {
            content.append(
                "<path class=\"limit\" d=\"M\(frame.x(epsilon)) \(frame.top)V\(frame.height - frame.bottom)\"/>"
            )
        }
        return frame.svg(label: "Lower and upper bounds on ε", content)
    }
}
