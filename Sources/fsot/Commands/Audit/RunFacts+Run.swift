import Audit
import Emulators
import Federation
import PEFT
import Progress
import SecureAggregation
import TensorEngine
import Training

extension RunFacts {
    /// What a run directory says about its run.
    ///
    /// - Parameters:
    ///   - path: the run directory.
    ///   - description: its `run.json`.
    ///   - plan: the plan that it followed.
    ///   - shipped: parameters of the emulator.
    ///   - full: parameters of the full model, when the auditor has it.
    ///   - precision: what the auditor computed in.
    ///   - utility: how good the models are.
    /// - Throws: `FederationError` for damaged metrics.
    init(
        ofRun path: String,
        _ description: RunDescription,
        plan: AuditPlan,
        shipped: Int,
        full: Int?,
        precision: ComputePrecision,
        utility: [Utility]
    ) throws {
        self.init()
        let rounds = try RunDirectory.records(at: path)
        var traffic = TrafficCount()
        for round in rounds { traffic += round.traffic }
        let metadata = description.metadata
        let emulators = description.emulatorBytes * description.holders.count
        compressionRatio = full.map { Double(shipped) / Double($0) }
        fullParameters = full
        shippedParameters = shipped
        middleKept = Double(metadata.kept) / Double(metadata.fullLayers - metadata.bottom - metadata.top)
        adapterParameters = description.adapterParameters
        adapterBytes = description.adapterParameters * 4
        emulatorBytes = description.emulatorBytes
        wireBytes = emulators + traffic.down + traffic.up
        coordinatorSaw = Self.coordinatorSaw(description, rounds)
        self.utility = utility
        protections = PrivacyStatement(description)?.protections
        heldOutShare = plan.heldOutShare
        twins = description.isMasked && description.observedFor != nil ? [.individual] : nil
        let seconds = rounds.reduce(0) { $0 + $1.seconds }
        details = Self.details(of: description, rounds: rounds.count)
        if let canaries = description.canaryClients {
            details.append(
                Detail("canary clients", "\(canaries.includedNames.count) of \(canaries.count) took part in the rounds")
            )
        }
        details += [
            Detail("took", ProgressMeter.duration(seconds) + " for all rounds"),
            Self.recordsAsText(description),
            Detail(
                "products",
                "tuned in \(description.site.precision.rawValue), scored in \(precision.rawValue)"
            ),
            Detail("seed", "\(description.federation.seed)"),
            Detail(
                "plan, SHA-256",
                try description.planDirectories.map {
                    try FileDigest.hexadecimal(of: $0 + "/" + DrawnPlan.planFile)
                }.joined(separator: ", ")
            ),
            Self.coins(holdout: plan.heldOutShare, isRecordLevel: plan.isRecordLevel),
            Detail(
                "crossed a wire",
                "emulator \(Magnitude.bytes(emulators)) to \(Self.count(description.holders.count, "data holder")); rounds "
                    + "\(Magnitude.bytes(traffic.down)) down, \(Magnitude.bytes(traffic.up)) up"
            ),
        ]
    }

    /// What an auditor can say who has a run's `run.json` and what its data holders handed in.
    ///
    /// - Parameters:
    ///   - description: the run's `run.json`.
    ///   - rounds: the run's log, where the auditor has it.
    ///   - exports: what the data holders handed in; not empty.
    init(ofFederation description: RunDescription, rounds: [RoundRecord], _ exports: [ScoreExport]) {
        self.init()
        let metadata = description.metadata
        let shipped = exports[0].shippedParameters
        let full = exports.compactMap(\.fullParameters).first
        compressionRatio = full.map { Double(shipped) / Double($0) }
        fullParameters = full
        shippedParameters = shipped
        middleKept = Double(metadata.kept) / Double(metadata.fullLayers - metadata.bottom - metadata.top)
        adapterParameters = description.adapterParameters
        adapterBytes = description.adapterParameters * 4
        emulatorBytes = description.emulatorBytes
        protections = PrivacyStatement(description)?.protections
        // Bounds from guesses need every coin to be fair.
        heldOutShare = exports.map(\.holdout).first { $0 != 0.5 } ?? 0.5
        if !rounds.isEmpty { coordinatorSaw = Self.coordinatorSaw(description, rounds) }
        details = Self.details(of: description, rounds: description.federation.rounds)
        details += [
            Self.recordsAsText(description), Detail("seed", "\(description.federation.seed)"),
            Detail("adapter, SHA-256", exports[0].adapterDigest),
        ]
        for commitment in description.commitments ?? [] {
            let names = commitment.holders.joined(separator: ", ")
            details.append(Detail("root of \(names)", "\(commitment.root), recorded before round 1"))
            guard let export = exports.first(where: { $0.root == commitment.root }) else { continue }
            var coins = Self.coins(holdout: export.holdout, isRecordLevel: export.isRecordLevel)
            coins.label += " of \(names)"
            details.append(coins)
        }
    }

    private static func details(of description: RunDescription, rounds: Int) -> [Detail] {
        let metadata = description.metadata
        return [
            Detail(
                "blocks of the emulator",
                "\(metadata.bottom) bottom + \(metadata.kept) of \(metadata.fullLayers - metadata.bottom - metadata.top) "
                    + "middle + \(metadata.top) top"
            ),
            Detail("what is tuned", name(of: description.site.method)),
            Detail(
                "training",
                "\(count(rounds, "round")) of \(count(description.federation.localSteps, "step")), "
                    + "\(description.site.batch) records a step, learning rate \(description.federation.learningRate)"
            ),
        ]
    }

    private static func recordsAsText(_ description: RunDescription) -> Detail {
        Detail(
            "records as text",
            "template \(description.template.rawValue), at most \(description.maximumLength) tokens"
        )
    }

    private static func coins(holdout: Double, isRecordLevel: Bool?) -> Detail {
        let level: String
        switch isRecordLevel {
        case true?: level = "; record-level only: no record names a subject, so nothing is said about people"
        case false?: level = "; the records of one subject share a coin"
        case nil: level = ""
        }
        return Detail("coins", "each holds out with probability \(holdout)" + level)
    }

    /// Labels of what differs between two runs with the same seeds: how long it took, and the plan's random salt.
    static let ofTheMachine: Set<String> = ["took", "plan, SHA-256"]

    private static func name(of method: TuningMethod) -> String {
        switch method {
        case .blocks: "the bottom and top blocks, whole"
        case .lora(let rank, let alpha, let targets):
            "LoRA of rank \(rank), alpha \(alpha), on "
                + (targets.isEmpty ? "every linear layer" : targets.joined(separator: ", "))
                + " of the bottom and top blocks"
        }
    }

    private static func coordinatorSaw(_ description: RunDescription, _ rounds: [RoundRecord]) -> [String] {
        let left = rounds.reduce(0) { $0 + $1.invited.count - $1.included.count }
        let dropouts =
            left == 0
            ? "No data holder dropped out of a round."
            : "\(count(left, "time")) a data holder dropped out of a round; its update is not in that round's sum."
        guard description.isMasked else {
            return [
                "Every update of every data holder in the clear, in \(count(rounds.count, "round")): masking was off.",
                dropouts,
            ]
        }
        let views = rounds.compactMap(\.view)
        let fewest = views.map(\.masked.count).min() ?? 0
        var lines = [
            "In each of \(count(rounds.count, "round")): public keys, encrypted shares, one masked vector a data holder, and the "
                + "sum of \(fewest) or more updates. No single update.",
            dropouts,
        ]
        let unmasked = views.reduce(0) { $0 + $1.maskKeysRecovered.count }
        if unmasked > 0 {
            lines.append("\(count(unmasked, "dropout")) left masks in a sum, which the others' shares took out again.")
        }
        return lines + Set(views.flatMap(\.warnings)).sorted()
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
