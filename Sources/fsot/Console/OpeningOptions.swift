import ArgumentParser
import Foundation
import Sealing

/// Who opens a sealed emulator, and whose seal is accepted.
struct OpeningOptions: ParsableArguments {
    @Option(help: "Opens a sealed emulator: NAME.identity.")
    var identity: String?

    @Option(help: "The owner's card: any other signer of the sealed emulator is an error.")
    var from: String?

    @Option(help: "A consortium's ca.pem, with revoked.json beside it: it must have issued the signer's certificate.")
    var ca: String?

    @OptionGroup var passphrase: PassphraseOptions

    /// The identity.
    ///
    /// - Parameter path: the sealed file, for the error.
    func loadIdentity(for path: String) throws -> Identity {
        guard let identity else {
            throw CommandFailure("\(path) is sealed; open it with --identity NAME.identity.")
        }
        return try IdentityFile.load(identity, passphrase: passphrase)
    }

    /// Whose seal is accepted.
    func trust() throws -> SignerTrust {
        SignerTrust(
            owner: try from.map { try IdentityCard(path: $0) },
            authority: try ca.map { try TrustedAuthority(path: $0) }
        )
    }

    /// Whether the command line says who the signer must be; if not, it is the one that was met first.
    private var namesSigner: Bool { from != nil || ca != nil }

    /// Refuses a signer whose name was met with another certificate.
    func approve(_ signer: Signer, of path: String) throws {
        if !namesSigner { _ = try KnownOwners(path: HomeDirectory.knownOwners).check(signer, of: path) }
    }

    /// After everything was verified: remembers a signer who is met for the first time, and says so.
    func pin(_ signer: Signer, of path: String, console: Console) throws {
        guard !namesSigner else { return }
        let known = KnownOwners(path: HomeDirectory.knownOwners)
        guard try !known.check(signer, of: path) else { return }
        try known.pin(signer, of: path)
        console.warn(
            "\(path) is the first seal of \(signer.name), fingerprint \(signer.fingerprint); it is remembered in \(known.path): "
                + "compare it with the owner, or give --from OWNER.card"
        )
    }
}
