import ArgumentParser
import Federation

extension CanaryClients.Presence: ExpressibleByArgument {}

/// Canary clients of a simulation: whether what protects whole data holders does what it says.
struct CanaryClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Plant canary clients (Andrew et al. 2024), in a simulation only: so many fair coins decide who takes part and sends one random direction. They are part of every mean, so do not hand out what they were planted in.",
            valueName: "coins"
        )
    )
    var oneShotCanaries: Int?

    @Option(
        help: ArgumentHelp(
            "Norm of what a canary client sends, as large as a data holder's update. (default: --client-dp-clip)",
            valueName: "norm"
        )
    )
    var oneShotNorm: Double?

    @Option(
        help:
            "once: a canary client sends its direction in one round, zeros in the others; always: in each, as a data holder does."
    )
    var oneShotPresence: CanaryClients.Presence = .once

    /// Whether any canary clients are asked for.
    var isOn: Bool { oneShotCanaries != nil }

    /// - Parameter training: what the data holders do.
    func validate(_ training: TrainingOptions) throws {
        if !isOn, oneShotNorm != nil || oneShotPresence != .once {
            throw ValidationError("--one-shot-norm and --one-shot-presence need --one-shot-canaries")
        }
        if isOn, training.weights != .uniform {
            throw ValidationError("--one-shot-canaries does not go with --weights records; give --weights uniform")
        }
        if isOn, oneShotNorm == nil, training.privacy.clientDpClip == nil {
            throw ValidationError(
                "--one-shot-canaries needs --one-shot-norm, the norm of a data holder's update, where no --client-dp-clip says how long one can be"
            )
        }
        if let oneShotNorm, oneShotNorm > training.updateClip {
            throw ValidationError(
                "--one-shot-norm \(oneShotNorm) is above the clip of updates, \(training.updateClip), so that nobody would send it"
            )
        }
        do {
            _ = try canaries(training)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The canaries; nil: none.
    ///
    /// - Throws: `FederationError.invalidConfiguration`.
    func canaries(_ training: TrainingOptions) throws -> CanaryClients? {
        guard let oneShotCanaries, let norm = oneShotNorm ?? training.privacy.clientDpClip else { return nil }
        return try CanaryClients(
            count: oneShotCanaries,
            presence: oneShotPresence,
            norm: norm,
            seed: training.seed
        )
    }
}
