import Progress

/// What an audit gives: the report, and the scores behind it.
public struct AuditOutcome: Sendable {
    /// The figures.
    public let report: AuditReport
    /// `scores.csv`: every record's score by every attack, records by their salted ids.
    public let scoresCSV: String
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
    ///   - progress: told at the start and after every table of attacks.
    /// - Throws: `AuditError`; nothing is skipped in silence.
    public static func run(
        inputs: [AuditInput],
        suite: AttackSuite,
        title: String = "Membership audit",
        provenance: [RunFacts.Detail] = [],
        progress: ProgressHandler? = nil
    ) throws -> AuditOutcome {
        if inputs.isEmpty { throw AuditError.nothingToAudit }
        try suite.validate()
        let attacks = try suite.makeAttacks()
        let total = inputs.reduce(0) { $0 + $1.vantages.count * 2 + 1 }
        var completed = 0
        var runs: [AuditReport.RunReport] = []
        var scores: [RunScores] = []
        progress?(ProgressEvent(phase: "attacking", completed: 0, total: total, unit: "tables"))
        for input in inputs {
            let evaluation = try RunEvaluation(input, suite: suite, attacks: attacks) {
                completed += 1
                progress?(ProgressEvent(phase: "attacking", completed: completed, total: total, unit: "tables"))
            }
            runs.append(evaluation.report)
            scores.append(evaluation.scores)
        }
        let report = AuditReport(
            title: title,
            provenance: provenance,
            suite: suite,
            attackExplanations: attacks.map { RunFacts.Detail($0.name, $0.explanation) },
            verdict: Verdict.judge(runs: runs, policy: suite.policy),
            runs: runs,
            comparisons: try RunScores.compare(scores, attacks: attacks.map(\.name))
        )
        return AuditOutcome(report: report, scoresCSV: RunScores.csv(scores))
    }
}
