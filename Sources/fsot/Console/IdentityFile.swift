import Foundation
import Sealing

/// Opens an identity file, asking for its passphrase only when it has one.
enum IdentityFile {
    /// - Throws: `SealingError`, `CommandFailure` without a terminal.
    static func load(_ path: String) throws -> Identity {
        do {
            return try Identity.load(path)
        } catch SealingError.passphraseNeeded {
            return try Identity.load(path, passphrase: try Passphrase.read("Passphrase for \(path): ", isNew: false))
        }
    }
}
