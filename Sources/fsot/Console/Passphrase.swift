import Cryptography
import Foundation

/// Asks for a passphrase without showing it, or takes it from the environment for scripts.
enum Passphrase {
    /// The environment variable that scripts may set instead of typing.
    static let variable = "FSOT_PASSPHRASE"

    /// Reads a passphrase.
    ///
    /// - Parameters:
    ///   - prompt: what to ask, for example `"Passphrase for alice.identity: "`.
    ///   - isNew: asks twice and compares.
    /// - Throws: `CommandFailure` without a terminal, when the two differ or when it is empty.
    static func read(_ prompt: String, isNew: Bool) throws -> SecretBytes {
        if let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty {
            return try SecretBytes(copying: Array(value.utf8))
        }
        guard isatty(STDIN_FILENO) != 0 else {
            throw CommandFailure("A passphrase is needed but standard input is no terminal; set \(variable) instead.")
        }
        let first = try line(prompt)
        if isNew {
            let second = try line("Again: ")
            guard first == second else { throw CommandFailure("The two passphrases differ; run it again.") }
        }
        return first
    }

    private static func line(_ prompt: String) throws -> SecretBytes {
        var buffer = [CChar](repeating: 0, count: 1024)
        defer { buffer.withUnsafeMutableBytes { memset_explicitly($0) } }
        guard readpassphrase(prompt, into: &buffer) else {
            throw CommandFailure("No passphrase was given; run it again.")
        }
        var bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        guard !bytes.isEmpty else {
            throw CommandFailure("An empty passphrase protects nothing; give one, or leave --passphrase out.")
        }
        return try SecretBytes(wiping: &bytes)
    }

    private static func memset_explicitly(_ buffer: UnsafeMutableRawBufferPointer) {
        for index in buffer.indices { buffer[index] = 0 }
    }

    /// One line from the terminal with the echo off.
    private static func readpassphrase(_ prompt: String, into buffer: inout [CChar]) -> Bool {
        FileHandle.standardError.write(Data(prompt.utf8))
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return false }
        let saved = settings
        settings.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        defer {
            var restored = saved
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &restored)
            FileHandle.standardError.write(Data("\n".utf8))
        }
        var count = 0
        var byte: UInt8 = 0
        while Foundation.read(STDIN_FILENO, &byte, 1) == 1, byte != 10, count < buffer.count - 1 {
            buffer[count] = CChar(bitPattern: byte)
            count += 1
        }
        return count > 0
    }
}
