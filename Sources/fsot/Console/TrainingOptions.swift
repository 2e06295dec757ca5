import ArgumentParser
import Emulators
import Federation
import Foundation
import PEFT
import Training

extension AveragingWeights: ExpressibleByArgument {}
extension PromptTemplate: ExpressibleByArgument {}

/// What all data holders of a run must do alike: on the command line of a simulation, or in the invitation of a federation.
struct TrainingOptions: ParsableArguments {
    @Option(help: "blocks: the adapter blocks whole; lora: low-rank branches in them.")
    var method: String = "blocks"

    @Option(help: "Rank of LoRA.")
    var rank = 8

    @Option(help: "Alpha of LoRA: branches are scaled by alpha / rank.")
    var alpha = 16.0

    @Option(
        parsing: .upToNextOption,
        help: "LoRA's target modules, such as q_proj v_proj. (default: every linear layer)"
    )
    var targets: [String] = []

    @Option(help: "How records become text: alpaca, chatml or plain.")
    var template: PromptTemplate = .alpaca

    @Option(help: "How updates are weighted: uniform or records.")
    var weights: AveragingWeights = .uniform

    @Option(help: "Rounds.")
    var rounds = 4

    @Option(help: "Optimizer steps of each data holder in a round.")
    var localSteps = 10

    @Option(help: "Data holders drawn in each round. (default: all)")
    var sample: Int?

    @Option(help: "Records of an optimizer step.")
    var batch = 4

    @Option(help: "Tokens of the longest example; longer ones are cut.")
    var maxLength = 512

    @Option(name: .customLong("lr"), help: "Learning rate of AdamW.")
    var learningRate = 1e-4

    @Option(help: "Largest norm of a masked update; longer ones are scaled to it. (default: --client-dp-clip, or 100)")
    var clip: Double?

    @Option(help: "Bits of a number in a masked update: 32, 24 or 16. Fewer make smaller uploads and coarser sums.")
    var bits = 32

    @Flag(help: "Rotate updates (randomised Hadamard) before they become integers: far finer sums at 16 bits.")
    var rotate = false

    @Option(help: "The rule of local steps: adamw, or sgd without momentum.")
    var optimizer = "adamw"

    @Option(
        name: .customLong("seed"),
        help:
            "Decides data order, sampling of holders and LoRA's first matrices; and the noise of differential privacy, which is then a simulation. Without it noise is a secret. (default: 0)"
    )
    var givenSeed: UInt64?

    var seed: UInt64 { givenSeed ?? 0 }

    @OptionGroup(title: "Differential privacy") var privacy: PrivacyOptions

    func validate() throws {
        if !["blocks", "lora"].contains(method) { throw ValidationError("--method \(method) is not blocks or lora") }
        if !["adamw", "sgd"].contains(optimizer) {
            throw ValidationError("--optimizer \(optimizer) is not adamw or sgd")
        }
        if ![16, 24, 32].contains(bits) { throw ValidationError("--bits \(bits) is not 16, 24 or 32") }
        if batch < 1 { throw ValidationError("--batch \(batch) is not positive") }
        if rank < 1 { throw ValidationError("--rank \(rank) is not positive") }
        for (name, value) in [("--alpha", alpha), ("--clip", clip ?? 1)] where !(value > 0 && value.isFinite) {
            throw ValidationError("\(name) \(value) is not a positive number")
        }
        try privacy.validate(sample: sample, clip: clip, weights: weights)
    }

    /// The bound on each masked update's norm.
    var updateClip: Double { clip ?? privacy.clientDpClip ?? 100 }

    /// How masked updates become integers.
    var quantisation: Quantisation {
        bits == 32 && !rotate ? .full : Quantisation(bits: bits, isRotated: rotate, seed: rotate ? seed : 0)
    }

    /// How each data holder trains.
    ///
    /// - Throws: `TrainingError`, `DifferentialPrivacyError`.
    func site(_ compute: ComputeChoice) throws -> SiteConfiguration {
        SiteConfiguration(
            method: method == "lora" ? .lora(rank: rank, alpha: alpha, targets: targets) : .blocks,
            batch: batch,
            optimizer: optimizer == "sgd" ? .sgd(momentum: 0) : .adamW(weightDecay: 0),
            precision: try compute.precision(),
            seed: seed,
            privacy: try privacy.records()
        )
    }

    /// How the rounds run.
    ///
    /// - Throws: `FederationError`, `DifferentialPrivacyError`.
    func federation(judgeEvery: Int) throws -> FederationConfiguration {
        try FederationConfiguration(
            rounds: rounds,
            localSteps: localSteps,
            learningRate: learningRate,
            participantsPerRound: sample,
            weights: weights,
            judgeEvery: judgeEvery,
            seed: seed,
            privacy: try privacy.holders()
        )
    }
}
