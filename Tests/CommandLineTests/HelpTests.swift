import Foundation
import Testing

/// Help, usage errors and what every command has in common.
struct HelpTests {
    static let commands: [[String]] = [
        ["keygen"], ["compress"], ["report"], ["tune"], ["plug"], ["audit", "plan"], ["audit", "run"],
        ["audit", "render"], ["audit", "epsilon"], ["audit", "score"], ["audit", "query"], ["audit", "answer"],
        ["audit", "merge"], ["dp"],
        ["eval"], ["data", "check"], ["data", "split"], ["score"],
        ["tokenize"], ["generate"], ["inspect"], ["doctor"], ["export"], ["seal"], ["open"], ["ca", "init"],
        ["ca", "issue"], ["ca", "revoke"], ["ledger", "list"], ["ledger", "verify"], ["ledger", "exposure"],
        ["federation", "create"], ["federation", "add"], ["federation", "remove"], ["join"], ["serve"], ["pilot"],
        ["bench", "training"], ["bench", "scoring"], ["bench", "aggregation"],
    ]

    @Test(arguments: commands) func everyCommandHelpsWithAnExample(_ command: [String]) throws {
        let run = try Transcript.run(command + ["--help"], in: Scratch())
        #expect(run.status == 0)
        #expect(run.output.contains("USAGE: fsot \(command.joined(separator: " "))"))
        #expect(run.output.contains("Example:") || run.output.contains("Examples:"))
        #expect(run.output.contains("fsot \(command.joined(separator: " "))"))
        #expect(run.output.contains("--json") && run.output.contains("--quiet"))
        #expect(run.errors.isEmpty)
    }

    @Test func theRootNamesEveryCommand() throws {
        let run = try Transcript.run(["--help"], in: Scratch())
        #expect(run.status == 0)
        for command in Self.commands { #expect(run.output.contains("  \(command[0]) ")) }
        #expect(try Transcript.run(["--version"], in: Scratch()).output.hasPrefix("0."))
    }

    @Test(arguments: [
        ["nosuchcommand"], ["score"], ["score", "model"], ["generate", "model"], ["inspect"],
        ["generate", "model", "--prompt", "x", "--greedy", "--temperature", "1"],
        ["generate", "model", "--prompt", "x", "--max-tokens", "0"],
        ["generate", "model", "--prompt", "x", "--top-p", "1.5"],
        ["generate", "model", "--prompt", "x", "--top-k", "zero"],
        ["eval", "model", "--tasks", "perplexity", "--limit", "0"],
        ["data", "check"], ["data", "check", "x.jsonl", "--batch", "0"], ["data", "split", "x.jsonl", "-o", "parts"],
        ["doctor", "--nosuchflag"], ["pilot", "-n", "2"], ["pilot", "emulator"],
        ["serve", "--roster", "r", "--identity", "i", "--emulator", "e", "--minimum-cohort", "2", "-o", "x"],
        ["serve", "--roster", "r", "--identity", "i", "--emulator", "e", "--listen", "nowhere", "-o", "x"],
        ["tune", "--join", "https://h:1", "--data", "a.jsonl", "-o", "x"],
        ["tune", "--join", "https://h:1", "--roster", "r", "--data", "a.jsonl", "-o", "x"],
        ["tune", "--join", "https://h:1", "--roster", "r", "--identity", "i", "--data", "a", "b", "-o", "x"],
        [
            "tune", "--join", "https://h:1", "--roster", "r", "--identity", "i", "--data", "a", "--rounds", "9", "-o",
            "x",
        ],
        [
            "tune", "--join", "https://h:1", "--roster", "r", "--identity", "i", "--data", "a", "--no-masking", "-o",
            "x",
        ],
        ["tune", "e", "--data", "a.jsonl", "--bits", "8", "-o", "x"],
        ["tune", "e", "--data", "a.jsonl", "--policy", "p", "-o", "x"], ["tune", "--data", "a.jsonl", "-o", "x"],
        ["compress", "model"], ["compress", "model", "-o", "x", "--dtype", "f16"],
        ["compress", "model", "-o", "x.fsot", "--to", "a.card"],
        ["compress", "model", "-o", "x", "--sign", "o.identity"],
        ["compress", "model", "-o", "x", "--to", "a.card", "--sign", "o.identity"],
        ["compress", "model", "-o", "x", "--distill-tokens", "5"],
        ["tune", "emulator", "-o", "x"], ["tune", "emulator", "--data", "a.jsonl", "--plan", "p", "-o", "x"],
        ["tune", "emulator", "--data", "a.jsonl", "--batch", "0", "-o", "x"],
        ["tune", "emulator", "--data", "a.jsonl", "--rank", "0", "-o", "x"],
        ["tune", "emulator", "--data", "a.jsonl", "--clip", "nan", "-o", "x"],
        ["tune", "emulator", "--data", "a.jsonl", "--alpha", "0", "-o", "x"],
        ["tune", "emulator", "--data", "a.jsonl", "--model", "m.gguf", "-o", "x"],
        ["keygen", "alice"], ["keygen", "a", "--no-passphrase", "--passphrase-file", "f"], ["ca", "init", "x"],
        ["export", "a.card"], ["export", "a.identity", "--certificate", "--age-key"],
        ["seal", "emulator", "--sign", "o.identity", "-o", "x.fsot"], ["seal", "e", "--to", "a.card", "-o", "x.fsot"],
        ["seal", "e", "--to", "a.card", "--sign", "o.identity", "-o", "x"], ["open", "x.fsot", "--identity", "a"],
        ["ca", "issue", "a.card", "-o", "a.pem"], ["ca", "issue", "a.card", "--ca", "c", "--days", "0", "-o", "a.pem"],
        ["plug", "model", "-o", "x"], ["audit", "run", "-o", "x"], ["audit", "plan", "-o", "x"],
        ["audit", "plan", "--data", "a.jsonl", "--holdout", "1", "-o", "x"], ["audit", "score", "run", "-o", "x"],
        ["audit", "query", "run", "--plan", "p", "-o", "x"], ["audit", "answer", "q.age", "--limit", "0"],
    ]) func wrongUseExitsWith64(_ arguments: [String]) throws {
        let scratch = try Scratch()
        let run = try Transcript.run(arguments, in: scratch)
        #expect(run.status == 64)
        #expect(run.output.isEmpty)
        #expect(!run.errors.isEmpty)
        #expect(try scratch.files.isEmpty)
    }

    @Test func colourNeedsATerminalAndNoColorUnset() throws {
        // Standard error is a file here, so there is never colour, whatever NO_COLOR says.
        for environment in [["NO_COLOR": ""], ["NO_COLOR": "1"]] {
            let run = try Transcript.run(["inspect", "missing"], in: Scratch(), environment: environment)
            #expect(run.errors == "error: missing does not exist; check the path.\n")
        }
    }

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"),
            "util-linux script makes the terminal"
        )
    )
    func noColorIsHonouredOnATerminal() throws {
        let scratch = try Scratch()
        let colour = try Transcript.onTerminal(["inspect", "missing"], in: scratch, environment: ["NO_COLOR": ""])
        #expect(colour.contains("\u{1B}[31merror:"))
        let plain = try Transcript.onTerminal(["inspect", "missing"], in: scratch, environment: ["NO_COLOR": "1"])
        #expect(plain.contains("error: missing does not exist"))
        #expect(!plain.contains("\u{1B}"))
    }
}
