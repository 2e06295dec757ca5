import Audit
import DifferentialPrivacy
import Federation
import Foundation

/// What a run prints when it is done: a line a round, the wire, the privacy, and where the adapter lies.
struct RunSummary {
    let description: RunDescription
    let path: String
    let progress: RunProgress

    private struct Result: Encodable {
        var run: String
        var adapter: String
        var rounds: [RoundRecord]
        var progress: RunProgress
        var emulatorBytes: Int
        var recordPrivacy: [String: PrivacyGuarantee]?
        var clientPrivacy: PrivacyGuarantee?
        var canaryClients: ClientCanaryReport?
    }

    /// - Throws: `FederationError.invalidRun`.
    func print(on console: Console) throws {
        let records = try RunDirectory.records(at: path)
        let masked =
            description.isMasked
            ? "masked: the coordinator saw sums only" : "in the clear: the coordinator saw each update"
        var table = Table(["round", "updates", "norm", "emulator loss", "plug-in loss", "down", "up", "seconds"])
        for record in records {
            func figure(_ key: String) -> String { record.figures[key].map { String(format: "%.4f", $0) } ?? "" }
            table.add([
                "\(record.round)", "\(record.included.count)", String(format: "%.4f", record.updateNorm),
                figure("emulator.loss"), figure("plugin.loss"), Self.megabytes(record.traffic.down),
                Self.megabytes(record.traffic.up), String(format: "%.1f", record.seconds),
            ])
        }
        let emulator = description.emulatorBytes * description.holders.count
        let total = emulator + progress.traffic.down + progress.traffic.up
        var lines = [
            table.text,
            "updates           \(masked)",
            "wire              \(Self.megabytes(total)): emulator \(Self.megabytes(emulator)) to "
                + "\(description.holders.count) holders, rounds \(Self.megabytes(progress.traffic.down)) down, "
                + "\(Self.megabytes(progress.traffic.up)) up",
        ]
        if let best = progress.bestRound, let loss = progress.bestValidationLoss {
            lines.append("best round        \(best), validation loss \(String(format: "%.4f", loss))")
        }
        if let statement = PrivacyStatement(description) { lines += ["", statement.text, ""] }
        let protections = PrivacyStatement(description)?.protections
        var facts = RunFacts()
        facts.protections = protections
        let canaries = try RunDirectory.canaryClientScores(at: path).map {
            try ClientCanaryReport($0, delta: facts.clientDelta)
        }
        if let canaries {
            lines += ["", canaries.text, ""]
            let stated = protections?.first { $0.isComparable(to: .holder) }
            if let fault = canaries.contradiction(of: stated) { console.warn(fault) }
        }
        if let canaries {
            console.warn(
                "\(canaries.included) canary clients are part of every mean: this adapter is a measurement and not one to hand out"
            )
        }
        lines.append("adapter           \(path)/adapter")
        try console.result(
            lines.joined(separator: "\n"),
            json: Result(
                run: path,
                adapter: path + "/adapter",
                rounds: records,
                progress: progress,
                emulatorBytes: description.emulatorBytes,
                recordPrivacy: description.site.privacy.map { _ in
                    Dictionary(
                        uniqueKeysWithValues: description.holders.compactMap { holder in
                            holder.privacy.map { (holder.name, $0) }
                        }
                    )
                },
                clientPrivacy: description.clientPrivacy,
                canaryClients: canaries
            )
        )
    }

    private static func megabytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1e6) }
}
