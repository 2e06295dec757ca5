import ArgumentParser
import Emulators
import Foundation

/// `fsot ledger exposure`: what all releases together give away.
struct LedgerExposureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exposure",
        abstract:
            "Say what all releases of a model together give away, and what two recipients who collude would hold.",
        discussion: """
            Releases that keep different layers add up: the union of their source layers, and of what travels bit for \
            bit, is what somebody holds who has them all. Releases with nested layers give away no more than the largest.

            Example:
              fsot ledger exposure
            """
    )

    @OptionGroup var location: LedgerOptions

    @OptionGroup var options: ConsoleOptions

    func run() throws {
        let exposures = LedgerExposure.of(try location.file.entries())
        let texts = exposures.map(Self.text)
        try options.console.result(
            texts.isEmpty ? "\(location.file.path): no releases yet" : texts.joined(separator: "\n\n"),
            json: exposures
        )
    }

    private static func text(_ exposure: LedgerExposure) -> String {
        var table = Table(["who", "releases", "middle layers", "of \(exposure.middleLayers)", "verbatim"])
        func add(_ name: String, _ holding: LedgerExposure.Holding) {
            table.add([
                name, "\(holding.releases)", IndexRanges(holding.sourceLayers).text, "\(holding.sourceLayers.count)",
                holding.verbatimShare.map { String(format: "%.1f %%", $0 * 100) } ?? "\(holding.verbatimParameters)",
            ])
        }
        add("all", exposure.all)
        for holding in exposure.recipients { add(holding.recipients.joined(), holding) }
        for holding in exposure.pairs { add(holding.recipients.joined(separator: " + "), holding) }
        let digest = exposure.baseModel.first.map { String($0.prefix(8)) } ?? ""
        var lines = ["\(exposure.model)  (SHA-256 \(digest)…), \(exposure.fullLayers) layers", table.text]
        if exposure.unknownReleases > 0 {
            lines.append(
                "\(exposure.unknownReleases) of the releases were not made under this ledger: what they hold is not known"
            )
        }
        return lines.joined(separator: "\n")
    }
}
