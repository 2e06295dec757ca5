import Audit
import Foundation

extension AuditReport {
    /// Every attack at every vantage point of every run, as a table for the terminal.
    var attackTable: String {
        var table = Table(["run", "vantage", "attack", "AUC", "95 % interval", "TPR@1%", "adjusted p", "work"])
        for run in runs {
            for vantage in run.vantages {
                let isTwin = run.facts.twins?.contains(vantage.vantage) == true
                for result in vantage.attacks {
                    table.add(Self.row(result, of: run, at: vantage.vantage.rawValue + (isTwin ? " (nobody)" : "")))
                }
            }
            for view in run.active?.views ?? [] {
                let isSeen = run.active?.isMasked != true || view.vantage != .individual
                for result in view.attacks {
                    table.add(
                        Self.row(result, of: run, at: "\(view.vantage.rawValue), fork" + (isSeen ? "" : " (nobody)"))
                    )
                }
            }
            if let strongest = run.positiveControl?.strongest {
                table.add([
                    run.name, "control", strongest.attack, String(format: "%.3f", strongest.auc),
                    String(format: "%.3f–%.3f", strongest.aucInterval.lower, strongest.aucInterval.upper), "", "", "",
                ])
            }
            table.add([
                run.name, "none", "blind", String(format: "%.3f", run.blind.auc),
                String(format: "%.3f–%.3f", run.blind.aucInterval.lower, run.blind.aucInterval.upper), "", "", "",
            ])
        }
        return table.text
    }

    private static func row(_ result: AttackResult, of run: RunReport, at place: String) -> [String] {
        let rate = result.truePositiveRates.first { $0.falsePositiveRate == 0.01 }
        return [
            run.name, place, result.attack, String(format: "%.3f", result.auc),
            String(format: "%.3f–%.3f", result.aucInterval.lower, result.aucInterval.upper),
            rate.map { String(format: "%.3f", $0.value) } ?? "", String(format: "%.4f", result.adjustedPValue),
            result.operations.map { WorkText.cost($0, training: run.facts.trainingOperations) } ?? "",
        ]
    }

    /// Of each run with canaries: whom the strongest attack finds, how exposed they are, and what that says of ε; and of each with
    /// canary clients what they say of whole participants.
    var canaryTables: [String] {
        runs.compactMap { run in run.canaries.map { "canaries of \(run.name)\n" + Self.text(of: $0) } }
            + runs.compactMap { run in run.clientCanaries.map { "canary clients of \(run.name)\n" + $0.text } }
    }

    private static func text(of canaries: CanaryReport) -> String {
        var table = Table([
            "kind", "repeated", "in", "out", "vantage", "attack", "AUC", "95 % interval", "exposure, bits",
            "of at most",
        ])
        for tier in canaries.tiers {
            for view in tier.vantages {
                guard let strongest = view.strongest else { continue }
                table.add([
                    tier.canary.kind.rawValue, "\(tier.canary.repetitions)", "\(tier.included)", "\(tier.heldOut)",
                    view.vantage.rawValue, strongest.attack, String(format: "%.3f", strongest.auc),
                    String(format: "%.3f–%.3f", strongest.aucInterval.lower, strongest.aucInterval.upper),
                    view.exposure.map { String(format: "%.1f", $0.median) } ?? "",
                    view.exposure.map { String(format: "%.1f", $0.most) } ?? "",
                ])
            }
        }
        let bounds = canaries.bounds.map { bound in
            let proven = bound.measurement.proven
            let guesses = proven.map {
                "\($0.correct) of \($0.guesses) coins right (\($0.vantage.rawValue), \($0.attack))"
            }
            let unit = bound.repetitions == 1 ? "a record" : "\(bound.repetitions) records that change together"
            return String(format: "ε ≥ %.2f for ", proven?.epsilon ?? 0) + "\(unit) at δ \(bound.measurement.delta): "
                + (guesses ?? "nothing to guess with")
        }
        let few = bounds.isEmpty ? ["too few canaries of any number of repetitions for a lower bound on ε"] : bounds
        return ([table.text, ""] + few).joined(separator: "\n")
    }

    /// On what each attack's figure stands, where scores came from several parties.
    var coverageTable: String {
        let columns = Coverage.columns(of: runs.flatMap { $0.facts.coverage ?? [] })
        var table = Table(["attack"] + columns.map(\.rawValue))
        for run in runs {
            let coverage = run.facts.coverage ?? []
            var names: [String] = []
            for entry in coverage where !names.contains(entry.attack) { names.append(entry.attack) }
            for name in names {
                table.add(
                    [name]
                        + columns.map { vantage in
                            coverage.first { $0.attack == name && $0.vantage == vantage }?.standing.rawValue ?? "–"
                        }
                )
            }
        }
        return table.text
    }

    /// The verdict and why.
    var conclusion: String {
        verdict.headline + "\n" + verdict.reasons.map { "  - " + $0 }.joined(separator: "\n")
    }
}
