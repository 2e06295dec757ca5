import ArgumentParser
import Audit

/// Limits that a pipeline sets on a report.
struct FailureOptions: ParsableArguments {
    @Option(help: "Exit with 2 when any attack exceeds one of these: 'auc>0.6,tpr@1%>0.05'.")
    var failIf: String?

    /// Reads the conditions, before any work.
    ///
    /// - Throws: `AuditError.invalidCondition`; `CommandFailure` for a rate that the suite does not measure.
    func conditions(measuredBy suite: AttackSuite) throws -> [FailureCondition] {
        let conditions = try failIf.map { try FailureCondition.parse($0) } ?? []
        if let unknown = conditions.first(where: { !$0.isMeasured(by: suite) }) {
            throw CommandFailure(
                "--fail-if \(unknown.text) asks for a rate that the suite does not measure; add it to false_positive_rates."
            )
        }
        return conditions
    }
}

extension [FailureCondition] {
    /// Ends the command with the verdict's exit code, or with 2 when a condition is exceeded.
    ///
    /// - Parameter code: of the verdict; 0 where it does not count.
    func finish(_ report: AuditReport, code: Int32, console: Console) throws {
        let violations = flatMap { $0.violations(in: report) }
        for violation in violations { console.warn(violation) }
        if code == 0, !violations.isEmpty { throw ExitCode(2) }
        if code != 0 { throw ExitCode(code) }
    }
}
