import Foundation

/// Another party of a pilot: this program in a process and a home directory of its own.
final class ChildProcess {
    private let process = Process()
    private let log: String

    /// Starts it; what it prints goes to `log`.
    ///
    /// - Throws: what starting a process throws.
    init(_ arguments: [String], home: String, log: String) throws {
        self.log = log
        guard FileManager.default.createFile(atPath: log, contents: nil), let handle = FileHandle(forWritingAtPath: log)
        else { throw CommandFailure("Cannot write \(log); check its directory.") }
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging([HomeDirectory.variable: home]) { $1 }
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    /// The port that a coordinator says it listens on.
    ///
    /// - Throws: `CommandFailure` when it ends before.
    func port() async throws -> Int {
        let label = "listening on port "
        while true {
            if let range = text.range(of: label), let port = Int(text[range.upperBound...].prefix { $0.isNumber }) {
                return port
            }
            guard isRunning else { throw CommandFailure("The coordinator did not start: \(lastLine)") }
            try Interruption.check()
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits for its end.
    ///
    /// - Throws: `CommandFailure` with what it said last when it failed.
    func succeed(_ name: String) async throws {
        while isRunning {
            try Interruption.check()
            try await Task.sleep(for: .milliseconds(50))
        }
        if process.terminationStatus != 0 {
            throw CommandFailure("\(name) failed (exit \(process.terminationStatus)): \(lastLine)")
        }
    }

    func stop() { if process.isRunning { process.terminate() } }

    private var text: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
    private var lastLine: String { text.split(separator: "\n").last.map(String.init) ?? "it said nothing" }
}
