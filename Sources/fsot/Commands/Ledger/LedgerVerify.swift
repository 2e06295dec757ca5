import ArgumentParser
import Emulators
import Foundation

/// `fsot ledger verify`: whether the chain is whole.
struct LedgerVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that no line of the ledger was changed, removed or reordered.",
        discussion: """
            Each line holds the SHA-256 of the line before, and LEDGER.head the number of lines and the last hash. \
            Whoever can write both files can still shorten both or make a new chain: note the head that this prints \
            somewhere else, and give it later with --head.

            Example:
              fsot ledger verify
            """
    )

    @OptionGroup var location: LedgerOptions

    @Option(help: "A head that an earlier verify printed: it must still be in the chain.")
    var head: String?

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var ledger: String
        var releases: Int
        var head: String
    }

    func run() throws {
        let ledger = location.file
        guard FileManager.default.fileExists(atPath: ledger.path) else {
            throw CommandFailure("There is no ledger \(ledger.path); check --ledger and FSOT_HOME.")
        }
        let found = try ledger.verify(head: head)
        if found.endsBeyondHead {
            options.console.warn(
                "line \(found.count) was written, but the machine stopped before the head was; the next release mends it"
            )
        }
        try options.console.result(
            "\(ledger.path): \(found.count) \(found.count == 1 ? "line" : "lines"), whole\nhead  \(found.head)",
            json: Result(ledger: ledger.path, releases: found.count, head: found.head)
        )
    }
}
