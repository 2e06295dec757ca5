import ReportPages
import Training

/// The recovery attacks: how much of the full model comes back for which budget, beside the from-scratch controls.
struct RecoverySection {
    let recovery: RecoveryReport

    var markup: Markup {
        """
        <h2>What an attacker gets back</h2>
        <p>Recovery is 0 for the better of word frequencies and the shipped ends without any middle, and 1 for the full model, by
        loss on \(Figure.count(recovery.heldOutTokens)) held-out tokens. An attack is a leak as far as it beats a model that was
        trained from scratch on the same text for as long.</p>
        <figure>\(plot)<figcaption>\(legend)The budget is tokens of the attacker's text; attacks that train nothing are lines
        across.</figcaption></figure>
        <div class="scroll"><table>
        <tr><th>attack</th><th class="n">tokens</th><th class="n">loss</th><th class="n">recovery</th><th class="n">agreement</th>\
        <th class="n">KL, nats</th></tr>
        \(recovery.attempts.map { row($0, isControl: false) })
        \(recovery.controls.map { row($0, isControl: true) })
        </table></div>
        \(advantages)
        \(recovery.notes.map { "<p class=\"quiet\">\($0)</p>" as Markup })
        <p class="quiet">The full model's loss is \(Figure.decimal(recovery.fullLoss, 3)), that of the ends without a middle
        \(Figure.decimal(recovery.noMiddleLoss, 3)), of word frequencies \(Figure.decimal(recovery.unigramLoss, 3)). “Random
        middle” has the shipped ends around a middle of random weights, “random model” nothing that was shipped. Agreement is the
        share of positions with the full model's likeliest next token.</p>
        """
    }

    private func row(_ attempt: RecoveryReport.Attempt, isControl: Bool) -> Markup {
        let style: Markup = isControl ? " class=\"control\"" : ""
        return """
            <tr\(style)><td>\(attempt.name)</td><td class="n">\(Figure.count(attempt.tokens))</td>\
            <td class="n">\(Figure.decimal(attempt.loss, 3))</td>\
            <td class="n">\(Figure.percent(attempt.recovery.value))</td>\
            <td class="n">\(Figure.percent(attempt.agreement))</td><td class="n">\(Figure.decimal(attempt.divergence, 2))</td></tr>
            """
    }

    private var advantages: Markup {
        let rows = recovery.advantages.map { advantage -> Markup in
            """
            <tr><td>\(Figure.percent(advantage.share)) of \(Figure.count(recovery.configuration.referenceTokens)) tokens</td><td>\(advantage.attack)</td>\
            <td class="n">\(Figure.percent(advantage.recovery))</td>\
            <td class="n">\(Figure.signedPercent(advantage.overRandomMiddle))</td>\
            <td class="n">\(Figure.signedPercent(advantage.overRandomModel))</td></tr>
            """
        }
        if rows.isEmpty { return "" }
        return """
            <h4>The strongest attack within each budget</h4>
            <div class="scroll"><table>
            <tr><th>budget</th><th>attack</th><th class="n">recovery</th><th class="n">over a random middle</th>\
            <th class="n">over a random model</th></tr>
            \(rows)
            </table></div>
            """
    }

    /// Curves in the order of their colours.
    private var curves: [(name: String, points: [RecoveryReport.Attempt])] {
        var names: [String] = []
        let trained = (recovery.attempts + recovery.controls).filter { $0.share != nil }
        for attempt in trained where !names.contains(attempt.name) { names.append(attempt.name) }
        return names.map { name in (name, trained.filter { $0.name == name }.sorted { $0.tokens < $1.tokens }) }
    }

    private var flat: [RecoveryReport.Attempt] { recovery.attempts.filter { $0.share == nil } }

    private var legend: Markup {
        let entries = curves.map(\.name) + flat.map(\.name)
        let items = entries.enumerated().map { index, name -> Markup in
            let style: Markup = index < curves.count ? "line c\(index)" : "line dashed c\(index)"
            return
                "<li><svg class=\"key\" viewBox=\"0 0 22 8\"><path class=\"\(style)\" d=\"M1 4H21\"/></svg>\(name)</li>"
        }
        return "<ul class=\"legend\">\(items)</ul>"
    }

    private var plot: Markup {
        let all = recovery.attempts + recovery.controls
        // Far below the floor one replica is as useless as another.
        func shown(_ value: Double) -> Double { max(-0.5, value) }
        let tokens = curves.flatMap { $0.points.map { Double(max(1, $0.tokens)) } }
        let frame = PlotFrame(
            width: 820,
            height: 380,
            x: .logarithmic("tokens trained on", around: tokens.isEmpty ? [1, 10] : tokens),
            y: .around("recovery", all.map { shown($0.recovery.value) } + [0, 1], padding: 0.04)
        )
        var content: [Markup] = [
            "<path class=\"chance\" d=\"M\(frame.left) \(frame.y(0))H\(frame.width - frame.right)\"/>",
            "<path class=\"chance\" d=\"M\(frame.left) \(frame.y(1))H\(frame.width - frame.right)\"/>",
        ]
        for (index, attempt) in flat.enumerated() {
            let y = shown(attempt.recovery.value)
            let ends = [(x: frame.x.lower, y: y), (x: frame.x.upper, y: y)]
            content.append(frame.line(ends, color: curves.count + index, isDashed: true))
        }
        for (color, curve) in curves.enumerated() {
            let points = curve.points.map { (x: Double(max(1, $0.tokens)), attempt: $0) }
            content.append(frame.line(points.map { (x: $0.x, y: shown($0.attempt.recovery.value)) }, color: color))
            for point in points {
                let (value, error) = (point.attempt.recovery.value, 1.96 * point.attempt.recovery.standardError)
                content.append(
                    frame.whisker(
                        x: point.x,
                        y: shown(value),
                        from: shown(value - error),
                        to: shown(value + error),
                        color: color
                    )
                )
            }
        }
        return frame.svg(label: "Recovery against the attacker's budget", content)
    }
}
