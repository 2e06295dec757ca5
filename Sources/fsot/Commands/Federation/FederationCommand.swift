import ArgumentParser
import Federation
import Foundation
import PEFT
import Sealing

/// `fsot federation`: the owner's side of a consortium.
struct FederationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "federation",
        abstract: "Found a consortium of data holders, and change its members.",
        subcommands: [FederationCreate.self, FederationAdd.self, FederationRemove.self]
    )
}

/// What the three commands print of an invitation.
struct InvitationSummary: Encodable {
    var invitation: String
    var name: String
    var epoch: Int
    var members: [String]
    var coordinator: String
    var address: String
    var digest: String
    var words: String

    init(_ signed: SignedInvitation, path: String) throws {
        let content = signed.content
        invitation = path
        name = content.name
        epoch = content.epoch
        members = try content.memberCards().map(\.name)
        coordinator = try content.coordinatorCard().name
        address = content.address
        digest = signed.digest
        words = signed.words
    }

    /// For people; the words are what they compare.
    func text(of content: Invitation) -> String {
        let training = content.training
        let threshold = content.policy.threshold(of: members.count)
        let privacy = training.federation.privacy.map { "noise \($0.noiseMultiplier) on the sum" } ?? "none on the sum"
        let dropouts = members.count - threshold
        return """
            consortium        \(name), epoch \(epoch)
            members           \(members.count): \(members.joined(separator: ", "))
            coordinator       \(coordinator) at \(address)
            training          \(training.federation.rounds) rounds of \(training.federation.localSteps) steps, \
            \(training.site.method.name), batch \(training.site.batch), lr \(training.federation.learningRate)
            secure sum        threshold \(threshold) of \(members.count): \
            \(dropouts == 0 ? "nobody may drop out" : "up to \(dropouts) may drop out"); clip \(training.clip)
            privacy           \(privacy)
            emulator          \(content.emulator.bytes) bytes, SHA-256 \(content.emulator.sha256.prefix(16))…
            words             \(words)
            """
    }
}

/// Identifies the sealed emulator of a consortium.
extension Invitation.EmulatorReference {
    /// - Throws: `CommandFailure` for a directory, which would travel in the clear, or when somebody could not open it.
    init(sealed path: String, for cards: [IdentityCard], owner: IdentityCard) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue else {
            throw CommandFailure(
                "\(path) is no sealed emulator; make one with fsot seal --to every card of the consortium."
            )
        }
        let inspection = try SealedEmulator.inspect(path, trust: SignerTrust(owner: owner))
        let recipients = Set(inspection.manifest.to.map(\.ageRecipient))
        let missing = cards.filter { !recipients.contains($0.recipient.description) }.map(\.name)
        guard missing.isEmpty else {
            throw CommandFailure(
                "\(path) is not sealed to \(missing.joined(separator: ", ")); seal it anew to every card, the coordinator's too."
            )
        }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        self.init(bytes: size, sha256: try FileDigest.hexadecimal(of: path))
    }
}
