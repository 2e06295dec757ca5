import ArgumentParser

/// `fsot bench`: what this machine reaches.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure training, scoring or secure aggregation on this machine.",
        discussion: """
            fsot bench MODEL is short for fsot bench training MODEL.

            Examples:
              fsot bench emulator --records 3000 --record-tokens 180 --epochs 3
              fsot bench scoring model.gguf
              fsot bench aggregation --participants 100 --parameters 1000000 --dropout 0.1
            """,
        subcommands: [BenchTraining.self, BenchScoring.self, BenchAggregation.self],
        defaultSubcommand: BenchTraining.self
    )
}
