import Checkpoints
import Cryptography
import Emulators
import Foundation
import Sealing

/// An emulator to tune or audit: a directory, or a sealed file whose plaintext stays in memory.
struct EmulatorSource {
    /// The directory or sealed file that was given.
    let path: String
    /// The plain files, on disk or in memory.
    let directory: CheckpointDirectory
    /// Bytes that the owner shipped.
    let shippedBytes: Int
    /// SHA-256 of the weights.
    let digest: [UInt8]
    /// `emulator.json`.
    let metadata: EmulatorMetadata

    /// Opens an emulator.
    ///
    /// - Parameters:
    ///   - path: a directory, or a `.fsot` file.
    ///   - opening: who opens a sealed file, and whose seal is accepted.
    /// - Throws: `SealingError`, `EmulatorError`, `CommandFailure`.
    init(path: String, opening: OpeningOptions, console: Console) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure("There is no emulator \(path); make one with fsot compress, or check the path.")
        }
        if isDirectory.boolValue {
            let directory = CheckpointDirectory(path: path)
            try self.init(path, directory, shippedBytes: directory.byteCount)
        } else {
            let (directory, signer) = try Self.unsealed(
                path,
                identity: opening.loadIdentity(for: path),
                trust: opening.trust(),
                approve: { try opening.approve($0, of: path) },
                console: console
            )
            try opening.pin(signer, of: path, console: console)
            try self.init(path, directory, shippedBytes: Self.size(path))
        }
    }

    /// Opens a sealed emulator of a federation.
    ///
    /// - Parameter owner: who must have sealed it.
    /// - Throws: `SealingError`, `EmulatorError`.
    init(sealed path: String, identity: Identity, owner: IdentityCard, console: Console) throws {
        let (directory, _) = try Self.unsealed(
            path,
            identity: identity,
            trust: SignerTrust(owner: owner),
            approve: { _ in },
            console: console
        )
        try self.init(path, directory, shippedBytes: Self.size(path))
    }

    private init(_ path: String, _ directory: CheckpointDirectory, shippedBytes: Int) throws {
        self.path = path
        self.directory = directory
        self.shippedBytes = shippedBytes
        metadata = try EmulatorMetadata.read(directory)
        digest = try directory.withBytes(of: "model.safetensors") { bytes in
            let hash = try BulkSHA256()
            try hash.update(bytes)
            return try hash.finalize()
        }
    }

    /// The digest in hexadecimal.
    var hexadecimalDigest: String { digest.hexadecimal }

    private static func size(_ path: String) throws -> Int {
        (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    private static func unsealed(
        _ path: String,
        identity: Identity,
        trust: SignerTrust,
        approve: (Signer) throws -> Void,
        console: Console
    ) throws -> (CheckpointDirectory, Signer) {
        let display = console.progress()
        let opened = try SealedEmulator.openInMemory(
            path,
            identity: identity,
            trust: trust,
            approve: approve,
            onProgress: display.handler
        )
        display.finish()
        let directory = CheckpointDirectory(path: path, files: opened.files.mapValues { ($0.bytes, $0) })
        try EmulatorContents.check(directory)
        return (directory, opened.inspection.signer)
    }
}

/// Digests of files.
enum FileDigest {
    /// SHA-256 in chunks, so that large files need no memory.
    ///
    /// - Throws: `CommandFailure` when the file cannot be read.
    static func sha256(of path: String) throws -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure("Cannot read \(path); check that it exists and may be read.")
        }
        defer { try? handle.close() }
        let hash = try BulkSHA256()
        while let chunk = try handle.read(upToCount: 1 << 22), !chunk.isEmpty {
            try chunk.withUnsafeBytes { try hash.update($0) }
        }
        return try hash.finalize()
    }

    /// The digest in hexadecimal.
    static func hexadecimal(of path: String) throws -> String {
        try sha256(of: path).hexadecimal
    }
}
