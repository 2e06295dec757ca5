import ArgumentParser
import Foundation

/// The root command.
struct Fsot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsot",
        abstract: "Offsite-tuning: improve a language model with private data that never leaves its holders.",
        discussion: """
            A model owner compresses its model into an emulator, data holders fine-tune an adapter on it under secure \
            aggregation, the owner plugs the adapter back into the full model, and an auditor measures what leaked.
            """,
        version: "0.1.0",
        subcommands: [
            Keygen.self, Export.self, AuthorityCommand.self, Compress.self, Report.self, Seal.self, Open.self,
            LedgerCommand.self, FederationCommand.self, JoinCommand.self, Serve.self, Pilot.self, Tune.self, Plug.self,
            AuditCommand.self, DifferentialPrivacyCommand.self, Evaluate.self,
            DataCommand.self, Score.self, Tokenize.self, Generate.self, Inspect.self, Bench.self, Doctor.self,
        ]
    )
}

@main
enum Main {
    /// Parses, runs, and renders any error in one place: one sentence on standard error and the exit code.
    static func main() async {
        Interruption.listen()
        do {
            var command = try Fsot.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            exit(code.rawValue)
        } catch  where Fsot.exitCode(for: error) != .failure {
            Fsot.exit(withError: error)
        } catch {
            let label = Console.usesColor(STDERR_FILENO) ? "\u{1B}[31merror:\u{1B}[0m" : "error:"
            // The parser wraps what `validate()` throws in an error that prints as a dump of itself; it can unwrap it.
            let text =
                error is CancellationError
                ? "Stopped; nothing was written, run the command again." : Fsot.message(for: error)
            FileHandle.standardError.write(Data("\(label) \(text)\n".utf8))
            let status = (error as? CommandFailure)?.status ?? ExitStatus.failure
            exit((Interruption.isRequested ? ExitStatus.interrupted : status).rawValue)
        }
    }
}
