import ArgumentParser
import Foundation
import Progress

/// Options that every command has.
struct ConsoleOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print results only: no bars, no notes.")
    var quiet = false

    @Flag(help: "Print figures as JSON on standard output.")
    var json = false

    /// The console that these options ask for.
    var console: Console { Console(isQuiet: quiet, printsJSON: json) }
}

/// What the commands print with: results on standard output, everything else on standard error.
struct Console: Sendable {
    let isQuiet: Bool
    let printsJSON: Bool

    /// Colour only on a terminal and when `NO_COLOR` (no-color.org) is unset or empty.
    static func usesColor(_ descriptor: Int32) -> Bool {
        (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty && isatty(descriptor) != 0
            && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// A line of the result, on standard output.
    func print(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// The result for people, unless `--json` asked for the other form.
    func result(_ text: @autoclosure () -> String, json: @autoclosure () throws -> some Encodable) throws {
        if printsJSON {
            print(try Self.encode(json()))
        } else {
            print(text())
        }
    }

    /// A remark that is not a result, on standard error; silent under `--quiet`.
    func note(_ text: String) {
        if !isQuiet { FileHandle.standardError.write(Data((text + "\n").utf8)) }
    }

    /// A warning, on standard error, also under `--quiet`.
    func warn(_ text: String) {
        let label = Self.usesColor(STDERR_FILENO) ? "\u{1B}[33mwarning:\u{1B}[0m" : "warning:"
        FileHandle.standardError.write(Data("\(label) \(text)\n".utf8))
    }

    /// A bar on a terminal, a line a phase elsewhere, nothing under `--quiet`.
    func progress() -> ProgressDisplay {
        ProgressDisplay(style: isQuiet ? .silent : (isatty(STDERR_FILENO) != 0 ? .bar : .lines))
    }

    /// Pretty JSON with sorted keys.
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
