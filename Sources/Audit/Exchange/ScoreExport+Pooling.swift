import Federation
import Progress
import Training

extension Audit {
    /// The report of what data holders handed in, after everything was checked against what the run recorded before round 1.
    ///
    /// The order of the exports does not matter. Scores are centred by data holder (its median), coins are dealt and drawn anew
    /// within each.
    ///
    /// - Parameters:
    ///   - exports: the exports, with their paths for errors.
    ///   - run: what `run.json` says.
    ///   - name: the run's name in the report.
    ///   - facts: what the run was; the coverage is added.
    ///   - title: the report's heading.
    ///   - provenance: labelled lines about how the report was made.
    /// - Throws: `AuditError`.
    public static func merge(
        _ exports: [(path: String, export: ScoreExport)],
        of run: RunDescription,
        name: String,
        facts: RunFacts,
        title: String,
        provenance: [RunFacts.Detail],
        progress: ProgressHandler? = nil
    ) throws -> AuditOutcome {
        let pooled = try ScoreExport.pool(exports, of: run, name: name, facts: facts)
        let suite = exports[0].export.suite
        let total = pooled.vantages.count * 2 + 1
        var completed = 0
        progress?(ProgressEvent(phase: "comparing", completed: 0, total: total, unit: "tables"))
        let evaluation = try RunEvaluation(pooled, suite: suite, pooling: .centredByHolder) {
            completed += 1
            progress?(ProgressEvent(phase: "comparing", completed: completed, total: total, unit: "tables"))
        }
        var report = AuditReport(
            title: title,
            provenance: provenance,
            suite: suite,
            attackExplanations: try suite.makeAttacks().map {
                RunFacts.Detail($0.name, $0.explanation + " " + $0.assumption)
            },
            verdict: Verdict.judge(runs: [evaluation.report], policy: suite.policy),
            runs: [evaluation.report],
            comparisons: []
        )
        let absent = ScoreExport.absentHolders(exports.map(\.export), of: run)
        if !absent.isEmpty {
            report.notTested.insert(
                "The records of \(absent.joined(separator: ", ")): no scores were handed in for them.",
                at: 0
            )
        }
        return AuditOutcome(report: report, scoresCSV: RunScores.csv([evaluation.scores]))
    }
}

extension ScoreExport {
    /// Data holders of the run without an export.
    public static func absentHolders(_ exports: [ScoreExport], of run: RunDescription) -> [String] {
        let present = Set(exports.flatMap(\.holders))
        return run.holders.map(\.name).filter { !present.contains($0) }
    }

    /// Checks the exports and joins them, in the order of the run's commitments.
    static func pool(
        _ exports: [(path: String, export: ScoreExport)],
        of run: RunDescription,
        name: String,
        facts: RunFacts
    ) throws -> ScoredRun {
        guard let first = exports.first?.export else { throw AuditError.nothingToAudit }
        let commitments = run.commitments ?? []
        for (path, export) in exports {
            try export.check(against: commitments, path: path)
            try export.checkAgrees(with: first, run, path: path)
        }
        try refuseRepetition(exports)
        let order = Dictionary(commitments.enumerated().map { ($1.root, $0) }, uniquingKeysWith: min)
        let sorted = exports.map(\.export).sorted { order[$0.root, default: 0] < order[$1.root, default: 0] }

        var records: [ScoredRecord] = []
        var starts: [Int] = []
        var canaries: [ScoredRecord] = []
        var canaryStarts: [Int] = []
        var coins = 0
        for export in sorted {
            starts.append(records.count)
            records += export.scored.map { export.record($0, coinsBefore: coins) }
            canaryStarts.append(canaries.count)
            canaries += (export.canaries?.scored ?? []).map { export.record($0, coinsBefore: coins) }
            coins += 1 + (export.openings.map(\.coin).max() ?? 0)
        }
        var facts = facts
        facts.coverage = Coverage.of(
            try first.suite.makeAttacks(),
            in: sorted,
            isWhole: absentHolders(sorted, of: run).isEmpty
        )
        var run = ScoredRun(
            name: name,
            facts: facts,
            records: records,
            leftOut: sorted.reduce(0) { $0 + $1.openings.count { $0.canary == nil } - $1.scored.count },
            blind: sorted.flatMap(\.blind),
            vantages: VantagePoint.allCases.compactMap { vantage in
                let views = zip(starts, sorted).compactMap { start, export in
                    export.vantages.first { $0.vantage == vantage }.map { (start: start, view: $0) }
                }
                return ScoredVantage(joining: views)
            }
        )
        let planted = sorted.reduce(0) { $0 + $1.openings.count { $0.canary != nil } }
        guard planted > 0 else { return run }
        run.canaries = ScoredCanaries(
            records: canaries,
            leftOut: planted - canaries.count,
            vantages: VantagePoint.allCases.compactMap { vantage in
                let views = zip(canaryStarts, sorted).compactMap { start, export in
                    export.canaries?.vantages.first { $0.vantage == vantage }.map { (start: start, view: $0) }
                }
                return ScoredVantage(joining: views)
            }
        )
        return run
    }

    /// A record by its name and a coin that no other export's has.
    private func record(_ position: Int, coinsBefore coins: Int) -> ScoredRecord {
        let opening = openings[position]
        return ScoredRecord(
            id: recordID(position),
            holder: holders[opening.holder],
            coin: coins + opening.coin,
            isMember: opening.isIncluded,
            canary: opening.canary
        )
    }

    private func checkAgrees(with first: ScoreExport, _ run: RunDescription, path: String) throws {
        let agreements: [(Bool, String)] = [
            (suite == first.suite, "it was made with another suite than the first export"),
            (adapterDigest == first.adapterDigest, "it scores another adapter than the first export"),
            (emulatorDigest == run.emulatorDigest, "it scores another emulator than the run was tuned on"),
            (
                shippedParameters == first.shippedParameters,
                "it counts the emulator's parameters otherwise than the first export"
            ),
            (
                template == run.template.rawValue && maximumLength == run.maximumLength,
                "it reads records with another template or length than the run"
            ),
        ]
        for (isSame, reason) in agreements where !isSame {
            throw AuditError.unusableExchange(
                path: path,
                reason: reason,
                remedy: "let all data holders score the same broadcast adapter with the same --suite"
            )
        }
    }

    private static func refuseRepetition(_ exports: [(path: String, export: ScoreExport)]) throws {
        var owners: [String: String] = [:]
        for (path, export) in exports {
            // Salts differ between plans, so equal digests are copies of an opening and not of a text.
            for digest in Set(export.openings.map(\.digest)) {
                if let other = owners.updateValue(path, forKey: digest) {
                    throw AuditError.unusableExchange(
                        path: path,
                        reason: "it has the records of \(other) again",
                        remedy: "give each data holder's export once"
                    )
                }
            }
        }
    }
}

extension ScoredVantage {
    /// Joins what several holders' exports say of one vantage point; nil without any. Attacks that not all of them have are
    /// left out.
    fileprivate init?(joining views: [(start: Int, view: ScoredVantage)]) {
        guard let first = views.first?.view else { return nil }
        func join(_ lists: KeyPath<ScoredVantage, [AttackScores]>) -> [AttackScores] {
            first[keyPath: lists].compactMap { list in
                let parts = views.compactMap { $0.view[keyPath: lists].first { $0.attack == list.attack } }
                guard parts.count == views.count else { return nil }
                return AttackScores(attack: list.attack, scores: parts.flatMap(\.scores))
            }
        }
        self.init(
            vantage: first.vantage,
            attacks: join(\.attacks),
            nullControl: join(\.nullControl),
            likelihoodBefore: views.flatMap(\.view.likelihoodBefore),
            likelihoodAfter: views.flatMap(\.view.likelihoodAfter),
            hasChanged: views.contains(where: \.view.hasChanged)
        )
        positions = views.flatMap { start, view in (start..<start + view.likelihoodBefore.count) }
        rounds = Self.joined(views.map(\.view))
    }

    /// Rounds that any holder observed, by the attacks that all of them have.
    private static func joined(_ views: [ScoredVantage]) -> [RoundScores]? {
        guard views.allSatisfy({ $0.rounds != nil }) else { return nil }
        var starts: [Int] = []
        for view in views { starts.append((starts.last ?? 0) + view.likelihoodBefore.count) }
        starts = [0] + starts.dropLast()
        let numbers = Set(views.flatMap { ($0.rounds ?? []).map(\.round) }).sorted()
        return numbers.map { number in
            let parts = zip(starts, views).compactMap { start, view in
                view.rounds?.first { $0.round == number }.map { (start: start, scores: $0) }
            }
            let names = parts.first?.scores.attacks.map(\.attack) ?? []
            return RoundScores(
                round: number,
                positions: parts.flatMap { start, scores in scores.positions.map { start + $0 } },
                attacks: names.compactMap { name in
                    let lists = parts.compactMap { $0.scores.attacks.first { $0.attack == name }?.scores }
                    return lists.count == parts.count ? AttackScores(attack: name, scores: lists.flatMap { $0 }) : nil
                }
            )
        }
    }
}
