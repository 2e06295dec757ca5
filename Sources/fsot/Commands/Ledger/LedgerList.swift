import ArgumentParser
import Emulators
import Foundation

/// `fsot ledger list`: one line a release.
struct LedgerList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the releases, once the ledger's chain was verified.",
        discussion: """
            Example:
              fsot ledger list
              fsot ledger list --json | jq '.[].source_layers'
            """
    )

    @OptionGroup var location: LedgerOptions

    @OptionGroup var options: ConsoleOptions

    func run() throws {
        let entries = try location.file.entries()
        var table = Table(["line", "date", "release", "output", "to", "middle layers", "verbatim", "risk"])
        for entry in entries {
            table.add([
                "\(entry.number)", String(entry.date.prefix(10)), String(entry.releaseID.prefix(8)), entry.output,
                entry.recipients.isEmpty ? "unsealed" : entry.recipients.map(\.name).joined(separator: " "),
                entry.sourceLayers.map { IndexRanges($0).text } ?? "not known",
                entry.fullParameters.map {
                    String(format: "%.1f %%", 100 * Double(entry.verbatimParameters) / Double(max(1, $0)))
                } ?? "",
                entry.riskAccepted ? "accepted" : "",
            ])
        }
        try options.console.result(
            entries.isEmpty ? "\(location.file.path): no releases yet" : table.text,
            json: entries
        )
    }
}
