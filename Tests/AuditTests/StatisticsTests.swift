import Audit
import TensorEngine
import Testing

@Suite("Statistics: size, power and invariants")
struct StatisticsTests {
    private func normalSample(
        members: Int,
        heldOut: Int,
        shift: Double,
        using generator: inout SeededGenerator
    ) throws -> LabelledScores {
        try LabelledScores(
            members: (0..<members).map { _ in generator.normal() + shift },
            heldOut: (0..<heldOut).map { _ in generator.normal() }
        )
    }

    @Test("The interval of the AUC covers the truth about 95 times in 100, under the null and away from it")
    func coverage() throws {
        var generator = SeededGenerator(seed: 1)
        for (shift, truth) in [(0.0, 0.5), (1.0, Normal.cumulative(1 / 2.0.squareRoot()))] {
            let trials = 600
            var covered = 0
            for _ in 0..<trials {
                let sample = try normalSample(members: 60, heldOut: 70, shift: shift, using: &generator)
                if DeLong(sample).interval().contains(truth) { covered += 1 }
            }
            let share = Double(covered) / Double(trials)
            #expect(share > 0.925 && share < 0.975, "shift \(shift): \(share)")
        }
    }

    @Test("Records that share a coin widen the interval; treating them as independent would not cover")
    func clusteredCoverage() throws {
        var generator = SeededGenerator(seed: 2)
        let trials = 400
        var covered = 0
        var coveredNaively = 0
        for _ in 0..<trials {
            var scores: [Double] = []
            var labels: [Bool] = []
            var clusters: [Int] = []
            for subject in 0..<60 {
                let effect = generator.normal()
                for _ in 0..<5 {
                    scores.append(effect + 0.3 * generator.normal())
                    labels.append(subject % 2 == 0)
                    clusters.append(subject)
                }
            }
            let sample = try LabelledScores(scores: scores, isMember: labels, clusters: clusters)
            if DeLong(sample).interval().contains(0.5) { covered += 1 }
            let naive = try LabelledScores(scores: scores, isMember: labels)
            if DeLong(naive).interval().contains(0.5) { coveredNaively += 1 }
        }
        #expect(Double(covered) / Double(trials) > 0.915, "\(covered) of \(trials)")
        #expect(Double(coveredNaively) / Double(trials) < 0.8, "\(coveredNaively) of \(trials)")
    }

    @Test("Perfect separation of a few records is not certainty")
    func perfectSeparation() throws {
        let few = DeLong(try LabelledScores(members: [3, 4, 5], heldOut: [0, 1, 2])).interval()
        #expect(few.upper == 1)
        #expect(few.lower < 0.5)
        let many = try LabelledScores(members: (0..<50).map { 100 + Double($0) }, heldOut: (0..<40).map(Double.init))
        #expect(
            abs(DeLong(many).interval().lower - ClopperPearson.lower(successes: 40, trials: 40, alpha: 0.025)) < 1e-12
        )
        let reversed = DeLong(try LabelledScores(members: [0, 1, 2], heldOut: [3, 4, 5])).interval()
        #expect(reversed.lower == 0 && reversed.upper > 0.5)
        let ties = DeLong(try LabelledScores(members: [1, 1, 1, 1], heldOut: [1, 1, 1, 1])).interval()
        #expect(ties.contains(0.5) && ties.upper - ties.lower > 0.5)
    }

    @Test("A monotone transform leaves the AUC, swapping the labels mirrors it")
    func invariants() throws {
        var generator = SeededGenerator(seed: 3)
        let sample = try normalSample(members: 40, heldOut: 30, shift: 0.4, using: &generator)
        let transformed = try LabelledScores(
            scores: sample.scores.map { $0 * $0 * $0 + 7 },
            isMember: sample.isMember
        )
        #expect(AUC.value(of: transformed) == AUC.value(of: sample))
        let swapped = try LabelledScores(scores: sample.scores, isMember: sample.isMember.map { !$0 })
        #expect(abs(AUC.value(of: swapped) - (1 - AUC.value(of: sample))) < 1e-12)
    }

    @Test("Adjusted p-values are valid under the null: uniform at most, although the best of five is taken")
    func maxTSize() throws {
        var generator = SeededGenerator(seed: 4)
        let trials = 500
        var alarms = 0
        for _ in 0..<trials {
            let labels = (0..<80).map { $0 % 2 == 0 }
            let attacks = try (0..<5).map { _ in
                try LabelledScores(scores: (0..<80).map { _ in generator.normal() }, isMember: labels)
            }
            let adjusted = try MaxTPermutation.adjustedPValues(
                attacks: attacks,
                strata: (0..<80).map { $0 < 40 ? "a" : "b" },
                permutations: 199,
                using: &generator
            )
            if (adjusted.min() ?? 1) <= 0.05 { alarms += 1 }
        }
        #expect(alarms >= 10 && alarms <= Calibration.allowed(trials), "\(alarms) of \(trials)")
    }

    @Test("The permutation keeps subjects together: copies of few subjects are no evidence")
    func maxTClusters() throws {
        // 8 subjects of 50 identical records each; the first 4 are members and happen to score higher.
        let subjects = (0..<400).map { $0 / 50 }
        let sample = try LabelledScores(
            scores: subjects.map { Double(8 - $0) },
            isMember: subjects.map { $0 < 4 },
            clusters: subjects
        )
        var generator = SeededGenerator(seed: 5)
        let clustered = try MaxTPermutation.adjustedPValues(
            attacks: [sample],
            strata: subjects.map { _ in "a" },
            permutations: 2000,
            using: &generator
        )
        // 70 ways to deal 4 of 8: the best of them has probability 1/70.
        #expect(abs(clustered[0] - 1.0 / 70) < 0.008, "\(clustered[0])")
        let naive = try LabelledScores(scores: sample.scores, isMember: sample.isMember)
        let wrong = try MaxTPermutation.adjustedPValues(
            attacks: [naive],
            strata: subjects.map { _ in "a" },
            permutations: 2000,
            using: &generator
        )
        #expect(wrong[0] < 0.001)
    }

    @Test("A difference between holders alone is no leak once coins are permuted within holders")
    func maxTStrata() throws {
        // Holder a has more members and higher scores; within each holder there is nothing.
        var generator = SeededGenerator(seed: 6)
        var rejected = 0
        for _ in 0..<60 {
            let holders = (0..<200).map { $0 < 100 ? "a" : "b" }
            let labels = (0..<200).map { $0 < 100 ? $0 % 10 < 8 : $0 % 10 < 2 }
            let scores = (0..<200).map { ($0 < 100 ? 2 : 0) + generator.normal() }
            let sample = try LabelledScores(scores: scores, isMember: labels)
            let stratified = try MaxTPermutation.adjustedPValues(
                attacks: [sample],
                strata: holders,
                permutations: 199,
                using: &generator
            )
            if stratified[0] <= 0.05 { rejected += 1 }
        }
        #expect(rejected <= 9, "\(rejected) of 60")
    }

    @Test("A rate of 0 or 1 among few records is no certainty: its interval is at least the exact binomial one")
    func extremeRates() throws {
        for (members, heldOut, rate) in [([3.0, 4], [1.0, 2], 1.0), ([1.0, 2], [3.0, 4], 0)] {
            let metrics = ScoreMetrics(try LabelledScores(members: members, heldOut: heldOut), replicates: 100)
            let exact = ClopperPearson.interval(successes: Int(rate) * 2, trials: 2)
            for level in ScoreMetrics.levels {
                let interval = try #require(metrics.truePositiveRateIntervals[level])
                #expect(metrics.truePositiveRates[level] == rate)
                #expect(interval[0] <= exact.lower && interval[1] >= exact.upper, "\(level): \(interval)")
            }
        }
    }

    @Test("The bootstrap interval of the TPR covers, and a seed gives the same numbers again")
    func bootstrapCoverage() throws {
        var generator = SeededGenerator(seed: 7)
        let truth = Normal.upperTail(Normal.quantile(0.95) - 1)
        let trials = 150
        var covered = 0
        for _ in 0..<trials {
            let sample = try normalSample(members: 150, heldOut: 150, shift: 1, using: &generator)
            let interval = Bootstrap.truePositiveRateIntervals(
                of: sample,
                levels: [0.05],
                replicates: 300,
                using: &generator
            )[0]
            if interval.contains(truth) { covered += 1 }
        }
        #expect(Double(covered) / Double(trials) > 0.87, "\(covered) of \(trials)")

        let sample = try normalSample(members: 50, heldOut: 50, shift: 1, using: &generator)
        var first = SeededGenerator(seed: 8)
        var second = SeededGenerator(seed: 8)
        let levels = [0.01, 0.05]
        #expect(
            Bootstrap.truePositiveRateIntervals(of: sample, levels: levels, replicates: 50, using: &first)
                == Bootstrap.truePositiveRateIntervals(of: sample, levels: levels, replicates: 50, using: &second)
        )
    }

    @Test("Comparing an attack with itself finds nothing")
    func pairedWithItself() throws {
        var generator = SeededGenerator(seed: 9)
        let sample = try normalSample(members: 40, heldOut: 30, shift: 0.4, using: &generator)
        let paired = try PairedDeLong(sample, sample)
        #expect(paired.difference == 0 && paired.z == 0 && paired.pValue == 1)
    }

    @Test("The normal quantile inverts the distribution function")
    func normalQuantile() {
        for p in [1e-12, 1e-6, 0.001, 0.02, 0.025, 0.3, 0.5, 0.9, 0.975, 0.999999] {
            #expect(abs(Normal.cumulative(Normal.quantile(p)) - p) <= 1e-14 + 1e-12 * p)
        }
        #expect(abs(Normal.quantile(0.975) - 1.959963984540054) < 1e-14)
    }

    @Test("Thinning keeps the ends and stays on the curve")
    func thinning() throws {
        var generator = SeededGenerator(seed: 10)
        let curve = ROCCurve(try normalSample(members: 2000, heldOut: 2000, shift: 0.4, using: &generator))
        let thinned = curve.thinned(to: 120)
        #expect(thinned.count <= 120 && thinned.count > 60)
        #expect(thinned.first == curve.points.first && thinned.last == curve.points.last)
        #expect(thinned.allSatisfy { curve.points.contains($0) })
    }

    @Test("NaN, infinities, empty classes and unequal lengths are refused")
    func refusals() {
        #expect(throws: AuditError.nonFiniteScore(attack: "score", record: "1", value: "nan")) {
            try LabelledScores(members: [0, .nan], heldOut: [1])
        }
        #expect(throws: AuditError.nonFiniteScore(attack: "score", record: "2", value: "-inf")) {
            try LabelledScores(members: [0, 1], heldOut: [-.infinity])
        }
        #expect(throws: AuditError.emptyClass(name: "member")) { try LabelledScores(members: [], heldOut: [1]) }
        #expect(throws: AuditError.emptyClass(name: "held-out")) { try LabelledScores(members: [1], heldOut: []) }
        #expect(throws: AuditError.mismatchedCounts(what: "membership labels", expected: 2, found: 1)) {
            try LabelledScores(scores: [1, 2], isMember: [true])
        }
    }
}
