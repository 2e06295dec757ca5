import ArgumentParser
import Cryptography
import Foundation
import Sealing

/// `fsot ca revoke`: takes a certificate back.
struct AuthorityRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take back a certificate that this authority issued.",
        discussion: """
            Adds it to revoked.json in the authority's directory, which is signed anew (a list of fsot's own, not an \
            X.509 CRL). Give revoked.json and revoked.json.p7s to everybody again: a recipient who has the old list does \
            not know.

            Example:
              fsot ca revoke owner.pem --ca consortium --reason "key lost"
            """
    )

    @Argument(help: "The certificate: a PEM file, or the card that carries it.")
    var certificate: String

    @Option(help: "The authority's directory.")
    var ca: String

    @Option(help: "Why; it is shown to whoever meets the certificate.")
    var reason = "no reason was given"

    @OptionGroup var passphrase: PassphraseOptions

    @OptionGroup var options: ConsoleOptions

    func run() throws {
        let revoked = try CertificateFile.read(certificate)
        let list = try CertificateAuthority.open(ca, passphrase: passphrase).revoke(revoked, reason: reason)
        try options.console.result(
            "\(ca)/revoked.json: list \(list.number), \(list.revoked.count) revoked; the newest is \(revoked.commonName)",
            json: list
        )
    }
}
