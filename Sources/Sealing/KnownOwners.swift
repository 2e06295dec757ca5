import AtomicFiles
import Cryptography
import Foundation

/// Whose seals were accepted before: `known-owners`, a line a name, as in ssh's `known_hosts`.
///
/// ```
/// owner 5f0c…e1 2026-11-24T10:00:00Z
/// ```
/// The fingerprint is the SHA-256 of the certificate's DER form. A new certificate, even over the same key, is a new
/// fingerprint, which a person has to compare and let in by removing the line.
public struct KnownOwners: Sendable {
    /// The file.
    public let path: String

    /// Uses the file at `path`, which need not exist.
    public init(path: String) { self.path = path }

    /// The fingerprint that a name had when it was met first; nil for a new one.
    ///
    /// - Throws: `SealingError.malformed`, `SealingError.unreadable`.
    public func fingerprint(of name: String) throws -> String? {
        try entries().first { $0.name == name }?.fingerprint
    }

    /// Refuses a signer whose name was met with another certificate.
    ///
    /// - Parameter what: how errors name the sealed file.
    /// - Returns: whether the signer is known; a new one is to be shown to a person and then pinned.
    /// - Throws: `SealingError.changedOwner`, `SealingError.malformed`, `SealingError.unreadable`.
    public func check(_ signer: Signer, of what: String) throws -> Bool {
        guard let known = try fingerprint(of: signer.name) else { return false }
        guard known == signer.fingerprint else {
            throw SealingError.changedOwner(
                what: what,
                name: signer.name,
                known: known,
                found: signer.fingerprint,
                file: path
            )
        }
        return true
    }

    /// Remembers a signer; one that is known stays as it is.
    ///
    /// - Throws: `AtomicFileError`, and as ``check(_:of:)``.
    public func pin(_ signer: Signer, of what: String, date: Date = Date()) throws {
        try Identity.checkName(signer.name)
        do {
            try FileManager.default.createDirectory(
                atPath: AtomicFile.directory(of: path),
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: AtomicFile.directory(of: path),
                reason: (error as NSError).localizedDescription
            )
        }
        let lock = try FileLock(path: path + ".lock")
        defer { lock.unlock() }
        // Somebody else may have pinned the name in the meantime.
        if try check(signer, of: what) { return }
        let text = try text() + "\(signer.name) \(signer.fingerprint) \(date.formatted(.iso8601))\n"
        try AtomicFile.write(text, to: path, permissions: 0o600)
    }

    private func text() throws -> String {
        guard FileManager.default.fileExists(atPath: path) else { return "" }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SealingError.unreadable(path: path, reason: "it is not a file that may be read")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private func entries() throws -> [(name: String, fingerprint: String)] {
        try text().split(separator: "\n").enumerated().compactMap { number, line in
            if line.hasPrefix("#") { return nil }
            let words = line.split(separator: " ")
            guard words.count >= 2, [UInt8].isDigest(String(words[1])) else {
                throw SealingError.malformed(
                    what: path,
                    reason: "line \(number + 1) is not a name and a fingerprint"
                )
            }
            return (String(words[0]), String(words[1]))
        }
    }
}
