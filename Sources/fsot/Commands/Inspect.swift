import ArgumentParser
import Checkpoints
import Foundation

/// `fsot inspect`: what a file or directory is.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Say what a model, emulator, adapter, run, report, plan, sealed file, invitation, card or file of an audit is.",
        discussion: """
            Only headers are read, so that it is quick on models of any size. Commitments, scores, queries and answers of \
            fsot audit are read whole, and those that are sealed need --identity of a recipient.

            Example:
              fsot inspect model.gguf
              fsot inspect run --json
              fsot inspect north.query.age --identity owner.identity
            """
    )

    @Argument(help: "A file or directory that fsot reads or writes.")
    var path: String

    @Option(help: "Opens a sealed query or answer: NAME.identity.")
    var identity: String?

    @OptionGroup var passphrase: PassphraseOptions

    @OptionGroup var options: ConsoleOptions

    func run() throws {
        let found = try inspection()
        options.console.print(options.json ? found.json.prettyText.trimmingCharacters(in: .newlines) : found.text)
    }

    private func inspection() throws -> Inspection {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure("\(path) does not exist; check the path.")
        }
        func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }
        if isDirectory.boolValue {
            if holds("run.json") { return try .run(at: path) }
            if holds("report.json") { return try .report(at: path + "/report.json") }
            if holds("plan.json") { return try .plan(at: path + "/plan.json") }
            if holds("adapter_config.json") { return try .adapter(at: path) }
            return try .model(at: path)
        }
        switch (path as NSString).pathExtension {
        case "fsot": return try .sealed(at: path)
        case "invite": return try .invitation(at: path)
        case "card": return try .card(at: path)
        case "identity": return try .identity(at: path)
        case "age":
            guard let identity else { return try .sealedFile(at: path) }
            let opened = try SealedExchange.open(path, identity: IdentityFile.load(identity, passphrase: passphrase))
            guard let found = try Inspection.exchange(opened, at: path) else {
                throw CommandFailure("\(path) holds no file of an audit; open it with age -d.")
            }
            return found
        case "json":
            return try Inspection.exchange(InputFile.data(path), at: path) ?? .report(at: path)
        default: return try .model(at: path)
        }
    }
}
