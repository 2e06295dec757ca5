import ArgumentParser
import AtomicFiles
import Federation
import Foundation
import Sealing

/// What adding and removing members have in common.
struct RosterChangeOptions: ParsableArguments {
    @Argument(help: "The invitation of the epoch before.")
    var invitation: String

    @Option(help: "The owner's identity, which signs.")
    var owner: String

    @OptionGroup var passphrase: PassphraseOptions

    @Option(help: "The emulator, sealed to the new members. (default: the one of before)")
    var emulator: String?

    @Option(name: .shortAndLong, help: "A new .invite file.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    /// Signs the next epoch.
    ///
    /// - Parameter change: the new members from the old ones.
    func sign(_ change: ([IdentityCard]) throws -> [IdentityCard]) throws {
        if FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        let old = try SignedInvitation(path: invitation)
        let identity = try IdentityFile.load(owner, passphrase: passphrase)
        let members = try change(old.content.memberCards())
        let reference =
            try emulator.map {
                try Invitation.EmulatorReference(
                    sealed: $0,
                    for: members + [old.content.coordinatorCard()],
                    owner: identity.card
                )
            } ?? old.content.emulator
        let next = try old.content.next(after: old.digest, members: members, emulator: reference)
        let signed = try SignedInvitation(next, signedBy: identity)
        try signed.write(to: output)
        let summary = try InvitationSummary(signed, path: output)
        try options.console.result(
            "invitation        \(output)\n" + summary.text(of: signed.content)
                + "\nnext              every member runs fsot join \(output), and the coordinator is started with it",
            json: summary
        )
    }
}

/// `fsot federation add`: a new epoch with more members.
struct FederationAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add members: a new epoch of the roster.",
        discussion: """
            Example:
              fsot federation add consortium.invite --owner owner.identity --card dora.card --emulator new.fsot -o 2.invite
            """
    )

    @OptionGroup var change: RosterChangeOptions

    @Option(name: .customLong("card"), parsing: .upToNextOption, help: "The new members' cards.")
    var cards: [String]

    func run() throws {
        let added = try cards.map { try IdentityCard(path: $0) }
        guard change.emulator != nil else {
            throw CommandFailure(
                "The emulator is not sealed to \(added.map(\.name).joined(separator: ", ")); seal it anew and give it with --emulator."
            )
        }
        try change.sign { $0 + added }
    }
}

/// `fsot federation remove`: a new epoch with fewer members.
struct FederationRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove members: a new epoch of the roster.",
        discussion: """
            Who leaves keeps what it was given: its copy of the emulator, and what it saw of the rounds.

            Example:
              fsot federation remove consortium.invite --owner owner.identity --name bob -o 2.invite
            """
    )

    @OptionGroup var change: RosterChangeOptions

    @Option(name: .customLong("name"), parsing: .upToNextOption, help: "Members to remove.")
    var names: [String]

    func run() throws {
        try change.sign { members in
            if let stranger = names.first(where: { name in !members.contains { $0.name == name } }) {
                throw CommandFailure(
                    "\(stranger) is no member of \(change.invitation); its members are \(members.map(\.name).joined(separator: ", "))."
                )
            }
            return members.filter { !names.contains($0.name) }
        }
    }
}
