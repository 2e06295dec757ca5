import Emulators
import Foundation
import Training

/// The owner's report in a few lines for the terminal.
struct ReportText {
    let report: ReleaseReport

    init(_ report: ReleaseReport) { self.report = report }

    var lines: [String] { middle + probe + recovery }

    private var middle: [String] {
        report.middle.map {
            [
                String(
                    format: "middle            error %.3f, alignment %.3f of its output on held-out text",
                    $0.error,
                    $0.alignment
                )
            ]
        } ?? []
    }

    private var probe: [String] {
        guard let probe = report.probe else { return [] }
        func text(_ spread: SeedSpread, _ digits: Int = 4) -> String {
            let deviation = probe.runs.count > 1 ? String(format: " ± %.\(digits)f", spread.deviation) : ""
            return String(format: "%.\(digits)f", spread.mean) + deviation
        }
        return [
            String(
                format: "probe task        zero-shot %.4f (full), %.4f (emulator) nats a token on %d records",
                probe.fullZeroShot.loss,
                probe.emulatorZeroShot.loss,
                probe.fullZeroShot.records
            ),
            "tuned             \(text(probe.emulatorTuned)) (emulator), \(text(probe.pluggedIn)) (plugged in), "
                + "\(text(probe.fullTuned)) (in the full model)",
            "transfer          " + text(probe.transfer, 3),
            "gaps              plug-in \(text(probe.pluginGap)), IP \(text(probe.ipGap)), "
                + "capability excess \(text(probe.capabilityExcess))",
        ]
    }

    private var recovery: [String] {
        guard let recovery = report.recovery else { return [] }
        return recovery.advantages.map { advantage in
            String(
                format:
                    "recovery          %.1f %% of the tokens: %.3f (%@), %+.3f over a random middle, %+.3f over a random model",
                advantage.share * 100,
                advantage.recovery,
                advantage.attack,
                advantage.overRandomMiddle,
                advantage.overRandomModel
            )
        }
    }
}
