import ArgumentParser

/// `fsot data`: look at records and divide them.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Check records before tuning, or split a file over data holders.",
        subcommands: [DataCheckCommand.self, DataSplitCommand.self]
    )
}
