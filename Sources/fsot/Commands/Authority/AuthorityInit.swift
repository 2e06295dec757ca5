import ArgumentParser
import Cryptography
import Foundation
import Sealing

/// `fsot ca init`: a new certificate authority.
struct AuthorityInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a certificate authority in a new directory.",
        discussion: """
            Example:
              fsot ca init consortium --name river-clinics
            """
    )

    @Argument(help: "A new directory.")
    var directory: String

    @Option(help: "The authority's name. (default: the directory's)")
    var name: String?

    @Option(help: "Days until the authority's own certificate expires.")
    var days = 3650

    @Flag(help: "Leave the authority's identity unprotected.")
    var noPassphrase = false

    @OptionGroup var passphrase: PassphraseOptions

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var directory: String
        var certificate: String
        var certificateSHA256: String
    }

    func validate() throws {
        if !(1...36_500).contains(days) { throw ValidationError("--days \(days) is not between 1 and 36500") }
        if noPassphrase, passphrase.passphraseFile != nil {
            throw ValidationError("--no-passphrase and --passphrase-file exclude each other")
        }
    }

    func run() throws {
        let file = "\(directory)/\(CertificateAuthority.identityName)"
        let authority = try CertificateAuthority.create(
            directory: directory,
            name: name ?? (directory as NSString).lastPathComponent,
            passphrase: noPassphrase ? nil : try passphrase.new(file),
            days: days
        )
        let fingerprint = try authority.certificate.fingerprint().hexadecimal
        try options.console.result(
            """
            \(file)      secret, keep it
            \(directory)/ca.pem           for everybody, with revoked.json and revoked.json.p7s
            fingerprint      \(fingerprint)
            """,
            json: Result(directory: directory, certificate: "\(directory)/ca.pem", certificateSHA256: fingerprint)
        )
    }
}
