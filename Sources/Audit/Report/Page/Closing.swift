import ReportPages

/// Limits, glossary, method and provenance.
struct Closing {
    let report: AuditReport

    var markup: Markup {
        """
        <h2>What is promised, and what is not</h2>
        <div class="limits">
        <div><h4>Promised</h4>\(list(report.promised))</div>
        <div><h4>Not promised</h4>\(list(report.notPromised))</div>
        <div><h4>Not tested here</h4>\(list(report.notTested))</div>
        </div>
        <h2>How to read this</h2>
        <dl class="words">
        \(Self.words.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as Markup })
        </dl>
        <h4>The attacks</h4>
        <dl class="words">
        \(report.attackExplanations.map { "<dt>\($0.label)</dt><dd>\($0.value)</dd>" as Markup })
        </dl>
        <h2>Method</h2>
        <p>Before training, a coin decided for every subject (or record) whether its records are trained on or held out. \
        The attacks then score every record and do not know the coin. AUC intervals are DeLong's on the logit scale, \
        computed by coin; intervals of the members caught are percentile bootstraps of both sides, by coin; p-values come from \
        dealing the coins anew within each data holder and comparing with the best attack of each deal.</p>
        <div class="scroll"><table>
        \(settings.map { "<tr><td>\($0.0)</td><td>\($0.1)</td></tr>" as Markup })
        </table></div>
        <footer>\(report.provenance.map { "<div>\($0.label): \($0.value)</div>" as Markup })
        <div>Rendered from report.json (\(report.schema)) alone; the same JSON gives the same bytes.</div></footer>
        """
    }

    private func list(_ entries: [String]) -> Markup {
        "<ul>\(entries.map { "<li>\($0)</li>" as Markup })</ul>"
    }

    private var settings: [(String, String)] {
        let suite = report.suite
        let policy = suite.policy
        let usesShadows = suite.attacks.contains { AttackRegistry.referenceModels.contains($0.uppercased()) }
        let shadows =
            usesShadows
            ? [
                ("LIRA weight of the pooled variance", "\(Figure.tick(suite.liraPriorDegrees)) shadow models"),
                (
                    "RMIA γ; a",
                    Figure.tick(suite.rmiaGamma) + "; "
                        + (suite.rmiaOfflineA.map(Figure.tick) ?? "chosen on the shadow models")
                ),
            ] : []
        let active =
            report.runs.contains { $0.active != nil }
            ? [
                (
                    "active adversary",
                    "\(Figure.count(suite.activeSettings.targets)) targets at most, \(Figure.count(suite.activeSettings.rounds)) "
                        + "round\(suite.activeSettings.rounds == 1 ? "" : "s"), ascent of \(Figure.tick(suite.activeSettings.ascent)) nats a token"
                )
            ] : []
        return shadows + drawing + active + [
            ("suite", "\(suite.name): \(suite.attacks.joined(separator: ", "))"),
            ("seed", String(suite.seed)),
            ("MINK share of tokens", Figure.percent(suite.minKFraction)),
            ("EZ smoothing", Figure.tick(suite.ezSmoothing)),
            ("bootstrap resamples", Figure.count(suite.bootstrapReplicates)),
            ("permutations", Figure.count(suite.permutations)),
            ("leakage above policy", leakagePolicy),
            (
                "split not valid",
                "lower end of the no-model AUC above \(Figure.decimal(policy.maximumBlindLowerBound, 2)), or an attack on the "
                    + "untuned model with p below \(Figure.tick(policy.controlSignificance))"
            ),
            (
                "inconclusive",
                "fewer than \(Figure.count(policy.minimumCoinsPerSide)) coins on a side, or an AUC of "
                    + "\(Figure.decimal(policy.resolvableAUC, 2)) cannot be told from guessing, or the tuning changed nothing, or an "
                    + "attack is above policy without beating both controls: the sides then differ, by chance as far as the "
                    + "controls’ own limits say, by as much as the attack finds"
            ),
        ]
    }

    /// Of attacks that draw texts, where the suite has them.
    private var drawing: [(String, String)] {
        let names = report.suite.attacks.map { $0.uppercased() }
        var settings: [(String, String)] = []
        if names.contains("NEIGHBOUR") {
            let variants = report.suite.neighbour ?? .init()
            settings.append(
                (
                    "NEIGHBOUR variants",
                    "\(Figure.count(variants.count)) a record, each with \(Figure.percent(variants.share)) of the scored tokens "
                        + "replaced by one of the \(Figure.count(variants.candidates)) likeliest others, as the untuned model "
                        + "has them after the tokens before"
                )
            )
        }
        if names.contains("SAMIA") {
            let drawn = report.suite.samia ?? .init()
            settings.append(
                (
                    "SAMIA continuations",
                    "\(Figure.count(drawn.samples)) a record, temperature \(Figure.tick(drawn.temperature)), the "
                        + "\(Figure.count(drawn.topK)) likeliest tokens; recall of ROUGE-\(drawn.ngram) over tokens"
                        + (drawn.weightsByZlib ? ", times the compressed bytes" : "")
                )
            )
        }
        return settings
    }

    private var leakagePolicy: String {
        let policy = report.suite.policy
        return
            "adjusted p below \(Figure.tick(policy.significance)) over all tables, and the lower end of the AUC above "
            + "\(Figure.decimal(policy.maximumAUCLowerBound, 2)) or of the members caught at "
            + "\(Figure.percent(policy.truePositiveRateLevel)) above "
            + "\(Figure.percent(policy.maximumTruePositiveRateLowerBound)); and the attack beats both controls, the one without a "
            + "model and itself on the untuned model (paired DeLong, one-sided, Holm over the table’s attacks)"
    }

    private static let words: [(String, String)] = [
        ("Member, held-out record", "A record that was trained on; a record from the same source that was not."),
        (
            "Membership inference",
            "Telling members from held-out records by how the model reacts. For a patient, being in the training data of a "
                + "clinic's model can itself be the secret."
        ),
        (
            "AUC",
            "The chance that the attack gives a random member a higher score than a random held-out record: 0.5 is guessing, "
                + "1 is certainty."
        ),
        (
            "Members caught at 1 % false alarms",
            "With the threshold set so that at most 1 in 100 held-out records is wrongly accused, the share of members found. An "
                + "average near guessing can hide a few records that are fully exposed; this figure shows them."
        ),
        (
            "95 % interval",
            "Where the true value lies, as far as this number of records can tell. More records make it narrower."
        ),
        (
            "Adjusted p",
            "How often the best of all attacks would look this good if the coins had nothing to do with the model."
        ),
        (
            "Peer, owner",
            "Peer: another data holder, with the emulator and the aggregated adapter. Owner: the model owner, with the adapter "
                + "plugged into the full model."
        ),
        (
            "Emulator, compression ratio",
            "The thinned model that data holders receive instead of the full one; its parameters over the full model's."
        ),
        (
            "Controls",
            "“No model” guesses from the records alone, “untuned model” attacks the model before tuning. If either works, the "
                + "figures are not about the tuning."
        ),
    ]
}
