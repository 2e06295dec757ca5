/// Why something could not be sealed, opened, signed or read.
public enum SealingError: Error, Equatable, CustomStringConvertible {
    /// A file is not what it should be: cut short, changed, or of another kind; `reason` says which.
    case malformed(what: String, reason: String)
    /// A file is of another kind than the one that is wanted.
    case wrongKind(what: String, expected: String)
    /// A file cannot be read; `reason` is the system's text.
    case unreadable(path: String, reason: String)
    /// The format is ours, but of a version that this program does not know.
    case unknownVersion(what: String, version: Int)
    /// None of the recipients of an age file is the given identity.
    case notARecipient(what: String, identity: String)
    /// A passphrase is wanted, but none was given.
    case passphraseNeeded(path: String)
    /// The passphrase does not open the identity, or the file was changed.
    case wrongPassphrase(path: String)
    /// An identity's or card's name cannot be used.
    case badName(String)
    /// A directory to be sealed holds something that must not leave the house.
    case notOnTheAllowList(path: String)
    /// A directory to be sealed lacks a file.
    case missingFile(directory: String, name: String)
    /// The seal was made by somebody else than the owner that is trusted.
    case wrongSigner(what: String, expected: String, actual: String)
    /// A sealed emulator is encrypted to others than its manifest says.
    case otherRecipients(what: String)
    /// The signer's certificate is not valid after `date`.
    case certificateExpired(what: String, signer: String, date: String)
    /// The signer's certificate is not valid before `date`.
    case certificateNotYetValid(what: String, signer: String, date: String)
    /// The certificate authority has revoked the signer's certificate.
    case certificateRevoked(what: String, signer: String, date: String, reason: String)
    /// The signer's certificate is not one that the trusted authority issued.
    case notIssuedBy(what: String, signer: String, authority: String)
    /// The name was met before with another certificate.
    case changedOwner(what: String, name: String, known: String, found: String, file: String)
    /// Sealing without anybody who could open it.
    case noRecipients
    /// A value that the caller handed in cannot be used.
    case invalid(what: String, reason: String)

    /// One sentence that names the file and the remedy.
    public var description: String {
        switch self {
        case .malformed(let what, let reason):
            return "\(what) is damaged or was changed: \(reason); obtain it again from its sender."
        case .wrongKind(let what, let expected):
            return "\(what) is no \(expected); check which file was given."
        case .unreadable(let path, let reason):
            return "Cannot read \(path): \(reason); check the path and its permissions."
        case .unknownVersion(let what, let version):
            return "\(what) has format version \(version), which this fsot does not know; update fsot."
        case .notARecipient(let what, let identity):
            return "\(identity) is not a recipient of \(what); ask its owner to seal it to your card."
        case .passphraseNeeded(let path):
            return "\(path) is protected by a passphrase; give it."
        case .wrongPassphrase(let path):
            return "The passphrase does not open \(path), or the file was changed; check the passphrase."
        case .badName(let name):
            return "\"\(name)\" cannot be a name; use 1 to 64 letters, digits, dots, underscores and hyphens."
        case .notOnTheAllowList(let path):
            return "\(path) is not a file that a sealed emulator may hold; move it out of the directory."
        case .missingFile(let directory, let name):
            return "\(directory) has no \(name), so it is not an emulator; give a directory that `fsot compress` made."
        case .wrongSigner(let what, let expected, let actual):
            return "\(what) was sealed by \(actual), not by \(expected); do not use it, and ask the owner for the file."
        case .otherRecipients(let what):
            return
                "\(what) is encrypted to others than its manifest says; do not use it, and ask the owner for the file."
        case .certificateExpired(let what, let signer, let date):
            return
                "The certificate of \(signer), on which the seal of \(what) depends, expired on \(date); ask for a renewed one and a "
                + "new seal."
        case .certificateNotYetValid(let what, let signer, let date):
            return
                "The certificate of \(signer), on which the seal of \(what) depends, is valid from \(date) on; check this machine's "
                + "clock."
        case .certificateRevoked(let what, let signer, let date, let reason):
            return
                "The certificate of \(signer), who sealed \(what), was revoked on \(date) (\(reason)); do not use it."
        case .notIssuedBy(let what, let signer, let authority):
            return
                "The certificate of \(signer), who sealed \(what), was not issued by \(authority); do not use it, and ask "
                + "the owner for the file."
        case .changedOwner(let what, let name, let known, let found, let file):
            return
                "\(what) was sealed by \(found), but \(name) was \(known) so far; compare with the owner, and only if the "
                + "new one is right remove the line of \(name) from \(file)."
        case .noRecipients:
            return "Nobody could open the sealed emulator; name at least one recipient's card."
        case .invalid(let what, let reason):
            return "\(what) cannot be used: \(reason)."
        }
    }
}
