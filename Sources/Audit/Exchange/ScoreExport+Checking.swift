import Federation

extension ScoreExport {
    /// Refuses an export that contradicts itself or what its holder committed to before round 1.
    ///
    /// - Parameters:
    ///   - commitments: what the run recorded.
    ///   - path: the export, for errors.
    /// - Throws: `AuditError.unusableExchange`, or `.nonFiniteScore` naming attack and record.
    public func check(against commitments: [RunDescription.Commitment], path: String) throws {
        func refuse(_ reason: String, _ remedy: String = "obtain it again from its holder") -> AuditError {
            .unusableExchange(path: path, reason: reason, remedy: remedy)
        }
        guard let commitment = commitments.first(where: { $0.root == root }) else {
            throw refuse(
                "its root \(root.prefix(12))… is not one that the run recorded before round 1",
                "give the run.json of this run, or score with the plan that it was tuned with"
            )
        }
        guard commitment.holders == holders else {
            throw refuse("it names other data holders than the run recorded for its root")
        }
        guard holdout > 0, holdout < 1, shippedParameters > 0, fullParameters.map({ $0 > 0 }) ?? true else {
            throw refuse("its holdout or a number of parameters is out of range", "make it again with fsot audit score")
        }
        guard openings.count == commitment.records else {
            throw refuse("it opens \(openings.count) of the \(commitment.records) records that were committed to")
        }
        guard PlanCommitment.Opening.root(of: openings) == root else {
            throw refuse("its openings do not give its root: a record or a coin was altered since the plan was drawn")
        }
        guard openings.allSatisfy({ holders.indices.contains($0.holder) && $0.coin >= 0 }) else {
            throw refuse("a record names a data holder that is not there")
        }
        var sides: [Int: Bool] = [:]
        for opening in openings where sides.updateValue(opening.isIncluded, forKey: opening.coin) == !opening.isIncluded
        {
            throw refuse(
                "coin \(opening.coin) has two sides",
                "draw the plan again with fsot audit plan and tune again"
            )
        }
        let onCoin = openings.reduce(into: [Int: Int]()) { $0[$1.coin, default: 0] += 1 }
        if let shared = openings.first(where: { $0.canary != nil && onCoin[$0.coin] != 1 }) {
            throw refuse("a canary shares coin \(shared.coin) with another record")
        }
        guard scored.allSatisfy({ !openings.indices.contains($0) || openings[$0].canary == nil }),
            (canaries != nil) == openings.contains(where: { $0.canary != nil }),
            canaries?.scored.allSatisfy({ openings.indices.contains($0) && openings[$0].canary != nil }) ?? true
        else { throw refuse("its scores of canaries are not those of the canaries that were committed to") }
        try checkScores(scored, vantages, blind, refuse)
        if let canaries { try checkScores(canaries.scored, canaries.vantages, nil, refuse) }
    }

    private func checkScores(
        _ scored: [Int],
        _ vantages: [ScoredVantage],
        _ blind: [Double]?,
        _ refuse: (String, String) -> AuditError
    ) throws {
        let remedy = "make it again with fsot audit score"
        guard zip(scored, scored.dropFirst()).allSatisfy({ $0 < $1 }), scored.allSatisfy(openings.indices.contains)
        else { throw refuse("the positions of its scored records are damaged", remedy) }
        guard Set(vantages.map(\.vantage)).count == vantages.count, vantages.allSatisfy({ $0.positions == nil }),
            vantages.contains(where: { $0.vantage == .peer })
        else { throw refuse("it does not have each vantage point once, peer among them", remedy) }
        let known = Set(try suite.makeAttacks().map(\.name))
        for vantage in vantages {
            let names = vantage.attacks.map(\.attack)
            guard Set(names).count == names.count, known.isSuperset(of: names + vantage.nullControl.map(\.attack))
            else {
                throw refuse("it has an attack twice, or one that its suite does not have", remedy)
            }
        }
        for rounds in vantages.compactMap(\.rounds) {
            guard rounds.allSatisfy({ $0.isSound(records: scored.count) }) else {
                throw refuse("its scores of single rounds are damaged", remedy)
            }
        }
        for (name, scores) in (blind.map { [("BLIND", $0)] } ?? []) + vantages.flatMap(\.lists) {
            guard scores.count == scored.count else {
                throw refuse("\(name) has \(scores.count) scores for \(scored.count) records", remedy)
            }
            for (score, position) in zip(scores, scored) where !score.isFinite {
                throw AuditError.nonFiniteScore(attack: name, record: recordID(position), value: "\(score)")
            }
        }
    }

    /// The salted name of a record.
    func recordID(_ position: Int) -> String {
        let opening = openings[position]
        return DrawnPlan.recordID(holder: holders[opening.holder], digest: opening.digest, index: position)
    }
}
