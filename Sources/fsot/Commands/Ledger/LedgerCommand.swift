import ArgumentParser

/// `fsot ledger`: what the owner has released so far.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract:
            "Look at the owner's ledger: every release, to whom it went, and what all of them give away together.",
        subcommands: [LedgerList.self, LedgerVerify.self, LedgerExposureCommand.self]
    )
}
