import ReportPages

/// What each observed round alone gives away, by the strongest attack of each of the coordinator's vantage points.
struct RoundPlot {
    private struct Series {
        let vantage: String
        let attack: String
        let rounds: [(leak: RoundLeak, result: AttackEstimate)]
    }

    private let series: [Series]

    /// Nil when no two rounds were observed.
    init?(_ run: AuditReport.RunReport) {
        series = run.vantages.compactMap { view in
            let rounds = view.rounds ?? []
            let tried = Set(rounds.flatMap { $0.attacks.map(\.attack) })
            // Chosen over all rounds together, so that no round picks its own winner.
            let strongest = view.attacks.filter { tried.contains($0.attack) }.min {
                ($0.adjustedPValue, -$0.auc) < ($1.adjustedPValue, -$1.auc)
            }
            guard let attack = strongest?.attack else { return nil }
            let own = rounds.compactMap { leak in
                leak.attacks.first { $0.attack == attack }.map { (leak: leak, result: $0) }
            }
            return own.count > 1
                ? Series(vantage: Self.name(of: view.vantage, in: run), attack: attack, rounds: own) : nil
        }
        if series.isEmpty { return nil }
    }

    private static func name(of vantage: VantagePoint, in run: AuditReport.RunReport) -> String {
        vantage.rawValue + (run.facts.twins?.contains(vantage) == true ? " (nobody)" : "")
    }

    var markup: Markup {
        let keys = series.enumerated().map { color, series -> Markup in
            """
            <li><svg class="key" viewBox="0 0 22 8"><path class="line c\(color)" d="M1 4H21"/></svg>\
            \(series.vantage): \(series.attack)</li>
            """
        }
        let rows = series.flatMap { series in
            series.rounds.map { round -> Markup in
                """
                <tr><td>\(series.vantage)</td><td>\(series.attack)</td><td class="n">\(round.leak.round)</td>\
                <td class="n">\(Figure.count(round.leak.members))</td><td class="n">\(Figure.count(round.leak.heldOut))</td>\
                <td class="n">\(Figure.decimal(round.result.auc, 3))</td>\
                <td class="n">\(Figure.interval(round.result.aucInterval, 3))</td></tr>
                """
            }
        }
        return """
            <h3>Leakage round by round</h3>
            <p>What a coordinator learns who sees one round and no other, by the attack that is strongest over all observed \
            rounds together. Rounds in between can give away more than the last one.</p>
            <figure>\(plot)<figcaption><ul class="legend">\(keys)</ul>AUC with its 95 % interval; 0.5 is guessing.</figcaption></figure>
            <div class="scroll"><table>
            <tr><th>seen by</th><th>attack</th><th class="n">round</th><th class="n">members</th><th class="n">held out</th>\
            <th class="n">AUC</th><th class="n">95 % interval</th></tr>
            \(rows)
            </table></div>
            """
    }

    private var plot: Markup {
        let all = series.flatMap(\.rounds)
        let numbers = Set(all.map(\.leak.round)).sorted()
        let first = Double(numbers.first ?? 1)
        let last = Double(numbers.last ?? 1)
        let ticks = numbers.count <= 12 ? numbers : numbers.filter { $0 % (1 + numbers.count / 12) == 0 }
        let frame = PlotFrame(
            width: 640,
            height: 300,
            x: PlotFrame.Axis(title: "round", lower: first - 0.5, upper: last + 0.5, ticks: ticks.map(Double.init)),
            y: .around(
                "AUC",
                all.flatMap { [$0.result.aucInterval.lower, $0.result.aucInterval.upper] } + [0.5],
                padding: 0.06
            )
        )
        var content: [Markup] = [
            "<path class=\"chance\" d=\"M\(frame.left) \(frame.y(0.5))H\(frame.width - frame.right)\"/>"
        ]
        for (color, series) in series.enumerated() {
            let points = series.rounds.map { (x: Double($0.leak.round), result: $0.result) }
            content.append(frame.line(points.map { (x: $0.x, y: $0.result.auc) }, color: color))
            let shift = (Double(color) - Double(self.series.count - 1) / 2) * 9
            content += points.map { point in
                frame.whisker(
                    x: point.x,
                    y: point.result.auc,
                    interval: point.result.aucInterval,
                    color: color,
                    shift: shift
                )
            }
        }
        return frame.svg(label: "Leakage round by round", content)
    }
}
