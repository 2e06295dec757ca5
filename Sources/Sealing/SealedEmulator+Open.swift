import AtomicFiles
import Cryptography
import Foundation
import Progress

extension SealedEmulator {
    /// Opens a sealed emulator into `directory`, which appears whole and verified or not at all.
    ///
    /// In this order: the owner's signature over the manifest, the signer, the recipients, and then in one pass the
    /// ciphertext's digest, decryption and each plaintext's digest. Until all of that and `inspect` have agreed, what was
    /// decrypted lies under a temporary name, and goes when they do not.
    ///
    /// - Parameters:
    ///   - trust: whose seal is accepted.
    ///   - approve: a last word on the signer before anything is decrypted; throws to refuse.
    ///   - inspect: looks at the files in their temporary directory; throws to refuse.
    /// - Throws: `SealingError`, `AtomicFileError`, and what `approve` and `inspect` throw.
    @discardableResult
    public static func open(
        _ path: String,
        into directory: String,
        identity: Identity,
        trust: SignerTrust = SignerTrust(),
        approve: (Signer) throws -> Void = { _ in },
        inspect: (String) throws -> Void = { _ in },
        onProgress: ProgressHandler? = nil
    ) throws -> Inspection {
        let container = try SealedContainer(path: path, trust: trust)
        try approve(container.signer)
        try container.requireRecipient(identity)
        let staged = try StagedDirectory(destination: directory)
        try container.extract(for: identity, onProgress: onProgress) { file in
            let writer = try AtomicFileWriter(path: "\(staged.path)/\(file.name)")
            return AtomicSink(writer)
        }
        try inspect(staged.path)
        try staged.commit()
        return Inspection(manifest: container.manifest, signer: container.signer)
    }

    /// Opens a sealed emulator into memory: the plaintext gets no name.
    ///
    /// - Returns: what the manifest says, and the files by name.
    /// - Throws: as ``open(_:into:identity:trust:approve:inspect:onProgress:)``.
    public static func openInMemory(
        _ path: String,
        identity: Identity,
        trust: SignerTrust = SignerTrust(),
        approve: (Signer) throws -> Void = { _ in },
        onProgress: ProgressHandler? = nil
    ) throws -> (inspection: Inspection, files: [String: PlainFile]) {
        let container = try SealedContainer(path: path, trust: trust)
        try approve(container.signer)
        var files = [String: PlainFile]()
        try container.extract(for: identity, onProgress: onProgress) { file in
            let plain = try PlainFile(count: file.size, what: path)
            files[file.name] = plain
            return PlainFile.Sink(plain)
        }
        return (Inspection(manifest: container.manifest, signer: container.signer), files)
    }
}

/// A sink that has something to do once all was written.
protocol FinishingSink: ByteSink {
    func finish() throws
}

extension PlainFile.Sink: FinishingSink {
    func finish() {}
}

/// A file that appears only when it is whole, as a sink.
final class AtomicSink: FinishingSink {
    let file: AtomicFileWriter

    init(_ file: AtomicFileWriter) { self.file = file }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try file.write(bytes) }

    func finish() throws { try file.commit() }
}

extension SealedContainer {
    /// - Throws: `SealingError.notARecipient` unless the manifest names `identity`.
    func requireRecipient(_ identity: Identity) throws {
        guard manifest.to.contains(where: { $0.ageRecipient == identity.age.recipient.description }) else {
            throw SealingError.notARecipient(what: path, identity: identity.name)
        }
    }

    /// Decrypts the payload in one pass and checks every digest.
    ///
    /// - Parameter sink: where a file goes; made when its turn has come.
    /// - Throws: `SealingError`, and what `sink` throws. What was written until then must not be used.
    func extract(
        for identity: Identity,
        onProgress: ProgressHandler?,
        sink: (SealedManifest.File) throws -> any FinishingSink
    ) throws {
        try requireRecipient(identity)
        var done = 0
        let total = manifest.payload.size
        func advance(_ count: Int) {
            done += count
            onProgress?(ProgressEvent(phase: "opening", completed: done, total: total, unit: "bytes"))
        }
        advance(0)
        try withPayload { source in
            // The observer does not outlive the source, and the source does not outlive this closure.
            try withoutActuallyEscaping(advance) { advance in
                let ciphertext = try HashingSource(source, observer: advance)
                let payload: AgeDecryptor
                do {
                    payload = try AgeDecryptor(ciphertext, identity: identity.age, what: path, holder: identity.name)
                } catch SealingError.notARecipient {
                    // The manifest names this identity, so somebody put another payload in its place.
                    throw SealingError.otherRecipients(what: path)
                }
                guard payload.recipientCount == manifest.to.count else {
                    throw SealingError.otherRecipients(what: path)
                }
                try extract(TarReader(payload, what: path), sink)
                guard try ciphertext.hash.finalize().hexadecimal == manifest.payload.sha256 else {
                    throw SealingError.malformed(what: path, reason: "its payload is not the one that was signed")
                }
            }
        }
    }

    private func extract(_ archive: TarReader, _ sink: (SealedManifest.File) throws -> any FinishingSink) throws {
        func failure(_ reason: String) -> SealingError { .malformed(what: path, reason: reason) }
        for file in manifest.files {
            guard let entry = try archive.next() else { throw failure("its payload lacks \(file.name)") }
            guard entry.name == file.name else {
                throw failure("its payload holds \(entry.name) where the manifest says \(file.name)")
            }
            guard entry.size == file.size else {
                throw failure(
                    "\(file.name) has \(entry.size) bytes in its payload where the manifest says \(file.size)"
                )
            }
            let hash = try BackgroundSHA256()
            let target = try sink(file)
            try archive.readContent {
                hash.update($0)
                try target.write($0)
            }
            guard try hash.finalize().hexadecimal == file.sha256 else {
                throw failure("\(file.name) is not the one that was signed")
            }
            try target.finish()
        }
        if let extra = try archive.next() { throw failure("its payload also holds \(extra.name)") }
    }
}
