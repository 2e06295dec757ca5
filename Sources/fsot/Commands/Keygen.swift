import ArgumentParser
import Foundation
import Sealing

/// `fsot keygen`: an identity to keep and a card to give away.
struct Keygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an identity (secret) and its card (public).",
        discussion: """
            NAME.identity holds three secret keys: one opens sealed emulators, two sign. Keep it. NAME.card holds the \
            public halves; give it to the other side over a channel that you trust.

            Example:
              fsot keygen alice
              fsot compress model.gguf --to alice.card --sign owner.identity -o emulator
            """
    )

    @Argument(help: "Whose identity: letters, digits, '.', '_' and '-'; a path may stand before it.")
    var name: String

    @Flag(help: "Protect the identity with a passphrase (asked for, or taken from FSOT_PASSPHRASE).")
    var passphrase = false

    @OptionGroup var output: ConsoleOptions

    private struct Result: Encodable {
        var identity: String
        var card: String
        var ageRecipient: String
    }

    func run() throws {
        let path = name as NSString
        let identity = try Identity.generate(name: path.lastPathComponent)
        let secret = passphrase ? try Passphrase.read("New passphrase for \(name).identity: ", isNew: true) : nil
        let card = try identity.card
        if FileManager.default.fileExists(atPath: "\(name).card") {
            throw CommandFailure("\(name).card already exists; choose another name or remove it first.")
        }
        try identity.save(to: "\(name).identity", passphrase: secret)
        try card.save(to: "\(name).card")
        try output.console.result(
            "\(name).identity  secret, keep it\n\(name).card      public, give it away\nage recipient    \(card.recipient)",
            json: Result(identity: "\(name).identity", card: "\(name).card", ageRecipient: "\(card.recipient)")
        )
    }
}
