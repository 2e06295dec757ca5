import Foundation
import TensorEngine

/// One run's scores turned into figures, controls beside attacks.
struct RunEvaluation {
    /// How the scores of several data holders are compared.
    enum Pooling {
        /// As they are: one party scored them all, and the blind baseline saw all of their texts.
        case asScored
        /// Each holder's scores less the median of all its records, members and held-out ones alike. Holders' records differ
        /// in difficulty, and their classifiers without a model in their zero; with unequal shares held out, that alone would
        /// look like a leak.
        case centredByHolder
    }

    let report: AuditReport.RunReport
    let scores: RunScores

    /// - Parameters:
    ///   - keepsRanks: whether the vantage points at which all records were scored keep how the main attacks rank them.
    ///   - finishedTable: called after each table of attacks.
    init(
        _ run: ScoredRun,
        suite: AttackSuite,
        pooling: Pooling = .asScored,
        keepsRanks: Bool = false,
        finishedTable: () -> Void
    ) throws {
        let generator = SeededGenerator(seed: suite.seed)
        let all = AttackTable(records: run.records, suite: suite, pooling: pooling, generator: generator)
        let blindResult = try all.results([("BLIND", all.labelled(run.blind))], label: "blind", minus: nil)[0]
        finishedTable()

        var scores = RunScores(name: run.name)
        var vantages: [AuditReport.VantageReport] = []
        var strongest: [(vantage: VantagePoint, attack: String, records: [ScoredRecord], sample: LabelledScores)] = []
        for vantage in run.vantages {
            let positions = vantage.positions ?? Array(run.records.indices)
            let records = positions.map { run.records[$0] }
            let table = AttackTable(records: records, suite: suite, pooling: pooling, generator: generator)
            let blind = try table.labelled(positions.map { run.blind[$0] })
            func labelled(_ lists: [AttackScores]) throws -> [(name: String, sample: LabelledScores)] {
                try lists.map { ($0.attack, try table.labelled($0.scores)) }
            }
            let scored = try labelled(vantage.attacks)
            let name = vantage.vantage.rawValue
            var results = try table.results(scored, label: name, minus: blind)
            for index in results.indices { results[index].operations = vantage.operations?[results[index].attack] }
            let null = try labelled(vantage.nullControl)
            for index in results.indices {
                guard let control = null.first(where: { $0.name == results[index].attack }) else { continue }
                results[index].minusUntuned = AuditReport.Difference(
                    try PairedDeLong(scored[index].sample, control.sample)
                )
            }
            finishedTable()
            let nullResults = try table.results(
                null,
                label: "\(name), null control",
                minus: blind
            )
            finishedTable()

            scores.scores[vantage.vantage] = RunScores.Scored(
                recordIDs: records.map(\.id),
                attacks: Dictionary(scored.map { ($0.name, $0.sample) }, uniquingKeysWith: { first, _ in first })
            )
            vantages.append(
                AuditReport.VantageReport(
                    vantage: vantage.vantage,
                    fit: AuditReport.Fit(vantage, isMember: records.map(\.isMember)),
                    attacks: results,
                    nullControl: nullResults,
                    rounds: try vantage.rounds.map {
                        try $0.compactMap { try RoundLeak($0, of: records, suite: suite, pooling: pooling) }
                    },
                    ranks: keepsRanks && vantage.positions == nil
                        ? run.order.flatMap { order in
                            RankedScores(scored, strongest: results.max { $0.auc < $1.auc }?.attack, order: order)
                        } : nil
                )
            )
            if run.facts.twins?.contains(vantage.vantage) != true, let best = vantages.last?.strongest,
                let sample = scored.first(where: { $0.name == best.attack })?.sample
            {
                strongest.append((vantage.vantage, best.attack, records, sample))
            }
        }
        var control: AuditReport.PositiveControl?
        if let given = run.positiveControl {
            let scored = try given.view.attacks.map { ($0.attack, try all.labelled($0.scores)) }
            var results = try all.results(scored, label: "positive control", minus: all.labelled(run.blind))
            for index in results.indices { results[index].condense() }
            control = AuditReport.PositiveControl(
                description: given.description,
                fit: AuditReport.Fit(given.view, isMember: run.records.map(\.isMember)),
                attacks: results
            )
            finishedTable()
        }
        let active = try run.active.map { fork in
            defer { finishedTable() }
            return try ActiveReport(fork, suite: suite, pooling: pooling)
        }
        self.scores = scores
        // Claims about records and about participants share the chance of an error.
        let hasFairCoins = (run.facts.heldOutShare ?? 0.5) == 0.5
        let others = run.clientCanaries == nil ? 0 : 1
        let canaries = try run.canaries.map {
            try CanaryReport(
                $0,
                suite: suite,
                delta: run.facts.boundDelta,
                families: (hasFairCoins ? 2 : 1) + others
            )
        }
        report = AuditReport.RunReport(
            name: run.name,
            facts: run.facts,
            counts: AuditReport.Counts(run.records, leftOut: run.leftOut),
            blind: blindResult,
            vantages: vantages,
            privacy: try PrivacyMeasurement(
                // Guesses at several vantage points are about the same canaries.
                scores: scores.scores.values.allSatisfy { $0.recordIDs.count == run.records.count }
                    ? scores.scores.mapValues(\.attacks) : [:],
                facts: run.facts,
                families: (canaries?.single == nil ? 1 : 2) + others
            ),
            reconstructions: run.reconstructions,
            positiveControl: control,
            canaries: canaries,
            exposed: ExposedRecord.most(strongest),
            active: active,
            clientCanaries: try run.clientCanaries.map {
                try ClientCanaryReport(
                    $0,
                    delta: run.facts.clientDelta,
                    families: 1 + (hasFairCoins ? 1 : 0) + (canaries == nil ? 0 : 1)
                )
            }
        )
    }
}

/// Turns scores into figures, all attacks of a table together.
private struct AttackTable {
    let records: [ScoredRecord]
    let suite: AttackSuite
    let pooling: RunEvaluation.Pooling
    let generator: SeededGenerator

    func labelled(_ scores: [Double]) throws -> LabelledScores {
        var scores = scores
        if pooling == .centredByHolder, scores.count == records.count {
            let positions = Dictionary(grouping: records.indices) { records[$0].holder }
            for own in positions.values {
                let center = Bootstrap.quantile(own.map { scores[$0] }, 0.5)
                for index in own { scores[index] -= center }
            }
        }
        return try LabelledScores(scores: scores, isMember: records.map(\.isMember), clusters: records.map(\.coin))
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
                strata: pooling == .centredByHolder ? records.map(\.holder) : nil,
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

extension ActiveReport {
    fileprivate init(_ fork: ScoredActive, suite: AttackSuite, pooling: RunEvaluation.Pooling) throws {
        let table = AttackTable(
            records: fork.records,
            suite: suite,
            pooling: pooling,
            generator: SeededGenerator(seed: suite.seed)
        )
        let blind = try table.labelled(fork.blind)
        let views = try zip(fork.views, fork.evidence.views).map { scored, seen in
            var results = try table.results(
                scored.attacks.map { ($0.attack, try table.labelled($0.scores)) },
                label: "active, \(scored.vantage.rawValue)",
                minus: blind
            )
            for index in results.indices {
                results[index].operations = fork.evidence.operations[results[index].attack]
                results[index].condense()
            }
            func course(_ side: Bool) -> Course {
                Course(zip(seen.rounds, fork.records).filter { $1.isMember == side }.map(\.0))
            }
            return View(
                vantage: scored.vantage,
                attacks: results,
                memberCourse: course(true),
                heldOutCourse: course(false)
            )
        }
        self.init(
            settings: suite.activeSettings,
            members: fork.records.count(where: \.isMember),
            heldOut: fork.records.count { !$0.isMember },
            isMasked: fork.evidence.isMasked,
            isAlwaysRefused: fork.evidence.isAlwaysRefused,
            trainingOperations: fork.evidence.trainingOperations,
            views: views
        )
    }
}

extension RoundLeak {
    /// Nil when the round has fewer than two records on a side.
    fileprivate init?(
        _ scores: RoundScores,
        of records: [ScoredRecord],
        suite: AttackSuite,
        pooling: RunEvaluation.Pooling
    ) throws {
        let own = scores.positions.map { records[$0] }
        let members = own.count(where: \.isMember)
        guard min(members, own.count - members) > 1 else { return nil }
        let table = AttackTable(
            records: own,
            suite: suite,
            pooling: pooling,
            generator: SeededGenerator(seed: suite.seed)
        )
        self.init(
            round: scores.round,
            members: members,
            heldOut: own.count - members,
            attacks: try scores.attacks.map { AttackEstimate($0.attack, try table.labelled($0.scores)) }
        )
    }
}

extension AuditReport.Fit {
    fileprivate init(_ vantage: ScoredVantage, isMember: [Bool]) {
        func perplexity(_ side: Bool, _ likelihoods: [Double]) -> Double {
            let own = zip(likelihoods, isMember).filter { $0.1 == side }.map(\.0)
            return exp(-own.reduce(0, +) / Double(own.count))
        }
        self.init(
            memberPerplexityBefore: perplexity(true, vantage.likelihoodBefore),
            memberPerplexityAfter: perplexity(true, vantage.likelihoodAfter),
            heldOutPerplexityBefore: perplexity(false, vantage.likelihoodBefore),
            heldOutPerplexityAfter: perplexity(false, vantage.likelihoodAfter),
            hasChanged: vantage.hasChanged
        )
    }
}

extension AuditReport.Counts {
    fileprivate init(_ records: [ScoredRecord], leftOut: Int) {
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
