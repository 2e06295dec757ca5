import Audit
import Foundation
import TensorEngine
import Testing

/// LIRA and RMIA on scores with a known answer.
struct ShadowAttackTests {
    private func observation(_ probability: Double, _ shadows: ShadowEvidence?, id: String = "r") -> RecordObservation {
        let token = TokenObservation(logProbability: log(probability), mean: 0, deviation: 1, isArgmax: false)
        return RecordObservation(
            record: AuditedRecord(id: id, holder: "h", coin: 0, isMember: true, text: "", answer: ""),
            tuned: [token],
            reference: [token],
            shadows: shadows
        )
    }

    /// The probability with a given logit.
    private func probability(logit: Double) -> Double { 1 / (1 + exp(-logit)) }

    private func evidence(inside: [Double], outside: [Double]) -> ShadowEvidence {
        ShadowEvidence(
            isIncluded: inside.map { _ in true } + outside.map { _ in false },
            logLikelihoods: (inside + outside).map { log(probability(logit: $0)) }
        )
    }

    /// Without a prior, four shadows a side have 3 degrees of freedom; the golden deviations divide by n.
    @Test func likelihoodRatioAgainstSciPy() throws {
        let golden = try GoldenMetrics.load().lira
        let record = observation(
            probability(logit: golden.target),
            evidence(inside: golden.inside, outside: golden.outside)
        )
        let distance = try LiRAOfflineAttack(priorDegrees: 0).scores(of: [record])[0]
        try expectClose(distance * (4.0 / 3).squareRoot(), golden.offline_z, 1e-9, "offline")
        // scipy.stats.t.logpdf(2.1, 3, 2.3, s) − t.logpdf(2.1, 3, 0.6, s), s² = 0.05·4/3
        let ratio = try LiRAAttack(priorDegrees: 0).scores(of: [record])[0]
        try expectClose(ratio, 4.646_408_760_393, 1e-8, "online")
        // A strong prior makes the Student distribution a Gaussian of the pooled variance.
        let normal = try LiRAAttack(priorDegrees: 1e7).scores(of: [record])[0]
        try expectClose(normal, golden.online_score_logratio * 3 / 4, 1e-3, "online, Gaussian")
        for row in golden.phi_from_mean_nll {
            let one = observation(exp(-row.nll), evidence(inside: [1, 2], outside: [row.phi - 1, row.phi + 1]))
            #expect(abs(try LiRAOfflineAttack().scores(of: [one])[0]) < 1e-9, "logit of \(row.nll) nats")
        }
    }

    @Test func populationRankingAgainstTheGolden() throws {
        let cases = try GoldenMetrics.load().rmia
        #expect(cases.count == 4)
        for golden in cases {
            let population = ShadowPopulation(
                tuned: golden.target_z.map { log($0) },
                shadows: golden.out_ref_z.map { $0.map { log($0) } }
            )
            let records = zip(golden.target_x, golden.out_ref_x).map { target, references in
                observation(
                    target,
                    ShadowEvidence(
                        isIncluded: references.map { _ in false },
                        logLikelihoods: references.map { log($0) },
                        population: population
                    )
                )
            }
            let attack = RMIAOfflineAttack(gamma: golden.gamma, offlineA: golden.offline_a)
            #expect(try attack.scores(of: records) == golden.scores, "a \(golden.offline_a), γ \(golden.gamma)")
        }
    }

    @Test func onlineMarginalIsTheMeanOfBothSides() throws {
        let sides = ShadowEvidence(
            isIncluded: [true, false, true, false],
            logLikelihoods: [0.6, 0.2, 0.8, 0.4].map { log($0) }
        )
        let score = try RMIAAttack().scores(of: [observation(0.9, sides)])[0]
        try expectClose(score, log(0.9 / ((0.7 + 0.3) / 2)), 1e-12, "RMIA without a population")
    }

    /// Records of very different difficulty, a small gain for members: hopeless for LOSS, easy with shadows.
    private static func synthetic(
        _ count: Int,
        gain: Double,
        shadows: Int,
        seed: UInt64
    ) throws -> (observations: [RecordObservation], isMember: [Bool]) {
        var generator = SeededGenerator(seed: seed)
        let coins = try ShadowCoins(
            ties: Array(0..<count),
            holders: (0..<count).map { _ in "h" },
            shadows: shadows,
            seed: seed
        )
        let isMember = (0..<count).map { _ in generator.uniform() < 0.5 }
        let outsiders = (0..<200).map { _ in 1.5 + generator.normal() }
        func loss(_ difficulty: Double, _ isIn: Bool) -> Double {
            min(-0.01, -exp(0.3 * difficulty) + (isIn ? gain : 0) + 0.1 * generator.normal())
        }
        let population = ShadowPopulation(
            tuned: outsiders.map { loss($0, false) },
            shadows: outsiders.map { outsider in (0..<shadows).map { _ in loss(outsider, false) } }
        )
        let observations = (0..<count).map { index in
            let difficulty = 2 * generator.normal()
            let token = TokenObservation(
                logProbability: loss(difficulty, isMember[index]),
                mean: 0,
                deviation: 1,
                isArgmax: false
            )
            let isIncluded = coins.isIncluded.map { $0[index] }
            return RecordObservation(
                record: AuditedRecord(
                    id: "\(index)",
                    holder: "h",
                    coin: index,
                    isMember: isMember[index],
                    text: "",
                    answer: ""
                ),
                tuned: [token],
                reference: [token],
                shadows: ShadowEvidence(
                    isIncluded: isIncluded,
                    logLikelihoods: isIncluded.map { loss(difficulty, $0) },
                    population: population
                )
            )
        }
        return (observations, isMember)
    }

    private static let attacks: [any Attack] = [
        LiRAAttack(), LiRAOfflineAttack(), RMIAAttack(), RMIAOfflineAttack(),
    ]

    @Test(arguments: [4, 16]) func shadowsCancelDifficulty(shadows: Int) throws {
        let (observations, isMember) = try Self.synthetic(600, gain: 0.25, shadows: shadows, seed: 4)
        func auc(_ attack: any Attack) throws -> Double {
            AUC.value(of: try LabelledScores(scores: attack.checkedScores(of: observations), isMember: isMember))
        }
        #expect(try auc(LossAttack()) < 0.65)
        for attack in Self.attacks { #expect(try auc(attack) > 0.8, "\(attack.name), \(shadows) shadows") }
        #expect(try auc(LiRAAttack()) > 0.9)
    }

    /// The attack with shadows makes no more false alarms than chance, although it is fitted.
    @Test func nothingIsFoundWhereNothingIs() throws {
        var alarms = [String: Int]()
        let runs = 500
        for seed in 0..<UInt64(runs) {
            let (observations, isMember) = try Self.synthetic(60, gain: 0, shadows: 4, seed: seed)
            for attack in Self.attacks {
                let sample = try LabelledScores(scores: attack.checkedScores(of: observations), isMember: isMember)
                if !DeLong(sample).interval().contains(0.5) { alarms[attack.name, default: 0] += 1 }
            }
        }
        for (attack, count) in alarms { #expect(count <= Calibration.allowed(runs), "\(attack): \(count) of \(runs)") }
    }

    /// The published ratio and its limit rank alike for one audited model; the population brings ties only.
    @Test func aPopulationRanksAsTheRatioDoes() throws {
        let (observations, _) = try Self.synthetic(80, gain: 0.2, shadows: 4, seed: 9)
        let with = try RMIAAttack().scores(of: observations)
        let without = try RMIAAttack().scores(
            of: observations.map { observation in
                var copy = observation
                copy.shadows?.population = nil
                return copy
            }
        )
        let order = without.indices.sorted { without[$0] < without[$1] }
        #expect(zip(order, order.dropFirst()).allSatisfy { with[$0] <= with[$1] })
        #expect(Set(with).count > 20)
    }

    @Test func missingShadowsAreNamed() {
        for (evidence, reason) in [
            (nil, "no shadow model scored it"),
            (
                ShadowEvidence(isIncluded: [true, true], logLikelihoods: [-1, -1]),
                "the shadow models that trained on it, or those that did not, are missing"
            ),
        ] as [(ShadowEvidence?, String)] {
            for attack in Self.attacks {
                #expect(throws: AuditError.unusableObservation(record: "x", reason: reason), "\(attack.name)") {
                    try attack.scores(of: [observation(0.5, evidence, id: "x")])
                }
            }
        }
    }
}
