import ArgumentParser
import AtomicFiles
import Cryptography
import Foundation
import Sealing

/// `fsot ca issue`: a certificate for a member's card.
struct AuthorityIssue: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Issue a certificate over the key of a card.",
        discussion: """
            The card's own signatures prove that its holder has the keys; that the holder is who it says is for the \
            authority to check. The member takes the certificate with fsot keygen NAME --certificate FILE.

            Example:
              fsot ca issue owner.card --ca consortium --days 365 -o owner.pem
            """
    )

    @Argument(help: "The member's card.")
    var card: String

    @Option(help: "The authority's directory.")
    var ca: String

    @Option(help: "Days until the certificate expires.")
    var days = 365

    @OptionGroup var passphrase: PassphraseOptions

    @Option(name: .shortAndLong, help: "A new PEM file.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var certificate: String
        var name: String
        var copy: String
    }

    func validate() throws {
        if !(1...36_500).contains(days) { throw ValidationError("--days \(days) is not between 1 and 36500") }
    }

    func run() throws {
        if FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        let member = try IdentityCard(path: card)
        let authority = try CertificateAuthority.open(ca, passphrase: passphrase)
        let issued = try authority.issue(to: member, days: days)
        try AtomicFile.write(try issued.certificate.pem(), to: output)
        try options.console.result(
            "\(output): \(member.name), valid for \(days) days; the authority keeps a copy in \(issued.path)",
            json: Result(certificate: output, name: member.name, copy: issued.path)
        )
    }
}

extension CertificateAuthority {
    /// Opens an authority's directory, asking for its identity's passphrase.
    static func open(_ directory: String, passphrase: PassphraseOptions) throws -> CertificateAuthority {
        let file = "\(directory)/\(identityName)"
        guard FileManager.default.fileExists(atPath: file) else {
            throw CommandFailure("\(directory) has no \(identityName); give the directory that fsot ca init made.")
        }
        return try CertificateAuthority(
            opening: directory,
            identity: try IdentityFile.load(file, passphrase: passphrase)
        )
    }
}
