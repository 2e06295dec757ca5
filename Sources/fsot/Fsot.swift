import ArgumentParser

@main
struct Fsot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "fsot", abstract: "Offsite-tuning with privacy.")
}
