import ReportPages

extension Verdict {
    /// Judges the runs by the policy.
    ///
    /// An invalid split comes first, since it voids every other figure; then a refuted ε; then leakage, which is a finding at any sample size
    /// because its interval already pays for few records; then whatever would make silence meaningless.
    ///
    /// An attack that does no better than what needs no training is no finding, however large its AUC. Nor is the split then
    /// shown to be invalid: the controls have limits of their own for that. A few records can differ by chance, and what can be
    /// said is that these cannot tell such a difference from a leak: inconclusive.
    ///
    /// The adjusted p-values of a table cover the attacks of that table; Holm covers the tables of the report here.
    ///
    /// What an active adversary learned on a fork of a run is remarked on and decides nothing: it is no leak of the run.
    public static func judge(runs: [AuditReport.RunReport], policy: AttackSuite.Policy) -> Verdict {
        var verdict = judgePassive(runs: runs, policy: policy)
        let diluted = dilutions(runs)
        if verdict.outcome == .noneFound, !diluted.isEmpty {
            verdict.outcome = .inconclusive
            verdict.headline =
                "Inconclusive: the adapter is mixed with canary clients, which hides what records give away"
            verdict.reasons = []
        }
        verdict.reasons += diluted
        // Of leaks, the last reason of their own says what the policy is.
        let end = verdict.reasons.count - diluted.count - (verdict.outcome == .leakage ? 1 : 0)
        verdict.reasons.insert(contentsOf: activeRemarks(runs), at: end)
        return verdict
    }

    private static func judgePassive(runs: [AuditReport.RunReport], policy: AttackSuite.Policy) -> Verdict {
        let defects = splitDefects(runs, policy)
        if !defects.isEmpty {
            return Verdict(
                outcome: .invalidSplit,
                headline: "The split is not valid: members and held-out records differ even without the tuning",
                reasons: defects
            )
        }
        let refuted = runs.compactMap(refutation)
        if !refuted.isEmpty {
            return Verdict(
                outcome: .boundExceeded,
                headline: "The stated ε is refuted: the attacks tell more than differential privacy at that ε allows",
                reasons: refuted
            )
        }
        let leaks = leaks(runs, policy)
        if !leaks.isEmpty {
            return Verdict(
                outcome: .leakage,
                headline: isOwnerSide(runs)
                    ? "Leakage above policy: the emulators give away which records the owner's model was tuned on"
                    : "Leakage above policy: the tuned adapter gives away which records it was trained on",
                reasons: leaks + [
                    "The policy allows a lower end of \(Figure.decimal(policy.maximumAUCLowerBound, 2)) for the AUC, and of "
                        + "\(Figure.percent(policy.maximumTruePositiveRateLowerBound)) for the members caught at "
                        + "\(Figure.percent(policy.truePositiveRateLevel)) false alarms."
                ]
            )
        }
        let unproven = unproven(runs, policy)
        let doubts = unproven + doubts(runs, policy)
        if !doubts.isEmpty {
            return Verdict(
                outcome: .inconclusive,
                headline: unproven.isEmpty
                    ? "Inconclusive: this audit could not have seen a leak of the size that matters"
                    : "Inconclusive: an attack is above policy, and chance or the records alone may explain it",
                reasons: doubts
            )
        }
        return Verdict(
            outcome: .noneFound,
            headline: "No attack of this suite found leakage above policy",
            reasons: runs.flatMap { run in run.vantages.compactMap { summary($0, of: run) } }
        )
    }

    /// One sentence a run whose sums were mostly other things than the data holders' updates.
    private static func dilutions(_ runs: [AuditReport.RunReport]) -> [String] {
        runs.compactMap { run in
            run.clientCanaries.map {
                "\(run.name): \(Figure.count($0.included)) canary clients are part of every mean; what the attacks on records find in it "
                    + "says nothing of a run without them."
            }
        }
    }

    private static func refutation(_ run: AuditReport.RunReport) -> String? {
        run.contradiction.map { measured, stated in
            "\(run.name), \(measured.vantage.rawValue): \(measured.attack) guesses \(measured.correct) of \(measured.guesses) coins, which "
                + "proves ε ≥ \(Figure.decimal(measured.epsilon, 2)) (chance of error 5 %), and ε ≤ "
                + "\(Figure.decimal(stated.epsilon, 2)) is stated for \(stated.protects): the sampler, the clipping or the noise is not "
                + "what the accountant was told."
        }
    }

    /// Whether all that was attacked are emulators, for the owner's own records.
    private static func isOwnerSide(_ runs: [AuditReport.RunReport]) -> Bool {
        runs.allSatisfy { $0.vantages.allSatisfy { $0.vantage == .recipient } }
    }

    private static func splitDefects(
        _ runs: [AuditReport.RunReport],
        _ policy: AttackSuite.Policy
    ) -> [String] {
        var reasons: [String] = []
        for run in runs where run.blind.aucInterval.lower > policy.maximumBlindLowerBound {
            reasons.append(
                "\(run.name): a classifier that sees no model tells members from held-out records with AUC "
                    + "\(Figure.auc(run.blind)); the inclusion coins were not fair, or the data changed after the plan."
            )
        }
        let tables = tables(of: runs).filter { !$0.vantage.nullControl.isEmpty }
        let smallest = tables.map { $0.vantage.nullControl.map(\.adjustedPValue).min() ?? 1 }
        for (table, pValue) in zip(tables, HolmAdjustment.adjust(smallest)) where pValue < policy.controlSignificance {
            guard let first = table.vantage.nullControl.min(by: { $0.adjustedPValue < $1.adjustedPValue }) else {
                continue
            }
            reasons.append(
                "\(table.place): \(first.attack) already works on the untuned model, AUC \(Figure.auc(first)), "
                    + "p = \(Figure.pValue(pValue))."
            )
        }
        return reasons
    }

    private static func leaks(_ runs: [AuditReport.RunReport], _ policy: AttackSuite.Policy) -> [String] {
        let tables = tables(of: runs).filter { !$0.isTwin }
        let smallest = tables.map { $0.vantage.strongest?.adjustedPValue ?? 1 }
        return tables.indices.compactMap { index in
            let table = tables[index]
            let offenders = table.vantage.attacks.filter { attack in
                var pValues = smallest
                pValues[index] = attack.adjustedPValue
                let isSignificant = HolmAdjustment.adjust(pValues)[index] < policy.significance
                return isSignificant && exceeds(attack, policy) && beatsControls(attack, in: table.vantage, policy)
            }
            guard let worst = offenders.max(by: { $0.aucInterval.lower < $1.aucInterval.lower }) else { return nil }
            let others = offenders.count - 1
            let more =
                others == 0 ? "" : "; \(others) more \(others == 1 ? "attack is" : "attacks are") above policy too"
            return
                "\(table.place): \(worst.attack) reaches AUC \(Figure.auc(worst))\(caught(by: worst, policy))\(more)."
        }
    }

    /// Whether the attack tells more than the records alone and more than the same attack on the untuned model: paired DeLong
    /// on the same records, one-sided, Holm over the attacks of the table. A control that there is no score of says nothing.
    private static func beatsControls(
        _ attack: AuditReport.AttackResult,
        in vantage: AuditReport.VantageReport,
        _ policy: AttackSuite.Policy
    ) -> Bool {
        let adjusted = HolmAdjustment.adjust(vantage.attacks.map(\.controlPValue))
        return zip(vantage.attacks, adjusted).contains { $0.attack == attack.attack && $1 < policy.significance }
    }

    /// The attack of each table that is above policy by its size and yet no leak, where there is no leak at all: it does not tell
    /// more than a control, or is not beyond chance once all tables are counted.
    private static func unproven(_ runs: [AuditReport.RunReport], _ policy: AttackSuite.Policy) -> [String] {
        tables(of: runs).filter { !$0.isTwin }.compactMap { table in
            let suspects = table.vantage.attacks.filter {
                $0.adjustedPValue < policy.significance && exceeds($0, policy)
            }
            guard let worst = suspects.max(by: { $0.aucInterval.lower < $1.aucInterval.lower }) else { return nil }
            if beatsControls(worst, in: table.vantage, policy) {
                return
                    "\(table.place): \(worst.attack) reaches AUC \(Figure.auc(worst)), which is above policy, but its "
                    + "p = \(Figure.pValue(worst.adjustedPValue)) does not stand once all tables of the report are counted: "
                    + "more records would tell."
            }
            let blind = worst.minusBlind.map {
                "the baseline without a model \(Figure.decimal(worst.auc - $0.value, 3))"
            }
            let untuned = worst.minusUntuned.map {
                "the same attack on the untuned model \(Figure.decimal(worst.auc - $0.value, 3))"
            }
            return
                "\(table.place): \(worst.attack) reaches AUC \(Figure.auc(worst)), which is above policy, but "
                + "\([blind, untuned].compactMap { $0 }.joined(separator: " and ")): these records cannot tell a leak from a "
                + "difference between the sides that was there before the tuning."
        }
    }

    private static func exceeds(_ attack: AuditReport.AttackResult, _ policy: AttackSuite.Policy) -> Bool {
        if attack.aucInterval.lower > policy.maximumAUCLowerBound { return true }
        guard let tail = tail(of: attack, policy) else { return false }
        return tail.interval.lower > policy.maximumTruePositiveRateLowerBound
    }

    private static func tail(
        of attack: AuditReport.AttackResult,
        _ policy: AttackSuite.Policy
    ) -> AuditReport.TruePositiveRate? {
        attack.truePositiveRates.first { $0.falsePositiveRate == policy.truePositiveRateLevel && $0.isResolvable }
    }

    private static func caught(by attack: AuditReport.AttackResult, _ policy: AttackSuite.Policy) -> String {
        guard let tail = tail(of: attack, policy) else { return "" }
        return " and catches \(Figure.percent(tail.value)) of the members at "
            + "\(Figure.percent(tail.falsePositiveRate)) false alarms"
    }

    private static func doubts(_ runs: [AuditReport.RunReport], _ policy: AttackSuite.Policy) -> [String] {
        var reasons: [String] = []
        for run in runs {
            let coins = min(run.counts.memberCoins, run.counts.heldOutCoins)
            if coins < policy.minimumCoinsPerSide {
                reasons.append(
                    "\(run.name): the smaller side has \(coins) independent coins, and the policy asks for "
                        + "\(policy.minimumCoinsPerSide)."
                )
            }
            if run.counts.smallestDetectableAUC > policy.resolvableAUC {
                reasons.append(
                    "\(run.name): with these records an AUC below "
                        + "\(Figure.decimal(run.counts.smallestDetectableAUC, 2)) cannot be told from chance, and the "
                        + "policy asks to resolve \(Figure.decimal(policy.resolvableAUC, 2))."
                )
            }
            if let control = run.positiveControl, (control.strongest?.auc ?? 0) < policy.minimumControlAUC {
                reasons.append(
                    "\(run.name): on the positive control, which gives its members away, the strongest attack reaches AUC "
                        + "\(control.strongest.map { Figure.auc($0) } ?? "–") only, so its silence elsewhere says nothing."
                )
            }
            if run.vantages.isEmpty { reasons.append("\(run.name): no vantage point was observed.") }
        }
        for table in tables(of: runs) where !table.vantage.fit.hasChanged {
            reasons.append(
                "\(table.place): the tuned model gives the same likelihoods as the untuned one, so there was nothing to find."
            )
        }
        return reasons
    }

    private static func summary(
        _ vantage: AuditReport.VantageReport,
        of run: AuditReport.RunReport
    ) -> String? {
        vantage.strongest.map {
            "\(run.name), \(vantage.vantage.rawValue): the strongest attack, \($0.attack), reaches AUC \(Figure.auc($0)), "
                + "p = \(Figure.pValue($0.adjustedPValue)) after adjusting for all attacks tried."
        }
    }

    private struct Table {
        var place: String
        var vantage: AuditReport.VantageReport
        var isTwin: Bool
    }

    private static func tables(of runs: [AuditReport.RunReport]) -> [Table] {
        runs.flatMap { run in
            run.vantages.map { vantage in
                Table(
                    place: "\(run.name), \(vantage.vantage.rawValue)",
                    vantage: vantage,
                    isTwin: run.facts.twins?.contains(vantage.vantage) == true
                )
            }
        }
    }
}

extension AuditReport.AttackResult {
    /// The larger of the one-sided p-values against the controls that there are; 0 without any.
    fileprivate var controlPValue: Double {
        [minusBlind, minusUntuned].compactMap { $0 }.map { $0.value > 0 ? $0.pValue / 2 : 1 - $0.pValue / 2 }.max() ?? 0
    }
}
