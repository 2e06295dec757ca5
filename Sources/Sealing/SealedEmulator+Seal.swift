import AtomicFiles
import Cryptography
import Foundation
import Progress

extension SealedEmulator {
    /// Seals an emulator directory to its recipients.
    ///
    /// The payload goes, encrypted, into a temporary file beside the output, behind room for the manifest that carries its
    /// digest and for the signature; memory use does not depend on the emulator's size.
    ///
    /// - Parameters:
    ///   - directory: only files of ``SealedManifest/allowedFiles``; anything else is refused by name.
    ///   - output: `NAME.fsot`; appears whole or not at all, and replaces an older one.
    ///   - recipients: who can open it; the owner is not added.
    ///   - owner: signs.
    ///   - date: goes into the manifest.
    /// - Returns: the manifest, for the owner's ledger.
    /// - Throws: `SealingError`, `AtomicFileError`, `OpenSSLError`, `CryptographyError`.
    @discardableResult
    public static func seal(
        directory: String,
        to output: String,
        emulator: EmulatorDescription,
        recipients: [IdentityCard],
        signedBy owner: Identity,
        date: Date = Date(),
        onProgress: ProgressHandler? = nil
    ) throws -> SealedManifest {
        try check(emulator, recipients)
        let files = try openFiles(in: directory)
        let length = files.reduce(0) { $0 + TarHeader.blockLength + $1.size + TarReader.padding(after: $1.size) }
        let payloadSize = AgePayload.fileLength(
            of: length + 2 * TarHeader.blockLength,
            headerLength: AgeHeader.length(recipients: recipients.count)
        )
        let from = SealedManifest.Owner(
            name: owner.name,
            certificateSHA256: try owner.certificate.fingerprint().hexadecimal
        )
        func manifest(payload: String, digests: [String]) -> SealedManifest {
            let described = zip(files, digests).map { SealedManifest.File(name: $0.name, sha256: $1, size: $0.size) }
            return SealedManifest(
                emulator: emulator,
                created: date.formatted(.iso8601),
                from: from,
                to: recipients.map { .init(name: $0.name, ageRecipient: $0.recipient.description) },
                licenceText: described.first { $0.name == "LICENSE" }?.sha256,
                payload: .init(name: SealedManifest.payloadName, sha256: payload, size: payloadSize),
                files: described
            )
        }
        // The manifest that stands first carries digests of what follows; its length is known before they are.
        let unknown = String(repeating: "0", count: 64)
        let draft = manifest(payload: unknown, digests: files.map { _ in unknown })
        let reserved = try front(for: draft, signedBy: owner).count
        let writer = AtomicSink(try AtomicFileWriter(path: output))
        try writer.file.reserve(reserved)
        let (payload, digests) = try encrypt(files, into: writer, recipients: recipients, onProgress: onProgress)
        try writer.write(
            [UInt8](repeating: 0, count: TarReader.padding(after: payloadSize) + 2 * TarHeader.blockLength)
        )
        let final = manifest(payload: payload.sha256, digests: digests)
        var bytes = try front(for: final, signedBy: owner)
        // An ECDSA signature is a byte or two shorter or longer each time; only at a block's edge does it matter.
        for _ in 0..<64 where bytes.count != reserved { bytes = try front(for: final, signedBy: owner) }
        guard payload.size == payloadSize, bytes.count == reserved else {
            throw SealingError.invalid(what: directory, reason: "its files changed while they were read")
        }
        try bytes.withUnsafeBytes { try writer.file.fill($0, at: 0) }
        try writer.file.commit()
        return final
    }

    /// The archive up to the payload's first byte.
    private static func front(for manifest: SealedManifest, signedBy owner: Identity) throws -> [UInt8] {
        let sink = MemorySink()
        let archive = TarWriter(sink)
        let bytes = Array(try JSONFile.encode(manifest))
        let signature = try CMSSignature.sign(bytes, by: owner)
        try archive.append(name: SealedManifest.fileName, size: bytes.count, from: MemorySource(bytes))
        try archive.append(name: SealedManifest.signatureName, size: signature.count, from: MemorySource(signature))
        return sink.bytes + (try TarHeader(name: SealedManifest.payloadName, size: manifest.payload.size).block())
    }

    private static func check(_ emulator: EmulatorDescription, _ recipients: [IdentityCard]) throws {
        guard !recipients.isEmpty else { throw SealingError.noRecipients }
        var seen = Set<AgeRecipient>()
        for card in recipients where !seen.insert(card.recipient).inserted {
            throw SealingError.invalid(what: "The list of recipients", reason: "\(card.name) stands there twice")
        }
        guard [UInt8].isDigest(emulator.baseModelCommitment) else {
            throw SealingError.invalid(
                what: "The commitment to the base model",
                reason: "it has to be 64 lower-case hexadecimal digits"
            )
        }
    }

    private struct PlainFile {
        let name: String
        let file: OpenFile
        let size: Int
    }

    /// The directory's files in ascending order, once all are known to be allowed.
    private static func openFiles(in directory: String) throws -> [PlainFile] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw SealingError.unreadable(path: directory, reason: "it is not a directory that can be listed")
        }
        for name in names where !SealedManifest.allowedFiles.contains(name) {
            throw SealingError.notOnTheAllowList(path: "\(directory)/\(name)")
        }
        for name in SealedManifest.requiredFiles where !names.contains(name) {
            throw SealingError.missingFile(directory: directory, name: name)
        }
        // A link could bring in, under an allowed name, a file from elsewhere.
        for name in names {
            var status = stat()
            guard lstat("\(directory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw SealingError.notOnTheAllowList(path: "\(directory)/\(name)")
            }
        }
        return try names.map { name in
            let file = try OpenFile(reading: "\(directory)/\(name)")
            return PlainFile(name: name, file: file, size: try file.regularSize())
        }
    }

    /// Writes the payload; returns its digest and size, and the digests of the plain files.
    private static func encrypt(
        _ files: [PlainFile],
        into sink: any ByteSink,
        recipients: [IdentityCard],
        onProgress: ProgressHandler?
    ) throws -> (payload: (sha256: String, size: Int), digests: [String]) {
        let ciphertext = try HashingSink(sink)
        let encryptor = try AgeEncryptor(to: recipients.map(\.recipient), sink: ciphertext)
        let archive = TarWriter(encryptor)
        let total = files.reduce(0) { $0 + $1.size }
        var done = 0
        func tell() { onProgress?(ProgressEvent(phase: "sealing", completed: done, total: total, unit: "bytes")) }
        tell()
        let digests = try files.map { plain in
            let hash = try BackgroundSHA256()
            let source = FileSource(plain.file, range: 0..<(plain.size + 1))
            try archive.append(name: plain.name, size: plain.size, from: source) { piece in
                hash.update(piece)
                done += piece.count
                tell()
            }
            return try hash.finalize().hexadecimal
        }
        try archive.finish()
        try encryptor.finish()
        return ((try ciphertext.hash.finalize().hexadecimal, ciphertext.hash.count), digests)
    }
}
