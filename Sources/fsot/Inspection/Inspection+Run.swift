import Audit
import Checkpoints
import DifferentialPrivacy
import Emulators
import Federation
import Foundation
import Training

extension Inspection {
    /// A run directory, finished or not.
    static func run(at path: String) throws -> Inspection {
        let run = try RunDirectory.description(at: path)
        let rounds = try RunDirectory.records(at: path)
        var result = Inspection("run")
        result.add("fsot", run.version, key: "version")
        result.add("emulator", run.emulator, key: "emulator")
        result.addEmulator(run.metadata)
        if !run.planDirectories.isEmpty {
            result.add("plan", run.planDirectories.joined(separator: ", "), key: "plan")
        }
        for commitment in run.commitments ?? [] {
            let names = commitment.holders.joined(separator: ", ")
            result.add("root of \(names)", commitment.root, key: "root \(names)")
        }
        result.add(
            "holders",
            run.holders.map { "\($0.name) (\($0.records) records)" }.joined(separator: ", "),
            key: "holders",
            .array(run.holders.map { ["name": .string($0.name), "records": .int($0.records)] })
        )
        result.add("template", run.template.rawValue, key: "template")
        result.add(
            "adapter",
            "\(Magnitude.text(run.adapterParameters)) parameters",
            key: "adapter_parameters",
            .int(run.adapterParameters)
        )
        result.add(
            "updates",
            run.isMasked ? "masked: the coordinator learns their sum" : "in the clear",
            key: "masked",
            .bool(run.isMasked)
        )
        if let realignment = run.realignment {
            result.add("re-aligned every", realignment.every, key: "realign_every")
        }
        if let auditors = run.observedFor {
            result.add("observed for", auditors.joined(separator: ", "), key: "observed_for")
        }
        if let canaries = run.canaryClients {
            result.add(
                "canary clients",
                "\(canaries.includedNames.count) of \(canaries.count) by fair coins: an instrument, not to be handed out",
                key: "canary_clients",
                .int(canaries.count)
            )
        }
        result.addPrivacy(run)
        result.add("rounds done", rounds.count, key: "rounds")
        let isFinished = FileManager.default.fileExists(atPath: path + "/adapter/adapter_config.json")
        result.add(
            "finished",
            isFinished ? "yes" : "no; fsot tune --resume goes on",
            key: "finished",
            .bool(isFinished)
        )
        return result
    }

    /// What the whole run's noise guarantees; a run that is not finished has spent less.
    private mutating func addPrivacy(_ run: RunDescription) {
        guard let statement = PrivacyStatement(run) else { return }
        for (protects, guarantee) in statement.guarantees {
            add(
                "ε for \(protects)",
                "\(PrivacyStatement.figure(guarantee.epsilon)) at δ \(guarantee.delta), all \(run.federation.rounds) rounds "
                    + "(\(guarantee.sampler), \(guarantee.accountant), \(guarantee.neighbouring))",
                key: "epsilon \(protects)",
                .double(guarantee.epsilon)
            )
        }
        if run.isNoiseSeeded == true { add("noise", PrivacyStatement.simulation, key: "noise") }
    }

    /// A report directory or its `report.json`.
    static func report(at path: String) throws -> Inspection {
        let report = try AuditReport(json: try InputFile.data(path))
        var result = Inspection("report")
        result.add("title", report.title, key: "title")
        result.add("outcome", report.verdict.outcome.rawValue, key: "outcome")
        result.add("verdict", report.verdict.headline, key: "verdict")
        result.add("suite", report.suite.name, key: "suite")
        for run in report.runs {
            for vantage in run.vantages {
                guard let strongest = vantage.strongest else { continue }
                result.add(
                    "\(run.name), \(vantage.vantage.rawValue)",
                    String(format: "strongest attack %@, AUC %.3f", strongest.attack, strongest.auc),
                    key: "auc \(run.name) \(vantage.vantage.rawValue)",
                    .double(strongest.auc)
                )
            }
        }
        return result
    }

    /// An audit plan.
    static func plan(at path: String) throws -> Inspection {
        let plan = try JSONDecoder().decode(AuditPlan.self, from: try InputFile.data(path))
        var result = Inspection("audit plan")
        result.add("coins", plan.coinCount, key: "coins")
        result.add("held out", "\(plan.heldOutShare) of the coins", key: "holdout", .double(plan.heldOutShare))
        result.add("duplicates", plan.duplicateCount, key: "duplicates")
        if plan.canaryCount > 0 { result.add("canaries", plan.canaryCount, key: "canaries") }
        result.add(
            "holders",
            plan.holders.map { "\($0.name) (\($0.included) of \($0.records) included)" }.joined(separator: ", "),
            key: "holders",
            .array(
                plan.holders.map {
                    ["name": .string($0.name), "records": .int($0.records), "included": .int($0.included)]
                }
            )
        )
        return result
    }
}
