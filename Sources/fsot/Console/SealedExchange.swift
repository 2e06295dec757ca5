import Foundation
import Sealing

/// The small files that parties of an audit seal to one another.
enum SealedExchange {
    /// Seals a file to one recipient, whole or not at all.
    ///
    /// - Throws: `SealingError`, `AtomicFileError`.
    static func write(_ data: Data, to path: String, for card: IdentityCard) throws {
        try SealedFile.write(to: path, for: [card.recipient]) { sink in
            try data.withUnsafeBytes { try sink.write($0) }
        }
    }

    /// Opens one.
    ///
    /// - Throws: `SealingError`, `CommandFailure` when there is no such file.
    static func open(_ path: String, identity: Identity) throws -> Data {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure("\(path) does not exist; check the path.")
        }
        let opened = try SealedFile.open(path, identity: identity)
        return Data(opened.bytes)
    }

    /// Who signed a file, when a signature lies beside it.
    ///
    /// - Parameter cards: whose signatures are accepted; empty: everybody's, and the caller shows the fingerprint.
    /// - Throws: `SealingError` for a signature that does not fit, `CommandFailure` when a card was given and nobody signed,
    ///   or somebody else did.
    static func signer(of path: String, among cards: [IdentityCard]) throws -> Signer? {
        guard FileManager.default.fileExists(atPath: path + ".p7s") else {
            if cards.isEmpty { return nil }
            throw CommandFailure("\(path) is not signed; ask for \(path).p7s, or leave out --from.")
        }
        let signer = try CMSSignature.verify(file: path)
        guard cards.isEmpty || cards.contains(where: { $0.fingerprint == signer.fingerprint }) else {
            throw CommandFailure(
                "\(path) was signed by \(signer.name) (\(signer.fingerprint.prefix(16))…), whose card was not given with --from; ask its holder for the file."
            )
        }
        return signer
    }
}
