import ArgumentParser
import Cryptography
import Foundation

/// Where a passphrase comes from when there is nobody to type it.
struct PassphraseOptions: ParsableArguments {
    @Option(
        help: "A file whose first line is the identity's passphrase. (default: FSOT_PASSPHRASE_FILE, else the terminal)"
    )
    var passphraseFile: String?

    /// The passphrase of an identity that exists.
    func existing(_ path: String) throws -> SecretBytes {
        try Passphrase.read("Passphrase for \(path): ", file: passphraseFile, isNew: false)
    }

    /// A new identity's passphrase.
    func new(_ path: String) throws -> SecretBytes {
        try Passphrase.read("New passphrase for \(path): ", file: passphraseFile, isNew: true)
    }
}

/// Asks for a passphrase without showing it, or reads it from a file.
enum Passphrase {
    /// The environment variable that names a file, for scripts; the passphrase itself never stands in the environment.
    static let variable = "FSOT_PASSPHRASE_FILE"

    /// Reads a passphrase.
    ///
    /// - Parameters:
    ///   - prompt: what to ask, for example `"Passphrase for alice.identity: "`.
    ///   - file: where it stands; nil: in the file that the environment names, else it is asked for.
    ///   - isNew: asks twice and compares.
    /// - Throws: `CommandFailure`; of wrong use (64) without a terminal and without a file.
    static func read(_ prompt: String, file: String?, isNew: Bool) throws -> SecretBytes {
        let named = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        if let path = file ?? named { return try line(of: path) }
        guard isatty(STDIN_FILENO) != 0 else {
            throw CommandFailure(
                "A passphrase is needed, but standard input is no terminal; give --passphrase-file FILE or set \(variable)"
                    + (isNew ? ", or --no-passphrase to leave the identity unprotected." : "."),
                status: ExitStatus.usage
            )
        }
        let first = try line(prompt: prompt)
        if isNew {
            let second = try line(prompt: "Again: ")
            guard first == second else { throw CommandFailure("The two passphrases differ; run it again.") }
        }
        return first
    }

    private static let limit = 1024

    private static func line(of path: String) throws -> SecretBytes {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure("Cannot read the passphrase file \(path); check that it exists and may be read.")
        }
        defer { try? handle.close() }
        var bytes = [UInt8](try handle.read(upToCount: limit + 1) ?? Data())
        defer { bytes.wipe() }
        var first = Array(bytes.prefix { $0 != 10 && $0 != 13 })
        guard !first.isEmpty, first.count <= limit else {
            first.wipe()
            throw CommandFailure("\(path) has no passphrase of 1 to \(limit) bytes in its first line; write one there.")
        }
        return try SecretBytes(wiping: &first)
    }

    private static func line(prompt: String) throws -> SecretBytes {
        var buffer = [UInt8](repeating: 0, count: limit)
        defer { buffer.wipe() }
        let count = readWithoutEcho(prompt, into: &buffer)
        guard count > 0 else {
            throw CommandFailure(
                "An empty passphrase protects nothing; give one, or --no-passphrase when the identity is made."
            )
        }
        var bytes = Array(buffer[..<count])
        return try SecretBytes(wiping: &bytes)
    }

    /// One line from the terminal with the echo off; its number of bytes.
    private static func readWithoutEcho(_ prompt: String, into buffer: inout [UInt8]) -> Int {
        FileHandle.standardError.write(Data(prompt.utf8))
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return 0 }
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
        while Foundation.read(STDIN_FILENO, &byte, 1) == 1, byte != 10, count < buffer.count {
            buffer[count] = byte
            count += 1
        }
        return count
    }
}
