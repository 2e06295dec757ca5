import AtomicFiles
import Cryptography
import Foundation
import Progress

extension SealedEmulator {
    /// Opens a sealed emulator into `directory`, which appears whole and verified or not at all.
    ///
    /// In this order: the owner's signature over the manifest, the recipients, the ciphertext's digest, and only then
    /// decryption, with each plaintext's digest; nothing unsigned is decrypted or written under its final name.
    ///
    /// - Parameters:
    ///   - trustedOwner: whose seal it must be; without it any consistent seal opens, and the caller decides what to make
    ///     of the returned signer's fingerprint (better before: see ``inspect(_:trustedOwner:)``).
    /// - Throws: `SealingError.wrongSigner`, `SealingError.notARecipient`, `SealingError.malformed`,
    ///   `SealingError.unknownVersion`, `AtomicFileError`.
    @discardableResult
    public static func open(
        _ path: String,
        into directory: String,
        identity: Identity,
        trustedOwner: IdentityCard? = nil,
        onProgress: ProgressHandler? = nil
    ) throws -> Inspection {
        let container = try SealedContainer(path: path, trustedOwner: trustedOwner)
        let manifest = container.manifest
        guard manifest.to.contains(where: { $0.ageRecipient == identity.age.recipient.description }) else {
            throw SealingError.notARecipient(what: path, identity: identity.name)
        }
        var done = 0
        let total = manifest.payload.size + manifest.files.reduce(0) { $0 + $1.size }
        func advance(_ count: Int) {
            done += count
            onProgress?(ProgressEvent(phase: "opening", completed: done, total: total, unit: "bytes"))
        }
        advance(0)
        try container.verifyPayload(advance)
        let staged = try StagedDirectory(destination: directory)
        let payload = try AgeDecryptor(
            container.payloadSource(),
            identity: identity.age,
            what: path,
            holder: identity.name
        )
        guard payload.recipientCount == manifest.to.count else {
            throw SealingError.malformed(what: path, reason: "it is encrypted to others than its manifest says")
        }
        try extract(TarReader(payload, what: path), manifest.files, into: staged.path, path: path, advance)
        try staged.commit()
        return Inspection(manifest: manifest, signer: container.signer)
    }

    private static func extract(
        _ archive: TarReader,
        _ files: [SealedManifest.File],
        into directory: String,
        path: String,
        _ advance: (Int) -> Void
    ) throws {
        func failure(_ reason: String) -> SealingError { .malformed(what: path, reason: reason) }
        for file in files {
            guard let entry = try archive.next() else { throw failure("its payload lacks \(file.name)") }
            guard entry.name == file.name, entry.size == file.size else {
                throw failure("its payload holds \(entry.name) where the manifest says \(file.name)")
            }
            let hash = try BulkSHA256()
            let writer = try AtomicFileWriter(path: "\(directory)/\(file.name)")
            try archive.readContent {
                try hash.update($0)
                try writer.write($0)
                advance($0.count)
            }
            guard Hex.encode(try hash.finalize()) == file.sha256 else {
                throw failure("\(file.name) is not the one that was signed")
            }
            try writer.commit()
        }
        if let extra = try archive.next() { throw failure("its payload also holds \(extra.name)") }
    }
}
