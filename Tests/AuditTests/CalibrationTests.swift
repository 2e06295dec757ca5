import Audit
import Foundation
import TensorEngine
import Testing

/// How many false alarms a nominal 5 % allows in simulations.
enum Calibration {
    /// 5 % of `runs` and three standard errors of their number.
    static func allowed(_ runs: Int) -> Int {
        Int(0.05 * Double(runs) + 3 * (0.05 * 0.95 * Double(runs)).squareRoot())
    }
}

/// 500 runs in which there is nothing to find, for every interval and p-value that has no such test of its own beside it: the
/// bounds on ε have theirs in `CertifiedBoundTests`, max-T in `StatisticsTests`, the attacks with shadows in `ShadowAttackTests`.
struct CalibrationTests {
    private static let runs = 500

    private func noise(_ count: Int, _ generator: inout SeededGenerator) -> [Double] {
        (0..<count).map { _ in generator.normal() }
    }

    @Test(arguments: [20, 60]) func intervalOfTheAUC(perSide: Int) throws {
        var generator = SeededGenerator(seed: UInt64(perSide))
        var alarms = (above: 0, either: 0, rank: 0)
        for _ in 0..<Self.runs {
            let sample = try LabelledScores(
                members: noise(perSide, &generator),
                heldOut: noise(perSide, &generator)
            )
            let interval = DeLong(sample).interval()
            if interval.lower > 0.5 { alarms.above += 1 }
            if !interval.contains(0.5) { alarms.either += 1 }
            if AUC.mannWhitneyPValue(of: sample) < 0.05 { alarms.rank += 1 }
        }
        for count in [alarms.above, alarms.either, alarms.rank] {
            #expect(count <= Calibration.allowed(Self.runs), "\(alarms)")
        }
    }

    /// Two attacks that share most of their noise, as attacks on the same records do, and find the same.
    @Test(arguments: [0.0, 0.8]) func pairedComparison(shift: Double) throws {
        var generator = SeededGenerator(seed: 31)
        let isMember = (0..<80).map { $0 < 40 }
        var alarms = (pValue: 0, interval: 0)
        for _ in 0..<Self.runs {
            let shared = isMember.map { generator.normal() + ($0 ? shift : 0) }
            let first = try LabelledScores(scores: shared.map { $0 + 0.5 * generator.normal() }, isMember: isMember)
            let second = try LabelledScores(scores: shared.map { $0 + 0.5 * generator.normal() }, isMember: isMember)
            let paired = try PairedDeLong(first, second)
            if paired.pValue < 0.05 { alarms.pValue += 1 }
            if !paired.interval().contains(0) { alarms.interval += 1 }
        }
        #expect(max(alarms.pValue, alarms.interval) <= Calibration.allowed(Self.runs), "\(alarms)")
    }

    /// Holm over ten p-values of nothing accuses anything in 5 % of the reports.
    @Test func holm() {
        var generator = SeededGenerator(seed: 32)
        let alarms = (0..<Self.runs).count { _ in
            HolmAdjustment.adjust((0..<10).map { _ in generator.uniform() }).contains { $0 < 0.05 }
        }
        #expect(alarms <= Calibration.allowed(Self.runs), "\(alarms)")
    }

    @Test(arguments: [0.01, 0.05, 0.5]) func binomialInterval(truth: Double) {
        var generator = SeededGenerator(seed: 33)
        let alarms = (0..<Self.runs).count { _ in
            let successes = (0..<150).count { _ in generator.uniform() < truth }
            return !ClopperPearson.interval(successes: successes, trials: 150).contains(truth)
        }
        #expect(alarms <= Calibration.allowed(Self.runs), "\(alarms)")
    }

    /// The gate against a broken split: texts of one kind, and it stays shut.
    @Test func blindBaseline() throws {
        let words = ["fever", "mild", "pain", "left", "since", "March", "patient", "reports", "stable", "after"]
        var settings = AttackSuite.Blind()
        settings.buckets = 64
        let limit = AttackSuite.Policy().maximumBlindLowerBound
        var alarms = 0
        for run in 0..<Self.runs {
            var generator = SeededGenerator(seed: UInt64(1000 + run))
            let records = (0..<60).map { index in
                let text = (0..<8).map { _ in words[Int(generator.uniform() * Double(words.count))] }
                return AuditedRecord(
                    id: "\(index)",
                    holder: "h",
                    coin: index,
                    isMember: generator.uniform() < 0.5,
                    text: text.joined(separator: " "),
                    answer: ""
                )
            }
            let scores = BlindBaseline(settings).scores(of: records, using: &generator)
            let sample = try LabelledScores(scores: scores, isMember: records.map(\.isMember))
            if DeLong(sample).interval().lower > limit { alarms += 1 }
        }
        #expect(alarms <= Calibration.allowed(Self.runs), "\(alarms)")
    }

    /// Exposure claims no interval, but a secret that nobody planted is b bits exposed with a chance of 2⁻ᵇ.
    @Test func exposureOfSecretsThatNobodyPlanted() throws {
        var generator = SeededGenerator(seed: 34)
        var alarms = 0
        for _ in 0..<Self.runs {
            let candidates = noise(199, &generator)
            if try Exposure.bits(secrets: [generator.normal()], among: candidates)[0] >= log2(20) { alarms += 1 }
        }
        #expect(alarms <= Calibration.allowed(Self.runs), "\(alarms)")
    }

    /// The true-positive rate at a threshold that was fixed beforehand, as the Clopper–Pearson bound on ε takes it.
    @Test func boundOnEpsilonAtAFixedThreshold() throws {
        var generator = SeededGenerator(seed: 35)
        var alarms = 0
        for _ in 0..<Self.runs {
            let caught = (
                members: (0..<200).count { _ in generator.normal() > 1 },
                nonMembers: (0..<200).count { _ in generator.normal() > 1 }
            )
            let bound = try ClopperPearsonBound(
                truePositives: caught.members,
                members: 200,
                falsePositives: caught.nonMembers,
                nonMembers: 200,
                delta: 0
            )
            if bound.epsilon > 0 { alarms += 1 }
        }
        #expect(alarms <= Calibration.allowed(Self.runs), "\(alarms)")
    }
}
