import ArgumentParser
import AtomicFiles
import Cryptography
import Foundation
import Sealing

/// `fsot keygen`: an identity to keep and a card to give away.
struct Keygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an identity (secret) and its card (public).",
        discussion: """
            NAME.identity holds three secret keys: one opens sealed emulators, two sign. Keep it. NAME.card holds the \
            public halves; give it to the other side over a channel that you trust. A passphrase protects the identity: \
            it is asked for on the terminal, or read from --passphrase-file or the file that FSOT_PASSPHRASE_FILE names.

            With --certificate an identity that exists takes the certificate that a consortium issued for its card \
            (fsot ca issue), and its card is made again.

            Examples:
              fsot keygen alice
              fsot keygen clinic --no-passphrase
              fsot keygen owner --certificate owner.pem
            """
    )

    @Argument(help: "Whose identity: letters, digits, '.', '_' and '-'; a path may stand before it.")
    var name: String

    @Flag(help: "Leave the identity unprotected: who reads the file is you. It is then an age key file, too.")
    var noPassphrase = false

    @OptionGroup var passphrase: PassphraseOptions

    @Option(help: "A certificate (PEM) that NAME.identity is to carry from now on.")
    var certificate: String?

    @OptionGroup var output: ConsoleOptions

    private struct Result: Encodable {
        var identity: String
        var card: String
        var ageRecipient: String
        var certificateSHA256: String
    }

    func validate() throws {
        if noPassphrase, passphrase.passphraseFile != nil {
            throw ValidationError("--no-passphrase and --passphrase-file exclude each other")
        }
        if noPassphrase, certificate != nil {
            throw ValidationError("--certificate leaves the passphrase as it is; leave --no-passphrase out")
        }
    }

    func run() throws {
        let card = try certificate.map(carrying) ?? make()
        try output.console.result(
            """
            \(name).identity  secret, keep it
            \(name).card      public, give it away
            age recipient    \(card.recipient)
            fingerprint      \(card.fingerprint)
            """,
            json: Result(
                identity: "\(name).identity",
                card: "\(name).card",
                ageRecipient: "\(card.recipient)",
                certificateSHA256: card.fingerprint
            )
        )
    }

    private func make() throws -> IdentityCard {
        for path in ["\(name).identity", "\(name).card"] where FileManager.default.fileExists(atPath: path) {
            throw CommandFailure("\(path) already exists; choose another name or remove it first.")
        }
        let secret = noPassphrase ? nil : try passphrase.new("\(name).identity")
        let identity = try Identity.generate(name: (name as NSString).lastPathComponent)
        let card = try identity.card
        try identity.save(to: "\(name).identity", passphrase: secret)
        try card.save(to: "\(name).card")
        return card
    }

    private func carrying(_ path: String) throws -> IdentityCard {
        let file = "\(name).identity"
        var secret: SecretBytes?
        let identity: Identity
        do {
            identity = try Identity.load(file)
        } catch SealingError.passphraseNeeded {
            let given = try passphrase.existing(file)
            identity = try Identity.load(file, passphrase: given)
            secret = given
        }
        let changed = try identity.carrying(try CertificateFile.read(path))
        let card = try changed.card
        try changed.save(to: file, passphrase: secret, replaces: true)
        try card.save(to: "\(name).card")
        return card
    }
}
