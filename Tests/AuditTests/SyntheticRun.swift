import Audit
import Foundation
import TensorEngine

/// A run whose tuned model prefers its members by a chosen amount: token statistics drawn as a language model's would look.
struct SyntheticRun {
    var name = "run"
    var leak = 0.0
    var recordsPerHolder = 80
    var seed: UInt64 = 1
    var ratio: Double?
    /// Makes members' texts recognisable without any model.
    var telltale = false
    /// Makes the untuned model prefer the members already.
    var contamination = 0.0
    var changes = true
    var holdout = 0.5

    private static let words = [
        "patient", "Reports", "mild", "Pain", "after", "walking", "since", "March", "no", "fever", "prescribed",
        "ibuprofen",
        "follow-up", "in", "two", "weeks", "Blood", "pressure", "stable", "history", "of", "Asthma", "referred", "to",
    ]

    func input() -> AuditInput {
        var generator = SeededGenerator(seed: seed)
        var records: [AuditedRecord] = []
        var tuned: [VantagePoint: [[TokenObservation]]] = [.peer: [], .owner: []]
        var reference = tuned
        var loweredTuned = tuned
        var loweredReference = tuned
        for holder in ["clinic-a", "clinic-b", "clinic-c"] {
            for number in 0..<recordsPerHolder {
                let isMember = generator.uniform() < 1 - holdout
                let count = 12 + Int(generator.uniform() * 30)
                var words = (0..<count).map { _ in
                    Self.words[Int(generator.uniform() * Double(Self.words.count))]
                }
                if telltale, isMember { words.append("zebra crossing") }
                let text = words.joined(separator: " ") + "."
                records.append(
                    AuditedRecord(
                        id: "\(holder):\(number)",
                        holder: holder,
                        coin: records.count,
                        isMember: isMember,
                        text: text,
                        answer: text
                    )
                )
                let difficulty = 0.4 * generator.normal()
                for vantage in [VantagePoint.peer, .owner] {
                    let strength = (vantage == .peer ? leak : 0.6 * leak) * (0.4 + 1.2 * generator.uniform())
                    let before = tokens(
                        count,
                        difficulty: difficulty - (isMember ? contamination : 0),
                        using: &generator
                    )
                    let after =
                        changes ? tune(before, gain: 0.25 + (isMember ? strength : 0), using: &generator) : before
                    reference[vantage]?.append(before)
                    tuned[vantage]?.append(after)
                    let lowered = tokens(count, difficulty: difficulty + 0.5, using: &generator)
                    loweredReference[vantage]?.append(lowered)
                    loweredTuned[vantage]?.append(
                        changes
                            ? tune(lowered, gain: 0.2 + (isMember ? 0.5 * strength : 0), using: &generator) : lowered
                    )
                }
            }
        }
        let vantages = [VantagePoint.peer, .owner].map { vantage in
            VantageObservations(
                vantage: vantage,
                tuned: tuned[vantage] ?? [],
                reference: reference[vantage] ?? [],
                loweredTuned: loweredTuned[vantage],
                loweredReference: loweredReference[vantage]
            )
        }
        return AuditInput(name: name, facts: facts, records: records, vantages: vantages)
    }

    private var facts: RunFacts {
        var facts = RunFacts()
        guard let ratio else { return facts }
        facts.compressionRatio = ratio
        facts.fullParameters = 134_515_008
        facts.shippedParameters = Int(ratio * 134_515_008)
        facts.middleKept = max(0, (ratio - 0.35) / 0.65)
        facts.adapterParameters = 14_160_384
        facts.adapterBytes = 56_641_536
        facts.emulatorBytes = facts.shippedParameters.map { $0 * 4 }
        facts.wireBytes = 1_912_000_000
        facts.coordinatorSaw = [
            "The masked sum of three updates in each of 4 rounds; no single update.",
            "Which data holders took part, and how many records each reported.",
        ]
        func utility(_ model: String, _ value: Double, before: (String, Double)? = nil) -> RunFacts.Utility {
            var utility = RunFacts.Utility(model: model, measure: "perplexity", value: value, isLowerBetter: true)
            utility.interval = ConfidenceInterval(lower: value * 0.97, upper: value * 1.03)
            utility.change = before.map {
                let ratio = value / $0.1
                let interval = ConfidenceInterval(lower: ratio - 0.01, upper: ratio + 0.01)
                return RunFacts.Change(from: $0.0, ratio: ratio, interval: interval)
            }
            return utility
        }
        facts.utility = [
            utility("full model", 14.2),
            utility("emulator", 310 - 120 * ratio),
            utility("tuned emulator", 16 - 5 * ratio, before: ("emulator", 310 - 120 * ratio)),
            utility("plugged-in model", 12 - 3 * ratio, before: ("full model", 14.2)),
        ]
        facts.details = [
            RunFacts.Detail("method", "whole blocks, 2 bottom and 2 top"),
            RunFacts.Detail("rounds × local steps × batch", "4 × 10 × 4"),
        ]
        return facts
    }

    private func tokens(_ count: Int, difficulty: Double, using generator: inout SeededGenerator) -> [TokenObservation]
    {
        (0..<count).map { _ in
            let surprise = -log(1 - generator.uniform()) * 2.2 * exp(difficulty)
            return TokenObservation(
                logProbability: -surprise,
                mean: -2.2 + 0.3 * generator.normal(),
                deviation: 1.6 + 0.2 * generator.uniform(),
                isArgmax: surprise < 0.9
            )
        }
    }

    private func tune(
        _ tokens: [TokenObservation],
        gain: Double,
        using generator: inout SeededGenerator
    ) -> [TokenObservation] {
        tokens.map { token in
            var token = token
            token.logProbability = min(-1e-4, token.logProbability * (1 - 0.3 * gain) + 0.5 * generator.normal() * 0.8)
            token.isArgmax = token.logProbability > -0.9
            return token
        }
    }
}
