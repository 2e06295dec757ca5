import Audit
import Foundation

extension AuditReport {
    /// Every attack at every vantage point of every run, as a table for the terminal.
    var attackTable: String {
        var table = Table(["run", "vantage", "attack", "AUC", "95 % interval", "TPR@1%", "adjusted p", "work"])
        for run in runs {
            for vantage in run.vantages {
                for result in vantage.attacks {
                    let rate = result.truePositiveRates.first { $0.falsePositiveRate == 0.01 }
                    table.add([
                        run.name,
                        vantage.vantage.rawValue
                            + (run.facts.twins?.contains(vantage.vantage) == true ? " (nobody)" : ""),
                        result.attack, String(format: "%.3f", result.auc),
                        String(format: "%.3f–%.3f", result.aucInterval.lower, result.aucInterval.upper),
                        rate.map { String(format: "%.3f", $0.value) } ?? "",
                        String(format: "%.4f", result.adjustedPValue),
                        result.operations.map { WorkText.cost($0, training: run.facts.trainingOperations) } ?? "",
                    ])
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

    /// On what each attack's figure stands, where scores came from several parties.
    var coverageTable: String {
        var table = Table(["attack"] + VantagePoint.allCases.map(\.rawValue))
        for run in runs {
            let coverage = run.facts.coverage ?? []
            var names: [String] = []
            for entry in coverage where !names.contains(entry.attack) { names.append(entry.attack) }
            for name in names {
                table.add(
                    [name]
                        + VantagePoint.allCases.map { vantage in
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
