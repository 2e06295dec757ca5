import Foundation
import Training

extension ReleaseReport {
    /// What the owner should think about before releasing, most serious first.
    public var warnings: [String] { measuredWarnings + quickWarnings }

    /// Those that follow from the policy, the probe task and the attacks.
    public var measuredWarnings: [String] {
        violations.map { "It breaks the owner's policy: \($0.text)." } + costlyBlocks + probeWarnings + recoveryWarnings
    }

    /// Dropped blocks that the model does badly without.
    private var costlyBlocks: [String] {
        guard let choice = release.layerChoice, let losses = leaveOneOut ?? choice.leaveOneOut else { return [] }
        return losses.outliers(keeping: choice.kept).map {
            String(
                format:
                    "Block %d of the middle was dropped; without it alone the loss rises by %.3f nats, over 5 times "
                    + "the median.",
                $0,
                losses.rises[$0]
            )
        }
    }

    private var probeWarnings: [String] {
        guard let probe else { return [] }
        func text(_ value: Double) -> String { String(format: "%.3f", value) }
        var warnings: [String] = []
        if probe.pluggedIn.mean >= probe.emulatorTuned.mean {
            warnings.append(
                "The plugged-in model is no better than the tuned emulator (\(text(probe.pluggedIn.mean)) against "
                    + "\(text(probe.emulatorTuned.mean)) nats): a data holder has nothing to come back for."
            )
        }
        if probe.pluggedIn.mean >= probe.fullZeroShot.loss {
            warnings.append(
                "The plugged-in model is no better than the untuned one (\(text(probe.pluggedIn.mean)) against "
                    + "\(text(probe.fullZeroShot.loss)) nats): what is tuned on this emulator does not transfer."
            )
        }
        if probe.capabilityExcess.mean > 0 {
            warnings.append(
                "The tuned emulator beats the untuned full model by \(text(probe.capabilityExcess.mean)) nats: for this "
                    + "task it replaces it."
            )
        }
        return warnings
    }

    private var recoveryWarnings: [String] {
        guard let recovery, let advantage = recovery.largestAdvantage, advantage > 0.1 else { return [] }
        return [
            String(
                format: "An attacker gets %.0f points more of the full model back than with a random middle.",
                advantage * 100
            )
        ]
    }

    private var quickWarnings: [String] {
        var warnings = lossWarnings
        if let cosine = gradientCosine, cosine < GradientForecast.poorCosine {
            warnings.append(
                String(format: "The adapter's gradient has a cosine of %.2f with that in the full model", cosine)
                    + ": expect little of the tuning to transfer."
            )
        }
        if let choice = release.layerChoice {
            if let block = choice.droppedSink {
                warnings.append("Block \(block) of the middle, which makes the attention sink, was dropped.")
            }
        }
        return warnings
    }

    /// Those that follow from the weights themselves and from distillation.
    public var lossWarnings: [String] {
        var warnings: [String] = []
        if release.distillationReport.keptNothing {
            warnings.append(
                "Distillation made held-out text no better, so the middle is as thinning left it: give more "
                    + "--distill-tokens, or another --distill-lr."
            )
        }
        if release.middleVerbatimShare > Self.muchVerbatim {
            warnings.append(
                String(
                    format: "%.0f %% of the middle's own numbers are in the emulator, bit for bit.",
                    release.middleVerbatimShare * 100
                )
            )
        }
        return warnings
    }

    /// More of the middle than this, unchanged, is worth a warning.
    private static let muchVerbatim = 0.25
}
