import Cryptography
import Progress

/// What an audit gives: the report, and the scores behind it.
public struct AuditOutcome: Sendable {
    /// The figures.
    public let report: AuditReport
    /// `scores.csv`: every record's score by every attack, records by their salted ids.
    public let scoresCSV: String

    /// Binds the scores to the report, so that a signature of the one covers the other.
    init(report: AuditReport, scoresCSV: String) {
        var report = report
        report.scoresDigest = SHA256.digest([UInt8](scoresCSV.utf8)).hexadecimal
        self.report = report
        self.scoresCSV = scoresCSV
    }
}

/// The audit of one or more runs: observations in, report out.
public enum Audit {
    /// Runs every attack of the suite on every vantage point of every run, with the blind and the null control, and judges.
    ///
    /// - Parameters:
    ///   - inputs: the runs, in the order in which the report shows them.
    ///   - suite: what to run and how to judge.
    ///   - title: the report's heading.
    ///   - provenance: labelled lines about how the report was made.
    ///   - keepsRanks: whether the report says how the main attacks rank the records, so that runs can be compared later.
    ///   - progress: told at the start and after every table of attacks.
    /// - Throws: `AuditError`; an attack that lacks what it needs at every vantage point stands in `notTested`.
    public static func run(
        inputs: [AuditInput],
        suite: AttackSuite,
        title: String = "Membership audit",
        provenance: [RunFacts.Detail] = [],
        keepsRanks: Bool = false,
        progress: ProgressHandler? = nil
    ) throws -> AuditOutcome {
        if inputs.isEmpty { throw AuditError.nothingToAudit }
        try suite.validate()
        let attacks = try suite.makeAttacks()
        let total = inputs.reduce(0) {
            $0 + $1.vantages.count * 2 + 1 + ($1.positiveControl == nil ? 0 : 1) + ($1.active == nil ? 0 : 1)
        }
        var completed = 0
        var runs: [AuditReport.RunReport] = []
        var scores: [RunScores] = []
        progress?(ProgressEvent(phase: "attacking", completed: 0, total: total, unit: "tables"))
        for input in inputs {
            let scored = try ScoredRun(input, suite: suite, attacks: attacks)
            let evaluation = try RunEvaluation(scored, suite: suite, keepsRanks: keepsRanks) {
                completed += 1
                progress?(ProgressEvent(phase: "attacking", completed: completed, total: total, unit: "tables"))
            }
            runs.append(evaluation.report)
            scores.append(evaluation.scores)
        }
        var report = AuditReport(
            title: title,
            provenance: provenance,
            suite: suite,
            attackExplanations: attacks.map { RunFacts.Detail($0.name, $0.explanation + " " + $0.assumption) },
            verdict: Verdict.judge(runs: runs, policy: suite.policy),
            runs: runs,
            comparisons: try RunScores.compare(scores, attacks: attacks.map(\.name))
        )
        report.notTested += untried(attacks, in: inputs)
        return AuditOutcome(report: report, scoresCSV: RunScores.csv(scores))
    }

    /// The attacks of the suite that no run had the evidence for, and what they need.
    private static func untried(_ attacks: [any Attack], in inputs: [AuditInput]) -> [String] {
        let vantages = inputs.flatMap(\.vantages)
        let isForked = inputs.contains { $0.active != nil }
        return attacks.filter { attack in
            !(isForked && attack.needs.contains(.active)) && !vantages.contains { $0.allows(attack) }
        }.map { attack in
            let evidence = vantages.reduce(into: Set<Evidence>()) { $0.formUnion($1.evidence) }
            let missing = Evidence.allCases.first { attack.needs.contains($0) && !evidence.contains($0) }
            return
                "\(attack.name), which the suite asks for: \(missing?.remedy ?? "no vantage point has all that it needs")."
        }
    }

}
