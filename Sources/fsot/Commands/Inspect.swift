import ArgumentParser
import Checkpoints
import Foundation

/// `fsot inspect`: what a file or directory is.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a model, emulator, adapter, run, report, plan, sealed file or card is.",
        discussion: """
            Only headers are read, so that it is quick on models of any size.

            Example:
              fsot inspect model.gguf
              fsot inspect run --json
            """
    )

    @Argument(help: "A file or directory that fsot reads or writes.")
    var path: String

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
        case "card": return try .card(at: path)
        case "identity": return try .identity(at: path)
        case "json": return try .report(at: path)
        default: return try .model(at: path)
        }
    }
}
