import Foundation
import Testing

/// A tiny model, three data holders and their records: what the tests of the whole story start from.
struct Story {
    let scratch: Scratch
    static let holders = ["north", "lake", "hill"]

    /// - Parameter records: of each holder.
    init(records: Int = 40) throws {
        scratch = try Scratch()
        try scratch.addModel()
        for holder in Self.holders {
            let lines = (0..<records).map { number in
                #"{"instruction":"Who is \#(holder)-\#(number)?","output":"Case \#(number * 7919 % 1000) of \#(holder)."}"#
                    + "\n"
            }
            try scratch.write(lines.joined(), "\(holder).jsonl")
        }
    }

    var files: [String] { Self.holders.map { "\($0).jsonl" } }

    /// Runs a command that has to succeed.
    @discardableResult
    func run(_ arguments: [String], expecting statuses: Set<Int32> = [0]) throws -> Transcript {
        let run = try Transcript.run(arguments, in: scratch)
        #expect(statuses.contains(run.status), "fsot \(arguments.joined(separator: " ")): \(run.errors)")
        return run
    }

    /// Half of the middle of the tiny model, one block at each end, written to `emulator`.
    func compress(_ more: [String] = []) throws {
        try run(["compress", "model", "--bottom", "1", "--top", "1", "--quiet", "-o", "emulator"] + more)
    }

    /// A run of two rounds under a plan that holds half of the records out, written to `plan` and `run`.
    func planAndTune() throws {
        try run(["audit", "plan", "--data"] + files + ["--seed", "1", "--holdout", "0.5", "-o", "plan"])
        try run([
            "tune", "emulator", "--plan", "plan", "--template", "plain", "--rounds", "2", "--local-steps", "10",
            "--batch", "4", "--lr", "3e-3", "--max-length", "64", "--seed", "5", "--quiet", "-o", "run",
        ])
    }

    /// The command line of a run of several rounds, each long enough to be stopped in the middle.
    func tuning(_ emulator: String = "emulator", into output: String, _ more: [String] = []) -> [String] {
        ["tune", emulator, "--data"] + files
            + [
                "--template", "plain", "--rounds", "4", "--local-steps", "30", "--batch", "4", "--lr", "1e-3",
                "--max-length", "64", "--seed", "5", "-o", output,
            ] + more
    }

    /// The bytes of a finished run's adapter.
    func adapter(_ run: String) throws -> [String: Data] {
        let directory = scratch.path + "/\(run)/adapter"
        return Dictionary(
            uniqueKeysWithValues: try FileManager.default.contentsOfDirectory(atPath: directory).map {
                ($0, try Data(contentsOf: URL(fileURLWithPath: directory + "/" + $0)))
            }
        )
    }

    /// What fsot leaves behind when it is torn away in the middle of a write.
    var partials: [String] {
        let names = FileManager.default.enumerator(atPath: scratch.path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.contains(".fsot-partial") }
    }
}
