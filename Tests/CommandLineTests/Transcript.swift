import Foundation
import Testing

/// One run of the built binary: what it printed and how it ended.
struct Transcript {
    let status: Int32
    let output: String
    let errors: String

    /// Runs `fsot` with arguments in a directory; standard input is empty and no stream is a terminal.
    ///
    /// - Parameters:
    ///   - blocks: the largest file it may write, in units of 512 bytes (`ulimit -f` of POSIX); nil: no limit.
    ///   - meanwhile: called once it runs, with the file that its standard error goes to: to send it a signal.
    static func run(
        _ arguments: [String],
        in directory: Scratch,
        environment: [String: String] = [:],
        fileLimit blocks: Int? = nil,
        meanwhile: (_ process: Process, _ errors: String) -> Void = { _, _ in }
    ) throws -> Transcript {
        let process = Process()
        if let blocks {
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "ulimit -f \(blocks) && exec \"$0\" \"$@\"", try binary()] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: try binary())
            process.arguments = arguments
        }
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        process.environment = ProcessInfo.processInfo.environment.merging(["FSOT_HOME": directory.home]) { $1 }
            .merging(environment) { $1 }
        // Files, not pipes: a full pipe that nobody reads would stop the command.
        let streams = [UUID().uuidString, UUID().uuidString].map { directory.outside + "/" + $0 }
        let handles = try streams.map { path in
            try Data().write(to: URL(fileURLWithPath: path))
            return try #require(FileHandle(forWritingAtPath: path))
        }
        process.standardOutput = handles[0]
        process.standardError = handles[1]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        meanwhile(process, streams[1])
        process.waitUntilExit()
        let texts = try streams.map { try String(contentsOfFile: $0, encoding: .utf8) }
        return Transcript(status: process.terminationStatus, output: texts[0], errors: texts[1])
    }

    /// Starts `fsot` and leaves it running; what it prints goes to the file `log`.
    static func start(_ arguments: [String], in directory: Scratch, log: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try binary())
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        process.environment = ProcessInfo.processInfo.environment.merging(["FSOT_HOME": directory.home]) { $1 }
        let path = directory.path + "/" + log
        try Data().write(to: URL(fileURLWithPath: path))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// What a run shows on a terminal of its own (util-linux's `script` makes one).
    static func onTerminal(
        _ arguments: [String],
        in directory: Scratch,
        environment: [String: String]
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
        let command = ([try binary()] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let log = directory.outside + "/terminal"
        process.arguments = ["-q", "-c", command, log]
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        let terminal = ["TERM": "xterm", "FSOT_HOME": directory.home]
        process.environment = ProcessInfo.processInfo.environment.merging(terminal) { $1 }.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return try String(contentsOfFile: log, encoding: .utf8)
    }

    /// The binary beside the test bundle: SwiftPM builds both into one folder, in debug and in release.
    private static func binary() throws -> String {
        let bundles = [
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"), CommandLine.arguments.first,
        ]
        let places = bundles.compactMap { $0 }.map { ($0 as NSString).deletingLastPathComponent + "/fsot" }
        return try #require(
            places.first { FileManager.default.isExecutableFile(atPath: $0) },
            "no fsot beside the test bundle: \(places)"
        )
    }

    /// Standard output as a JSON array of objects.
    func jsonArray() throws -> [[String: Any]] {
        try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]])
    }

    /// Standard output as JSON.
    func json() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
}

/// A directory that is gone after the test.
final class Scratch {
    /// Where commands run; what they leave is looked at here.
    let path: String
    /// For the test's own files.
    let outside: String
    private let root: String
    /// What stands in for `~/.config/fsot`.
    var home: String { outside + "/home" }

    init() throws {
        root = NSTemporaryDirectory() + "fsot-command-" + UUID().uuidString
        path = root + "/here"
        outside = root + "/outside"
        for directory in [path, outside] {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// Writes a file and returns its name.
    @discardableResult
    func write(_ text: String, _ name: String) throws -> String {
        try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
        return name
    }

    func read(_ name: String) throws -> String { try String(contentsOfFile: path + "/" + name, encoding: .utf8) }

    /// The names of what is here, sorted.
    var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    /// Bytes of a file.
    func size(_ name: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)).count }

    /// The names in a directory below this one, sorted.
    func content(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + name).sorted()
    }

    /// A file's bytes.
    func read(_ name: String, as type: Data.Type) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    }

    /// The port that a coordinator says in its log that it listens on.
    func port(in log: String) async throws -> Int {
        while true {
            let text = try read(log)
            if let range = text.range(of: "listening on port "),
                let port = Int(text[range.upperBound...].prefix { $0.isNumber })
            {
                return port
            }
            try #require(!text.contains("error:"), "\(text)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The lines of a JSONL file.
    func lines(_ name: String) throws -> [[String: Any]] {
        try read(name).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    /// Copies the tiny golden model of an architecture, with a tokenizer that fits it, to `name`.
    @discardableResult
    func addModel(_ architecture: String = "llama", as name: String = "model") throws -> String {
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures").path
        let manager = FileManager.default
        try manager.copyItem(atPath: "\(fixtures)/golden/tiny/\(architecture)/model", toPath: path + "/" + name)
        for file in ["tokenizer.json", "tokenizer_config.json"] {
            try manager.copyItem(atPath: "\(fixtures)/commands/\(file)", toPath: "\(path)/\(name)/\(file)")
        }
        return name
    }
}
