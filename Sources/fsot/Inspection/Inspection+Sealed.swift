import Checkpoints
import Federation
import Foundation
import Sealing

extension Inspection {
    /// A sealed emulator: its signature is verified, its payload is not opened.
    static func sealed(at path: String) throws -> Inspection {
        let found = try SealedEmulator.inspect(path)
        let manifest = found.manifest
        var result = Inspection("sealed emulator")
        result.add("name", manifest.name, key: "name")
        result.add("architecture", manifest.architecture, key: "architecture")
        result.add("from", manifest.from.name, key: "from")
        result.add("certificate", found.signer.fingerprint, key: "certificate_sha256")
        let recipients = manifest.to.map(\.name)
        result.add("to", recipients.joined(separator: ", "), key: "to", .array(recipients.map { .string($0) }))
        result.add("created", manifest.created, key: "created")
        result.add("licence", manifest.licence.name, key: "licence")
        result.add("release", manifest.releaseID, key: "release_id")
        result.add(
            "files",
            manifest.files.map { "\($0.name) (\(Magnitude.bytes($0.size)))" }.joined(separator: ", "),
            key: "files",
            .array(manifest.files.map { ["name": .string($0.name), "size": .int($0.size)] })
        )
        result.add("signature", "valid; compare the certificate with the owner's card", key: "signature", "valid")
        return result
    }

    /// An invitation to a federation: its signature and cards are verified.
    static func invitation(at path: String) throws -> Inspection {
        let signed = try SignedInvitation(path: path)
        let content = signed.content
        let members = try content.memberCards().map(\.name)
        var result = Inspection("invitation")
        result.add("consortium", content.name, key: "name")
        result.add("epoch", content.epoch, key: "epoch")
        result.add("owner", signed.signer.name, key: "owner")
        result.add("certificate", signed.signer.fingerprint, key: "certificate_sha256")
        result.add("coordinator", try content.coordinatorCard().name, key: "coordinator")
        result.add("address", content.address, key: "address")
        result.add("members", members.joined(separator: ", "), key: "members", .array(members.map { .string($0) }))
        result.add("created", content.created, key: "created")
        result.add("rounds", content.training.federation.rounds, key: "rounds")
        result.add("emulator", content.emulator.sha256, key: "emulator_sha256")
        result.add("digest", signed.digest, key: "digest")
        result.add("words", signed.words, key: "words")
        result.add("signature", "valid; compare the words with another member", key: "signature", "valid")
        return result
    }

    /// A card: the public half of an identity.
    static func card(at path: String) throws -> Inspection {
        var result = Inspection("card")
        result.addCard(try IdentityCard(path: path))
        return result
    }

    /// An identity: only its public half is shown.
    static func identity(at path: String) throws -> Inspection {
        var result = Inspection("identity (secret)")
        do {
            result.addCard(try Identity.load(path).card)
        } catch SealingError.passphraseNeeded {
            result.add("protection", "under a passphrase; inspect its card instead", key: "protection", "passphrase")
        }
        return result
    }

    private mutating func addCard(_ card: IdentityCard) {
        add("name", card.name, key: "name")
        add("created", card.created, key: "created")
        add("certificate", card.fingerprint, key: "certificate_sha256")
        add("age recipient", "\(card.recipient)", key: "age_recipient")
    }
}
