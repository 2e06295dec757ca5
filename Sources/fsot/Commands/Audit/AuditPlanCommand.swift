import ArgumentParser
import Audit
import Foundation
import Training

/// `fsot audit plan`: inclusion coins, drawn before training.
struct AuditPlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Draw who is trained on, before training, so that the audit's comparison is fair.",
        discussion: """
            A coin decides for each record, or for all records of a subject together, whether it is held out. fsot tune \
            --plan trains on the others; the audit compares the two sides. Equal sides (--holdout 0.5) tell most; what a \
            smaller share leaves is printed.

            Canaries are synthetic records that belong to nobody. A fair coin of its own decides for each, whatever \
            --holdout is, so that a lower bound on ε and the exposure can be measured where few records are held out. They \
            stay out of every other figure. They do change what is trained: plant few beside the records.

            Each data holder can draw its own plan. commitment.json holds the root of a Merkle tree over its records and \
            coins and nothing secret: show it before round 1, and no coin can be changed afterwards.

            Examples:
              fsot audit plan --data north.jsonl --seed 1 -o north/plan
              fsot audit plan --data north.jsonl lake.jsonl hill.jsonl --seed 1 --holdout 0.5 -o plan
              fsot audit plan --data north.jsonl --canaries 600 --canary-kinds random,new-token --model model.gguf -o plan
              fsot tune emulator --plan plan -o run
              fsot audit run run --model model.gguf -o report
            """
    )

    @Option(parsing: .upToNextOption, help: "One file = one data holder: JSONL (optionally gzip) or CSV.")
    var data: [String]

    @Option(help: "Which CSV column feeds which key: instruction=Question,output=Answer.")
    var columns: String?

    @Option(help: "Decides the coins; keep it secret from whoever trains until the audit.")
    var seed: UInt64 = 0

    @Option(help: "The share that is held out: the probability of each coin.")
    var holdout = AuditPlan.defaultHoldout

    @OptionGroup var canaries: CanaryOptions

    @Option(name: .shortAndLong, help: "A new directory.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if !(holdout > 0 && holdout < 1) { throw ValidationError("--holdout \(holdout) is not above 0 and below 1") }
    }

    /// The plan, and what of it may be shown.
    private struct Result: Encodable {
        enum CodingKeys: String, CodingKey {
            case commitment
            case smallestDetectableAUC
        }

        var plan: AuditPlan
        var commitment: PlanCommitment

        func encode(to encoder: any Encoder) throws {
            try plan.encode(to: encoder)
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(commitment, forKey: .commitment)
            try values.encode(plan.smallestDetectableAUC, forKey: .smallestDetectableAUC)
        }
    }

    func run() throws {
        let mapping = try columns.map { try ColumnMapping(parsing: $0) }
        let files = try data.map { try RecordFile.open($0, columns: mapping) }
        let records = try DrawnPlan.draw(files: files, seed: seed, holdout: holdout)
        let drawn = try canaries.plant(in: records, seed: seed, console: options.console)
        try drawn.write(to: output)
        let plan = drawn.plan
        let commitment = try drawn.commitment()
        for warning in plan.warnings { options.console.warn(warning) }
        if commitment.isRecordLevel {
            options.console.note("no record has a subject: record-level only, the audit will say nothing about people")
        }
        var table = Table(["holder", "records", "included", "held out"])
        for holder in plan.holders {
            table.add([holder.name, "\(holder.records)", "\(holder.included)", "\(holder.records - holder.included)"])
        }
        let coins = plan.coinCounts
        try options.console.result(
            """
            \(table.text)

            coins             \(coins.included) included, \(coins.heldOut) held out; \(plan.duplicateCount) duplicate records tied
            power             a true AUC of \(String(format: "%.2f", plan.smallestDetectableAUC)) is the smallest that these \
            coins are expected to tell from chance
            \(Self.planted(plan))root              \(commitment.root)
            commitment        \(output)/\(DrawnPlan.commitmentFile): show it before round 1
            """,
            json: Result(plan: plan, commitment: commitment)
        )
    }

    /// What was planted, a line with its line feed; empty without canaries.
    private static func planted(_ plan: AuditPlan) -> String {
        let canaries = plan.records.filter { $0.canary != nil }
        if canaries.isEmpty { return "" }
        var tiers: [Canary] = []
        for canary in canaries.compactMap(\.canary) where !tiers.contains(canary) { tiers.append(canary) }
        let words = tiers.map { tier in
            let own = canaries.filter { $0.canary == tier }
            return "\(tier.kind.rawValue) × \(tier.repetitions) \(own.count { $0.isIncluded })/\(own.count)"
        }
        return "canaries          \(canaries.count { $0.isIncluded }) of \(canaries.count) included by fair coins: "
            + words.joined(separator: ", ") + "\n"
    }
}
