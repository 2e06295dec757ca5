import ArgumentParser
import AtomicFiles
import Cryptography
import Foundation
import Sealing

/// `fsot export`: keys and certificates in the formats of other tools.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a certificate for openssl, or an identity's key for age.",
        discussion: """
            --certificate takes a card or an identity and gives the X.509 certificate as PEM. --age-key takes an \
            identity and gives the secret key that opens what is sealed to it: with -o the file gets mode 0600; where \
            the shell redirects, say "umask 077" first.

            Examples:
              fsot export owner.card --certificate > owner.pem
              fsot export alice.identity --age-key -o alice-age.txt
            """
    )

    @Argument(help: "A .card or .identity file.")
    var path: String

    @Flag(help: "The X.509 certificate, PEM.")
    var certificate = false

    @Flag(help: "The secret key as age reads it. Who has it opens what is sealed to this identity.")
    var ageKey = false

    @OptionGroup var passphrase: PassphraseOptions

    @Option(name: .shortAndLong, help: "A new file. (default: standard output)")
    var output: String?

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if certificate == ageKey { throw ValidationError("give one of --certificate and --age-key") }
    }

    func run() throws {
        if let output, FileManager.default.fileExists(atPath: output) {
            throw AtomicFileError.alreadyExists(path: output)
        }
        if certificate {
            let pem = try (path.hasSuffix(".card") ? IdentityCard(path: path).certificate : identity().certificate)
                .pem()
            try write(Array(pem.utf8), key: "certificate", permissions: 0o644)
        } else {
            var text = try ageFile(of: identity())
            defer { text.wipe() }
            try write(text, key: "age_key", permissions: 0o600)
        }
    }

    private func identity() throws -> Identity { try IdentityFile.load(path, passphrase: passphrase) }

    /// As `age-keygen` writes it.
    private func ageFile(of identity: Identity) throws -> [UInt8] {
        var key = try identity.age.text().exposed()
        defer { key.wipe() }
        let head = "# created: \(identity.created)\n# public key: \(identity.age.recipient)\n"
        var text = [UInt8]()
        text.reserveCapacity(head.utf8.count + key.count + 1)
        text.append(contentsOf: head.utf8)
        text.append(contentsOf: key)
        text.append(UInt8(ascii: "\n"))
        return text
    }

    private func write(_ bytes: [UInt8], key: String, permissions: mode_t) throws {
        if let output {
            let writer = try AtomicFileWriter(path: output, permissions: permissions)
            try bytes.withUnsafeBytes { try writer.write($0) }
            try writer.commit()
            if options.json { options.console.print(try Console.encode(["output": output])) }
            return
        }
        if permissions == 0o600 { Self.makeOutputPrivate() }
        if options.json {
            options.console.print(try Console.encode([key: String(decoding: bytes, as: UTF8.self)]))
        } else {
            FileHandle.standardOutput.write(Data(bytes))
        }
        if permissions == 0o600, isatty(STDOUT_FILENO) == 0, !Self.outputIsPrivate {
            options.console.warn("this is a secret key, and others may read where it goes; run chmod 600 on the file")
        }
    }

    /// A file that the shell opened gets the rights that `--output` would have given it, before there is anything to read.
    private static func makeOutputPrivate() {
        var status = stat()
        if fstat(STDOUT_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG { fchmod(STDOUT_FILENO, 0o600) }
    }

    /// Whether standard output is a file that only its owner reads; a pipe is nobody's file.
    private static var outputIsPrivate: Bool {
        var status = stat()
        guard fstat(STDOUT_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return true }
        return status.st_mode & 0o077 == 0
    }
}
