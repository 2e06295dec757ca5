import Foundation
import TensorEngine

/// One run through all attacks and controls.
struct RunEvaluation {
    let report: AuditReport.RunReport
    let scores: RunScores

    /// - Parameter finishedTable: called after each table of attacks.
    init(
        _ input: AuditInput,
        suite: AttackSuite,
        attacks: [any Attack],
        finishedTable: () -> Void
    ) throws {
        let views = input.vantages + [input.positiveControl?.view].compactMap { $0 }
        for view in views { try view.check(count: input.records.count) }
        let kept = input.records.indices.filter { index in
            views.allSatisfy { $0.hasTokens(at: index) }
        }
        let records = kept.map { input.records[$0] }
        let generator = SeededGenerator(seed: suite.seed)
        let table = AttackTable(records: records, suite: suite, generator: generator)

        var folds = generator.derive("blind folds")
        let blindScores = BlindBaseline(suite.blind).scores(of: records, using: &folds)
        let blind = try table.labelled(blindScores)
        let blindResult = try table.results([("BLIND", blind)], label: "blind", minus: nil)[0]
        finishedTable()

        var scores = RunScores(name: input.name, recordIDs: records.map(\.id))
        var vantages: [AuditReport.VantageReport] = []
        for vantage in input.vantages {
            let observations = try vantage.observations(of: input.records, at: kept)
            let possible = attacks.filter { vantage.allows($0) }
            let scored = try possible.map { attack in
                (attack.name, try table.labelled(attack.checkedScores(of: observations)))
            }
            var results = try table.results(scored, label: vantage.vantage.rawValue, minus: blind)
            for (index, attack) in possible.enumerated() {
                results[index].operations = vantage.cost?.operations(of: attack)
            }
            finishedTable()

            let untuned = vantage.nullControl
            let nullObservations = try untuned.observations(of: input.records, at: kept)
            let nullScored =
                try possible
                .filter { $0.needs.isSubset(of: [.lowered, .prefixed]) && $0.needs.isSubset(of: untuned.evidence) }
                .map { attack in (attack.name, try table.labelled(attack.checkedScores(of: nullObservations))) }
            let nullResults = try table.results(
                nullScored,
                label: "\(vantage.vantage.rawValue), null control",
                minus: blind
            )
            finishedTable()

            scores.scores[vantage.vantage] = Dictionary(scored, uniquingKeysWith: { first, _ in first })
            vantages.append(
                AuditReport.VantageReport(
                    vantage: vantage.vantage,
                    fit: AuditReport.Fit(observations),
                    attacks: results,
                    nullControl: nullResults
                )
            )
        }
        var control: AuditReport.PositiveControl?
        if let given = input.positiveControl {
            let observations = try given.view.observations(of: input.records, at: kept)
            let scored = try attacks.filter { given.view.allows($0) }.map { attack in
                (attack.name, try table.labelled(attack.checkedScores(of: observations)))
            }
            var results = try table.results(scored, label: "positive control", minus: blind)
            for index in results.indices { results[index].condense() }
            control = AuditReport.PositiveControl(
                description: given.description,
                fit: AuditReport.Fit(observations),
                attacks: results
            )
            finishedTable()
        }
        self.scores = scores
        report = AuditReport.RunReport(
            name: input.name,
            facts: input.facts,
            counts: AuditReport.Counts(records, leftOut: input.records.count - records.count),
            blind: blindResult,
            vantages: vantages,
            privacy: try PrivacyMeasurement(scores: scores.scores, facts: input.facts),
            reconstructions: input.reconstructions,
            positiveControl: control
        )
    }
}

/// Turns scores into figures, all attacks of a table together.
private struct AttackTable {
    let records: [AuditedRecord]
    let suite: AttackSuite
    let generator: SeededGenerator

    func labelled(_ scores: [Double]) throws -> LabelledScores {
        try LabelledScores(scores: scores, isMember: records.map(\.isMember), clusters: records.map(\.coin))
    }

    func results(
        _ attacks: [(name: String, sample: LabelledScores)],
        label: String,
        minus blind: LabelledScores?
    ) throws -> [AuditReport.AttackResult] {
        var deals = generator.derive("permutations, \(label)")
        let pValues = try MaxTPermutation.adjustedPValues(
            attacks: attacks.map(\.sample),
            strata: records.map(\.holder),
            permutations: suite.permutations,
            using: &deals
        )
        return try zip(attacks, pValues).map { attack, pValue in
            let sample = attack.sample
            let curve = ROCCurve(sample)
            let deLong = DeLong(sample)
            var resamples = generator.derive("bootstrap, \(label), \(attack.name)")
            let intervals = Bootstrap.truePositiveRateIntervals(
                of: sample,
                levels: suite.falsePositiveRates,
                replicates: suite.bootstrapReplicates,
                using: &resamples
            )
            return AuditReport.AttackResult(
                attack: attack.name,
                auc: deLong.auc,
                aucInterval: deLong.interval(),
                adjustedPValue: pValue,
                truePositiveRates: zip(suite.falsePositiveRates, intervals).map { level, interval in
                    let rate = curve.truePositiveRate(atFalsePositiveRate: level)
                    return AuditReport.TruePositiveRate(
                        falsePositiveRate: level,
                        value: rate,
                        interval: interval.widened(for: rate, trials: sample.memberCoinCount),
                        isResolvable: level * Double(sample.heldOutCount) >= 1
                    )
                },
                minusBlind: try blind.map { AuditReport.Difference(try PairedDeLong(sample, $0)) },
                curve: curve.thinned(to: 160),
                histogram: ScoreHistogram(sample),
                isConstant: Set(sample.scores).count == 1
            )
        }
    }
}

extension VantageObservations {
    fileprivate func hasTokens(at index: Int) -> Bool {
        let lists = [tuned, reference, loweredTuned, loweredReference].compactMap { $0 }
        return lists.allSatisfy { !$0[index].isEmpty }
    }
}

extension AuditReport.Fit {
    fileprivate init(_ observations: [RecordObservation]) {
        func perplexity(_ isMember: Bool, _ tokens: (RecordObservation) -> [TokenObservation]) -> Double {
            let side = observations.filter { $0.record.isMember == isMember }
            let sum = side.reduce(0) { $0 + LogLikelihood.mean(tokens($1)) }
            return exp(-sum / Double(side.count))
        }
        self.init(
            memberPerplexityBefore: perplexity(true, \.reference),
            memberPerplexityAfter: perplexity(true, \.tuned),
            heldOutPerplexityBefore: perplexity(false, \.reference),
            heldOutPerplexityAfter: perplexity(false, \.tuned),
            hasChanged: observations.contains { $0.tuned != $0.reference }
        )
    }
}

extension AuditReport.Counts {
    fileprivate init(_ records: [AuditedRecord], leftOut: Int) {
        var holders: [String: (members: Int, heldOut: Int)] = [:]
        for record in records {
            holders[record.holder, default: (0, 0)].members += record.isMember ? 1 : 0
            holders[record.holder, default: (0, 0)].heldOut += record.isMember ? 0 : 1
        }
        let members = records.filter(\.isMember)
        let heldOut = records.filter { !$0.isMember }
        let memberCoins = Set(members.map(\.coin)).count
        let heldOutCoins = Set(heldOut.map(\.coin)).count
        self.init(
            members: members.count,
            heldOut: heldOut.count,
            memberCoins: memberCoins,
            heldOutCoins: heldOutCoins,
            leftOut: leftOut,
            holders: holders.sorted { $0.key < $1.key }.map {
                Holder(name: $0.key, members: $0.value.members, heldOut: $0.value.heldOut)
            },
            smallestFalsePositiveRate: heldOut.isEmpty ? 1 : 1 / Double(heldOut.count),
            smallestDetectableAUC: AUC.smallestDetectable(members: memberCoins, heldOut: heldOutCoins)
        )
    }
}

extension ConfidenceInterval {
    /// A bootstrap interval of a rate of 0 or 1 may shrink to that point, as if few records could prove it; the exact
    /// binomial interval of as many coins is added to it.
    fileprivate func widened(for rate: Double, trials: Int) -> ConfidenceInterval {
        guard rate == 0 || rate == 1 else { return self }
        let exact = ClopperPearson.interval(successes: rate == 0 ? 0 : trials, trials: trials)
        return ConfidenceInterval(lower: min(lower, exact.lower), upper: max(upper, exact.upper))
    }
}
