import Foundation

/// This program with other arguments, as a user would type them: long measurements are made of commands that can be repeated by hand.
struct OwnProgram {
    let console: Console

    /// Runs a command to its end; its progress goes to the terminal, its results nowhere.
    ///
    /// - Parameters:
    ///   - directory: where it runs; nil: here.
    ///   - accepting: exit codes that are no failure.
    /// - Throws: `CommandFailure` for any other exit, `CancellationError` after Ctrl-C.
    func run(_ arguments: [String], in directory: String? = nil, accepting: Set<Int32> = [0]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments + (console.isQuiet ? ["--quiet"] : [])
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try Interruption.check()
        guard process.terminationReason == .exit, accepting.contains(process.terminationStatus) else {
            throw CommandFailure(
                "fsot \(arguments.prefix(2).joined(separator: " ")) failed (exit \(process.terminationStatus)); mend what it says and go on with --resume."
            )
        }
    }
}
