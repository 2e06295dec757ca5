extension AuditReport {
    /// The report with what a sweep's figures need and no more: curves and histograms of the strongest attack of each vantage
    /// point only, thinned; no single record.
    public func condensed() -> AuditReport {
        var report = self
        report.scoresDigest = nil
        for run in report.runs.indices {
            report.runs[run].exposed = nil
            for vantage in report.runs[run].vantages.indices {
                let strongest = report.runs[run].vantages[vantage].strongest?.attack
                for attack in report.runs[run].vantages[vantage].attacks.indices
                where report.runs[run].vantages[vantage].attacks[attack].attack != strongest {
                    report.runs[run].vantages[vantage].attacks[attack].condense()
                }
                for attack in report.runs[run].vantages[vantage].nullControl.indices {
                    report.runs[run].vantages[vantage].nullControl[attack].condense()
                }
            }
        }
        return report
    }

    /// The runs of several reports in one, judged together. The order of the reports does not matter. Cells of a sweep that kept
    /// their records' ranks are compared in pairs.
    ///
    /// - Parameters:
    ///   - reports: made with one suite, on the same plan.
    ///   - title: the heading.
    ///   - provenance: labelled lines about how the report was made.
    /// - Throws: `AuditError.nothingToAudit`, or `.invalidSweep` when suites differ, a run occurs twice, or ranks are damaged.
    public static func merging(
        _ reports: [AuditReport],
        title: String,
        provenance: [RunFacts.Detail]
    ) throws -> AuditReport {
        guard let first = reports.first else { throw AuditError.nothingToAudit }
        if let other = reports.first(where: { $0.suite != first.suite }) {
            throw AuditError.invalidSweep(
                reason: "\(other.runs.first?.name ?? "a report") was attacked with another suite than the first"
            )
        }
        let runs = reports.flatMap(\.runs).sorted { left, right in
            guard let a = left.facts.sweep, let b = right.facts.sweep else { return left.name < right.name }
            return (b.ratio, a.placement.rawValue, a.method, a.seed, left.name)
                < (a.ratio, b.placement.rawValue, b.method, b.seed, right.name)
        }
        for (left, right) in zip(runs, runs.dropFirst()) where left.name == right.name {
            throw AuditError.invalidSweep(reason: "\(left.name) occurs twice")
        }
        let found = try CellComparisons.of(runs)
        return AuditReport(
            title: title,
            provenance: provenance,
            suite: first.suite,
            attackExplanations: first.attackExplanations,
            verdict: Verdict.judge(runs: runs, policy: first.suite.policy),
            // The cells keep the ranks; a report that leaves the house needs only what follows from them.
            runs: runs.map { run in
                var run = run
                for vantage in run.vantages.indices { run.vantages[vantage].ranks = nil }
                return run
            },
            comparisons: RunScores.adjusted(reports.flatMap(\.comparisons) + found)
        )
    }
}

extension AuditReport.AttackResult {
    /// Drops what only drawings need.
    mutating func condense() {
        curve = [
            ROCCurve.Point(falsePositiveRate: 0, truePositiveRate: 0), .init(falsePositiveRate: 1, truePositiveRate: 1),
        ]
        histogram.members = [histogram.members.reduce(0, +)]
        histogram.heldOut = [histogram.heldOut.reduce(0, +)]
    }
}
