import Foundation

/// A limit on a figure of any attack, for pipelines: `auc>0.6`, `tpr@1%>0.05`.
public struct FailureCondition: Sendable, Equatable {
    private enum Figure: Equatable {
        case auc
        case truePositiveRate(at: Double)
    }

    /// As it was written.
    public let text: String
    private let figure: Figure
    private let limit: Double

    /// Reads conditions separated by commas. No condition is a mistake: a pipeline's empty variable must not lift its limits.
    ///
    /// - Throws: `AuditError.invalidCondition`.
    public static func parse(_ text: String) throws -> [FailureCondition] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map {
            try FailureCondition(String($0).trimmingCharacters(in: .whitespaces))
        }
    }

    /// Reads one condition.
    ///
    /// - Throws: `AuditError.invalidCondition`.
    public init(_ text: String) throws {
        let failure = AuditError.invalidCondition(text: text)
        let parts = text.lowercased().filter { $0 != " " }.split(separator: ">", omittingEmptySubsequences: false)
        guard parts.count == 2, let limit = Double(parts[1]), (0...1).contains(limit) else { throw failure }
        if parts[0] == "auc" {
            figure = .auc
        } else if parts[0].hasPrefix("tpr@") {
            let rate = parts[0].dropFirst(4)
            guard let value = Double(rate.hasSuffix("%") ? rate.dropLast() : rate) else { throw failure }
            let share = rate.hasSuffix("%") ? value / 100 : value
            guard share > 0, share < 1 else { throw failure }
            figure = .truePositiveRate(at: share)
        } else {
            throw failure
        }
        self.text = text
        self.limit = limit
    }

    /// Whether every suite of a report measures the figure.
    public func isMeasured(by suite: AttackSuite) -> Bool {
        guard case .truePositiveRate(let level) = figure else { return true }
        return suite.falsePositiveRates.contains { abs($0 - level) < 1e-12 }
    }

    /// The attacks that exceed the limit, one sentence each.
    public func violations(in report: AuditReport) -> [String] {
        report.runs.flatMap { run in
            // What nobody saw gives nothing away.
            run.vantages.filter { run.facts.twins?.contains($0.vantage) != true }.flatMap { vantage in
                vantage.attacks.compactMap { attack in
                    guard let value = value(of: attack), value > limit else { return nil }
                    let number = String(format: "%.3f", value)
                    return "\(run.name), \(vantage.vantage.rawValue): \(attack.attack) has \(number), \(text)"
                }
            }
        }
    }

    private func value(of attack: AuditReport.AttackResult) -> Double? {
        switch figure {
        case .auc: attack.auc
        case .truePositiveRate(let level):
            attack.truePositiveRates.first { abs($0.falsePositiveRate - level) < 1e-12 }?.value
        }
    }
}
