import ArgumentParser
import AtomicFiles
import Federation
import Foundation
import Sealing
import TensorEngine

/// `fsot federation create`: the signed invitation.
struct FederationCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Sign a consortium's roster, with its coordinator, emulator, training and policy.",
        discussion: """
            The invitation is a tar of invite.json and its CMS signature. Send it to everybody; each member runs \
            fsot join and compares the words with the others over another channel. The emulator must be sealed to \
            every member and to the coordinator.

            Example:
              fsot federation create clinics --owner owner.identity --coordinator hub.card --card alice.card bob.card \
            carol.card --emulator emulator.fsot --address https://hub.example:8443 -o consortium.invite
            """
    )

    @Argument(help: "The consortium's name.")
    var name: String = "consortium"

    @Option(help: "The owner's identity, which signs.")
    var owner: String

    @OptionGroup var passphrase: PassphraseOptions

    @Option(help: "The coordinator's card.")
    var coordinator: String

    @Option(name: .customLong("card"), parsing: .upToNextOption, help: "The members' cards, three at least.")
    var cards: [String]

    @Option(help: "The sealed emulator.")
    var emulator: String

    @Option(help: "Where the coordinator listens: https://HOST:PORT.")
    var address: String

    @Option(help: "What every round keeps, in YAML; members may be stricter.")
    var policy: String?

    @Option(help: "With --weights records: the largest number of records that counts.")
    var weightMaximum = 10_000

    @OptionGroup(title: "Training") var training: TrainingOptions

    @Option(name: .shortAndLong, help: "A new .invite file.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if !(1...1_000_000).contains(weightMaximum) {
            throw ValidationError("--weight-maximum \(weightMaximum) is not between 1 and 1000000")
        }
    }

    /// A coordinator must not make rounds of fewer than the threshold of a whole cohort.
    private var defaultPolicy: ParticipantPolicy {
        let cohort = min(cards.count, training.sample ?? cards.count)
        return ParticipantPolicy(minimumCohort: max(3, ParticipantPolicy().threshold(of: cohort)))
    }

    func run() throws {
        if FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        let identity = try IdentityFile.load(owner, passphrase: passphrase)
        let members = try cards.map { try IdentityCard(path: $0) }
        let hub = try IdentityCard(path: coordinator)
        var site = try training.site(.auto)
        // Which arithmetic a machine computes in is its own affair.
        site.precision = .float32
        let invitation = try Invitation(
            name: name,
            owner: identity.card,
            coordinator: hub,
            address: FederationAddress(address),
            members: members,
            emulator: .init(sealed: emulator, for: members + [hub], owner: identity.card),
            training: Invitation.Training(
                site: site,
                federation: training.federation(judgeEvery: 1),
                template: training.template,
                maximumLength: training.maxLength,
                clip: training.updateClip,
                weightMaximum: training.weights == .records ? UInt32(weightMaximum) : 0,
                quantisation: training.quantisation,
                isSeeded: training.givenSeed != nil
            ),
            policy: policy.map { try ParticipantPolicyFile.read($0) } ?? defaultPolicy
        )
        let signed = try SignedInvitation(invitation, signedBy: identity)
        try signed.write(to: output)
        if members.count == 3 {
            options.console.warn("three members tolerate no dropout: a round that one of them leaves is void")
        }
        let summary = try InvitationSummary(signed, path: output)
        try options.console.result(
            "invitation        \(output)\n" + summary.text(of: signed.content)
                + "\nnext              every member: fsot join \(output) --identity NAME.identity",
            json: summary
        )
    }
}
