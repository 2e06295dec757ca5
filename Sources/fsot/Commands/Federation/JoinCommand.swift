import ArgumentParser
import Federation
import Foundation
import Sealing

/// `fsot join`: a data holder, or the coordinator, accepts an invitation.
struct JoinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Check an invitation, show the words to compare, and accept it.",
        discussion: """
            The words stand for the whole invitation: members, keys, coordinator, emulator, training. Read them to \
            another member over the telephone: if they are the same, everybody has the same roster. From then on no other \
            invitation of this consortium is accepted, unless its owner signed a later epoch.

            Example:
              fsot join consortium.invite --identity alice.identity
            """
    )

    @Argument(help: "A .invite file.")
    var invitation: String

    @Option(help: "Who joins.")
    var identity: String

    @OptionGroup var passphrase: PassphraseOptions

    @Option(help: "The owner's card, if you have it from elsewhere: another signer is an error.")
    var from: String?

    @Option(
        help:
            "What this data holder demands, in YAML; see fsot tune --policy. (default: policy.yaml beside the identity)"
    )
    var policy: String?

    @Flag(help: "Only check and show; accept nothing.")
    var dryRun = false

    @OptionGroup var options: ConsoleOptions

    func run() throws {
        let signed = try SignedInvitation(path: invitation)
        let content = signed.content
        if let from {
            let card = try IdentityCard(path: from)
            guard card.fingerprint == signed.signer.fingerprint else {
                throw SealingError.wrongSigner(
                    what: invitation,
                    expected: "\(card.name) (\(card.fingerprint.prefix(16))…)",
                    actual: "\(signed.signer.name) (\(signed.signer.fingerprint.prefix(16))…)"
                )
            }
        }
        let card = try IdentityFile.load(identity, passphrase: passphrase).card
        let isMember = try content.memberCards().contains { $0.fingerprint == card.fingerprint }
        let isCoordinator = try content.coordinatorCard().fingerprint == card.fingerprint
        guard isMember || isCoordinator else {
            throw CommandFailure(
                "\(card.name) is not in \(invitation); send your card to \(signed.signer.name), its owner."
            )
        }
        if isMember {
            try ParticipantPolicyFile.own(named: policy, identity: identity).check(
                content.training,
                members: content.members.count,
                proposal: content.policy
            )
        }
        if !dryRun { try KnownConsortia(path: HomeDirectory.consortia).accept(signed) }
        let summary = try InvitationSummary(signed, path: invitation)
        try options.console.result(
            summary.text(of: content) + """

                owner             \(signed.signer.name), \(FingerprintWords.of(signed.signer.fingerprint))
                you               \(card.name), \(isMember ? "a member" : "the coordinator")
                \(dryRun ? "not accepted      --dry-run" : "accepted          compare the words with another member before you tune")
                """,
            json: summary
        )
    }
}
