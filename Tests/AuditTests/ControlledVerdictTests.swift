import Audit
import Testing

/// A finding has to be the tuning's: whoever finds as much without it has found no leak.
struct ControlledVerdictTests {
    private static let suite: AttackSuite = {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "ZLIB", "MINK"]
        suite.bootstrapReplicates = 100
        suite.permutations = 200
        suite.blind.buckets = 64
        // The null control's own gate is kept out of the way: it would catch what is looked at here.
        suite.policy.controlSignificance = 1e-4
        return suite
    }()

    /// Sides that differ before the tuning, with a tenth held out.
    @Test func aDifferenceThatWasThereBeforeIsNoLeak() throws {
        var outcomes: [Verdict.Outcome: Int] = [:]
        var unproven = 0
        let runs = 200
        for seed in 0..<runs {
            let run = SyntheticRun(
                recordsPerHolder: 80,
                seed: UInt64(9000 + seed),
                contamination: 0.22,
                holdout: 0.1
            )
            let verdict = try Audit.run(inputs: [run.input()], suite: Self.suite).report.verdict
            outcomes[verdict.outcome, default: 0] += 1
            if verdict.outcome == .inconclusive, verdict.reasons.contains(where: { $0.contains("cannot tell a leak") })
            {
                unproven += 1
            }
        }
        #expect(outcomes[.leakage, default: 0] <= Calibration.allowed(runs), "\(outcomes)")
        // All of these would have been called leaks.
        #expect(unproven > Calibration.allowed(runs), "\(unproven), \(outcomes)")
    }

    @Test func aLeakBeatsBothControls() throws {
        let report = try Audit.run(inputs: [SyntheticRun(leak: 2).input()], suite: Self.suite).report
        #expect(report.verdict.outcome == .leakage, "\(report.verdict)")
        let loss = try #require(report.runs[0].vantages[0].attacks.first { $0.attack == "LOSS" })
        let untuned = try #require(report.runs[0].vantages[0].nullControl.first { $0.attack == "LOSS" })
        let difference = try #require(loss.minusUntuned)
        #expect(abs(difference.value - (loss.auc - untuned.auc)) < 1e-12 && difference.pValue < 0.01)
    }

    /// Above policy and above both controls, but by chance as likely as one table in twenty, of several: neither a leak nor nothing.
    @Test func whatDoesNotOutliveAllTablesIsInconclusive() throws {
        var report = try Audit.run(inputs: [SyntheticRun(leak: 2).input()], suite: Self.suite).report
        for vantage in report.runs[0].vantages.indices {
            for attack in report.runs[0].vantages[vantage].attacks.indices {
                let isFirst = vantage == 0 && attack == 0
                report.runs[0].vantages[vantage].attacks[attack].adjustedPValue = isFirst ? 0.04 : 1
            }
        }
        let verdict = Verdict.judge(runs: report.runs, policy: Self.suite.policy)
        #expect(verdict.outcome == .inconclusive, "\(verdict)")
        #expect(verdict.reasons.contains { $0.contains("once all tables of the report are counted") }, "\(verdict)")
    }

    /// Reports of before this difference was measured keep their verdict when they are merged again.
    @Test func aControlWithoutAScoreSaysNothing() throws {
        var report = try Audit.run(inputs: [SyntheticRun(leak: 2).input()], suite: Self.suite).report
        for vantage in report.runs[0].vantages.indices {
            for attack in report.runs[0].vantages[vantage].attacks.indices {
                report.runs[0].vantages[vantage].attacks[attack].minusUntuned = nil
            }
        }
        let merged = try AuditReport.merging([report], title: "again", provenance: [])
        #expect(merged.verdict.outcome == .leakage)
    }
}
