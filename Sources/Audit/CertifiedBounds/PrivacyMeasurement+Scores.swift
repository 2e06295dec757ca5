extension PrivacyMeasurement {
    /// The best bounds that the scores give; nil when the coins are not fair, or too few.
    ///
    /// - Parameters:
    ///   - scores: by vantage point and attack, aligned with the records.
    ///   - facts: of the run.
    ///   - families: groups of tests that share the significance, as ``init(samples:delta:families:)`` takes them.
    /// - Throws: `AuditError.outOfRange` for a stated δ that is none.
    init?(scores: [VantagePoint: [String: LabelledScores]], facts: RunFacts, families: Int = 1) throws {
        guard (facts.heldOutShare ?? 0.5) == 0.5 else { return nil }
        try self.init(samples: scores, delta: facts.boundDelta, families: families)
    }

    /// The best bounds that the scores of fairly coined records give; nil when too few have a coin of their own.
    ///
    /// - Parameters:
    ///   - scores: by vantage point and attack, aligned with the records.
    ///   - delta: of the bounds.
    ///   - families: groups of tests, this one among them, that share the significance in equal parts.
    /// - Throws: `AuditError.outOfRange` for a δ that is none.
    init?(samples scores: [VantagePoint: [String: LabelledScores]], delta: Double, families: Int) throws {
        // Not every vantage point allows an attack.
        guard let any = scores.values.lazy.flatMap(\.values).first else { return nil }
        let records = any.clusters.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        let canaries = any.clusters.indices.filter { records[any.clusters[$0]] == 1 }
        guard canaries.count >= Self.fewestCanaries else { return nil }
        self.canaries = canaries.count
        self.delta = delta
        let attacks = scores.values.reduce(0) { $0 + $1.count }
        tests = attacks * Self.shares.count * families
        lowerBounds = []
        let significance = Self.significance / Double(tests)
        for vantage in VantagePoint.allCases {
            guard let attacked = scores[vantage], !attacked.isEmpty else { continue }
            var best: [Method: LowerBound] = [:]
            for share in Self.shares {
                let guesses = max(2, Int(share * Double(canaries.count)) / 2 * 2)
                // Of the attacks, the one with the most correct guesses gives the largest bound.
                let counted = attacked.map { name, sample in
                    (name: name, guessed: Guessed(sample, canaries: canaries, guesses: guesses))
                }
                let order = { (a: (name: String, guessed: Guessed), b: (name: String, guessed: Guessed)) -> Bool in
                    (a.guessed.correct, b.name) < (b.guessed.correct, a.name)
                }
                guard let (attack, guessed) = counted.max(by: order) else { continue }
                for method in Method.allCases {
                    let epsilon = try guessed.epsilon(method, delta: delta, significance: significance)
                    let found = LowerBound(
                        vantage: vantage,
                        method: method,
                        attack: attack,
                        guesses: guesses,
                        correct: guessed.correct,
                        epsilon: epsilon
                    )
                    if epsilon > best[method]?.epsilon ?? -1 { best[method] = found }
                }
            }
            lowerBounds += Method.allCases.compactMap { best[$0] }
        }
    }

    /// "In" for the highest scores, "out" for the lowest.
    private struct Guessed {
        let canaries: Int
        let members: Int
        let guesses: Int
        let truePositives: Int
        let trueNegatives: Int

        var correct: Int { truePositives + trueNegatives }

        init(_ sample: LabelledScores, canaries: [Int], guesses: Int) {
            // Equal scores by position: which of them is guessed must not depend on the coin.
            let order = canaries.sorted { (sample.scores[$0], $0) < (sample.scores[$1], $1) }
            self.canaries = canaries.count
            self.guesses = guesses
            members = canaries.count { sample.isMember[$0] }
            truePositives = order.suffix(guesses / 2).count { sample.isMember[$0] }
            trueNegatives = order.prefix(guesses / 2).count { !sample.isMember[$0] }
        }

        func epsilon(_ method: Method, delta: Double, significance: Double) throws -> Double {
            switch method {
            case .oneRun, .gaussianOneRun:
                let audit = try OneRunAudit(
                    canaries: canaries,
                    guesses: guesses,
                    correct: correct,
                    delta: delta,
                    significance: significance
                )
                return method == .oneRun ? OneRunBound(audit).epsilon : GaussianOneRunBound(audit).epsilon
            case .clopperPearson:
                guard members > 0, members < canaries else { return 0 }
                return try ClopperPearsonBound(
                    truePositives: truePositives,
                    members: members,
                    falsePositives: guesses / 2 - truePositives,
                    nonMembers: canaries - members,
                    delta: delta,
                    significance: significance
                ).epsilon
            }
        }
    }
}
