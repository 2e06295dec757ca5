import Foundation
import Sealing

/// Opens an identity file, asking for its passphrase only when it has one.
enum IdentityFile {
    /// - Throws: `SealingError`, `CommandFailure` without a terminal and without a passphrase file.
    static func load(_ path: String, passphrase: PassphraseOptions) throws -> Identity {
        do {
            return try Identity.load(path)
        } catch SealingError.passphraseNeeded {
            return try Identity.load(path, passphrase: try passphrase.existing(path))
        }
    }
}
