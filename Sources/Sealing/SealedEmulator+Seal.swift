import AtomicFiles
import Cryptography
import Foundation
import Progress

extension SealedEmulator {
    /// Seals an emulator directory to its recipients.
    ///
    /// The payload goes, encrypted, through a nameless temporary file beside the output, because the manifest that stands
    /// before it carries its digest; memory use does not depend on the emulator's size.
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
        let names = try fileNames(in: directory)
        let spool = try OpenFile(spoolBeside: output)
        let (files, payload) = try encrypt(
            names,
            in: directory,
            into: spool,
            recipients: recipients,
            onProgress: onProgress
        )
        let manifest = SealedManifest(
            emulator: emulator,
            created: date.formatted(.iso8601),
            from: .init(name: owner.name, certificateSHA256: Hex.encode(try owner.certificate.fingerprint())),
            to: recipients.map { .init(name: $0.name, ageRecipient: $0.recipient.description) },
            licenceText: files.first { $0.name == "LICENSE" }?.sha256,
            payload: payload,
            files: files
        )
        let bytes = Array(try JSONFile.encode(manifest))
        let signature = try CMSSignature.sign(bytes, by: owner)
        let writer = AtomicSink(try AtomicFileWriter(path: output))
        let archive = TarWriter(writer)
        try archive.append(name: SealedManifest.fileName, size: bytes.count, from: MemorySource(bytes))
        try archive.append(name: SealedManifest.signatureName, size: signature.count, from: MemorySource(signature))
        try archive.append(
            name: SealedManifest.payloadName,
            size: payload.size,
            from: FileSource(spool, range: 0..<payload.size)
        )
        try archive.finish()
        try writer.file.commit()
        return manifest
    }

    private static func check(_ emulator: EmulatorDescription, _ recipients: [IdentityCard]) throws {
        guard !recipients.isEmpty else { throw SealingError.noRecipients }
        var seen = Set<AgeRecipient>()
        for card in recipients where !seen.insert(card.recipient).inserted {
            throw SealingError.invalid(what: "The list of recipients", reason: "\(card.name) stands there twice")
        }
        guard Hex.isDigest(emulator.baseModelCommitment) else {
            throw SealingError.invalid(
                what: "The commitment to the base model",
                reason: "it has to be 64 lower-case hexadecimal digits"
            )
        }
    }

    /// The directory's files in ascending order, once all are known to be allowed.
    private static func fileNames(in directory: String) throws -> [String] {
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
        return names
    }

    private static func encrypt(
        _ names: [String],
        in directory: String,
        into spool: OpenFile,
        recipients: [IdentityCard],
        onProgress: ProgressHandler?
    ) throws -> (files: [SealedManifest.File], payload: SealedManifest.File) {
        let ciphertext = HashingSink(FileSink(spool), hash: try BulkSHA256())
        let encryptor = try AgeEncryptor(to: recipients.map(\.recipient), sink: ciphertext)
        let archive = TarWriter(encryptor)
        let opened = try names.map { name in
            let file = try OpenFile(reading: "\(directory)/\(name)")
            return (name: name, file: file, size: try file.regularSize())
        }
        let total = opened.reduce(0) { $0 + $1.size }
        var done = 0
        var files = [SealedManifest.File]()
        onProgress?(ProgressEvent(phase: "sealing", completed: 0, total: total, unit: "bytes"))
        for (name, file, size) in opened {
            let hash = try BulkSHA256()
            try archive.append(name: name, size: size, from: FileSource(file, range: 0..<(size + 1))) { piece in
                try hash.update(piece)
                done += piece.count
                onProgress?(ProgressEvent(phase: "sealing", completed: done, total: total, unit: "bytes"))
            }
            files.append(.init(name: name, sha256: Hex.encode(try hash.finalize()), size: size))
        }
        try archive.finish()
        try encryptor.finish()
        let digest = Hex.encode(try ciphertext.hash.finalize())
        return (files, .init(name: SealedManifest.payloadName, sha256: digest, size: ciphertext.count))
    }
}

/// Hashes what passes through.
private final class HashingSink: ByteSink {
    let hash: BulkSHA256
    private(set) var count = 0
    private let next: any ByteSink

    init(_ next: any ByteSink, hash: BulkSHA256) {
        self.next = next
        self.hash = hash
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try hash.update(bytes)
        count += bytes.count
        try next.write(bytes)
    }
}

/// A file that appears only when it is whole, as a sink.
private final class AtomicSink: ByteSink {
    let file: AtomicFileWriter

    init(_ file: AtomicFileWriter) { self.file = file }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try file.write(bytes) }
}
