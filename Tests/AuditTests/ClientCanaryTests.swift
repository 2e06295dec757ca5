import Audit
import DifferentialPrivacy
import Federation
import Foundation
import TensorEngine
import Testing

/// What canary clients say of ε, on a Gaussian mechanism whose ε is known.
struct ClientCanaryTests {
    private static let dimension = 1200

    /// One run: the sum of the directions that the coins let in, holders' updates, and noise of multiplier z.
    ///
    /// Not the run's own noise stream: this is the mechanism on paper, drawn anew.
    private func scores(
        count: Int,
        noise: Double,
        seed: UInt64,
        rounds: Int = 1,
        presence: CanaryClients.Presence = .once
    ) throws -> CanaryClientScores {
        let canaries = try CanaryClients(count: count, presence: presence, norm: 1, seed: seed)
        var generator = SeededGenerator(seed: seed).derive("mechanism")
        let included = canaries.isIncluded
        let meant = canaries.rounds(of: rounds)
        let directions = try (0..<count).map { try canaries.direction($0, dimension: Self.dimension) }
        var change = [Float](repeating: 0, count: Self.dimension)
        let products = (1...rounds).map { round in
            var sum = (0..<Self.dimension).map { Float(noise * generator.normal() + 0.01 * sin(Double($0))) }
            for index in 0..<count where included[index] && meant[index].contains(round) {
                for position in sum.indices { sum[position] += directions[index][position] }
            }
            for position in sum.indices { change[position] += sum[position] }
            return CanaryProducts(
                round: round,
                products: directions.map { direction in zip(direction, sum).reduce(0.0) { $0 + Double($1.0 * $1.1) } },
                norm: sum.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
            )
        }
        return CanaryClientScores(
            canaries,
            dimension: Self.dimension,
            rounds: rounds,
            products: products,
            accepted: Set(1...rounds),
            change: change.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
        )
    }

    private func exact(noise: Double, delta: Double) throws -> Double {
        try PrivacyGuarantee(
            of: SampledGaussianMechanism(sampler: .fullParticipation, noiseMultiplier: noise, rounds: 1),
            delta: delta
        ).epsilon
    }

    /// The bound claims too much in 5 % of the runs at most, at every noise; without noise it is above 0 every time.
    @Test(arguments: [0.7, 1, 2]) func theBoundIsSound(noise: Double) throws {
        let delta = 1e-3
        let epsilon = try exact(noise: noise, delta: delta)
        let runs = 100
        var wrong = 0
        var wrongIfGaussian = 0
        for seed in 0..<UInt64(runs) {
            let report = try ClientCanaryReport(scores(count: 60, noise: noise, seed: seed), delta: delta)
            let bounds = try #require(report.bounds)
            if (bounds.proven?.epsilon ?? 0) > epsilon { wrong += 1 }
            let gaussian = bounds.lowerBounds.filter { $0.method == .gaussianOneRun }.map(\.epsilon).max() ?? 0
            if gaussian > epsilon { wrongIfGaussian += 1 }
        }
        #expect(wrong <= Calibration.allowed(runs), "\(wrong) of \(runs) above \(epsilon)")
        #expect(wrongIfGaussian <= Calibration.allowed(runs), "\(wrongIfGaussian) of \(runs), if Gaussian")
    }

    @Test func withoutNoiseEveryCanaryIsRecognised() throws {
        for rounds in [1, 3] {
            let report = try ClientCanaryReport(scores(count: 80, noise: 0, seed: 1, rounds: rounds), delta: 1e-5)
            #expect(report.statistics.map(\.name) == [ClientCanaryReport.roundCosine, ClientCanaryReport.finalCosine])
            #expect(report.included + report.heldOut == 80)
            for statistic in report.statistics {
                #expect(statistic.auc > 0.99 && (statistic.estimate ?? 0) > 4, "\(statistic)")
                #expect(abs(statistic.mean) > 5 * statistic.deviation / Double(report.included).squareRoot())
            }
            #expect((report.bounds?.proven?.epsilon ?? 0) > 1.5)
        }
    }

    /// More noise, less to tell: the estimate falls, to nearly nothing where noise drowns the canaries.
    @Test func theEstimateFallsWithTheNoise() throws {
        let estimates = try [0.2, 1, 20].map { noise in
            try (0..<5).map { seed in
                try #require(
                    ClientCanaryReport(scores(count: 200, noise: noise, seed: seed), delta: 1e-3).statistics[1].estimate
                )
            }.reduce(0, +) / 5
        }
        #expect(estimates[0] > estimates[1] && estimates[1] > estimates[2], "\(estimates)")
        #expect(estimates[2] < 1.5, "\(estimates)")
    }

    /// Coins that have nothing to do with the sums give an estimate near 0, also where rounds resemble one another.
    @Test(arguments: CanaryClients.Presence.allCases) func noLeakIsEstimatedAsNone(
        presence: CanaryClients.Presence
    ) throws {
        // Of canaries that are in no sum; new coins say which of them were.
        var scores = try scores(count: 400, noise: 1, seed: 4, rounds: 4, presence: presence)
        let kept = scores.isIncluded.indices.filter { !scores.isIncluded[$0] }
        #expect(kept.count > 150)
        scores.final = kept.map { scores.final[$0] }
        scores.byRound = kept.map { scores.byRound[$0] }
        scores.isIncluded = kept.indices.map { $0.isMultiple(of: 2) }
        let report = try ClientCanaryReport(scores, delta: 1e-2)
        for statistic in report.statistics {
            let ratio = statistic.deviation / statistic.randomDeviation
            #expect(abs(ratio - 1) < 0.3, "\(statistic.name): \(ratio)")
            #expect((statistic.estimate ?? .infinity) < 1.5, "\(statistic)")
        }
        #expect((report.bounds?.proven?.epsilon ?? 1) < 1)
    }

    @Test func aStatedBoundBelowWhatIsProvedIsRefuted() throws {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO"]
        suite.permutations = 200
        suite.bootstrapReplicates = 100
        suite.blind.buckets = 256
        for (stated, unit, outcome) in [
            (0.1, RunFacts.Protection.Unit.holder, Verdict.Outcome.boundExceeded), (90, .holder, .inconclusive),
            (90, .record, .inconclusive),
        ] {
            var input = SyntheticRun(leak: 0).input()
            input.facts.protections = [
                RunFacts.Protection(
                    protects: "a data holder",
                    unit: unit,
                    epsilon: stated,
                    delta: 1e-5,
                    sampler: "full",
                    accountant: "pld",
                    neighbouring: "add-or-remove-one",
                    isNoiseSeeded: false
                )
            ]
            input.clientCanaries = try scores(count: 80, noise: 0, seed: 1)
            let report = try Audit.run(inputs: [input], suite: suite).report
            #expect(report.verdict.outcome == outcome, "\(stated): \(report.verdict)")
            #expect(report.verdict.reasons.contains { $0.contains("canary clients are part of every mean") })
            #expect((report.runs[0].contradiction != nil) == (outcome == .boundExceeded))
            let page = try ReportPage.render(reportJSON: report.json())
            #expect(page.contains("Canary clients") && page.contains("estimated; no bound"))
            #expect(page.contains("ε of a whole participant"))
            #expect(page.contains("holds for a data holder") || outcome == .boundExceeded)
        }
    }

    @Test func coinsOnOneSideSayNothing() throws {
        var scores = try scores(count: 30, noise: 1, seed: 1)
        scores.isIncluded = scores.isIncluded.map { _ in true }
        #expect(throws: AuditError.emptyClass(name: "held-out canary client")) {
            try ClientCanaryReport(scores, delta: 1e-5)
        }
        scores.isIncluded = scores.isIncluded.map { _ in false }
        #expect(throws: AuditError.self) { try ClientCanaryReport(scores, delta: 1e-5) }
        // Bounds need twenty coins, estimates deviations that are known well, of canaries that were all there.
        let few = try ClientCanaryReport(self.scores(count: 16, noise: 1, seed: 2), delta: 1e-5)
        #expect(few.bounds == nil && few.statistics.allSatisfy { $0.estimate == nil })
        var sampled = try self.scores(count: 100, noise: 1, seed: 2)
        #expect(try ClientCanaryReport(sampled, delta: 1e-5).statistics.allSatisfy { $0.estimate != nil })
        sampled.isSampled = true
        #expect(try ClientCanaryReport(sampled, delta: 1e-5).statistics.allSatisfy { $0.estimate == nil })
        // An adapter that never moved.
        sampled.isSampled = false
        sampled.final = sampled.final.map { _ in 0 }
        #expect(try ClientCanaryReport(sampled, delta: 1e-5).statistics.last?.estimate == nil)
    }
}
