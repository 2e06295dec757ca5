import AtomicFiles
import Cryptography
import Emulators
import Foundation
import Sealing

/// An emulator to tune or audit: a directory, or a sealed file that is opened beside the run.
struct EmulatorSource {
    /// The plain directory.
    let directory: String
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
    ///   - identity: opens a sealed file.
    ///   - owner: the owner's card; without it any consistent seal opens and the signer is only named.
    ///   - unsealed: where a sealed emulator is put; an earlier one that is already there is
    ///     used again when it holds the same bytes.
    /// - Throws: `SealingError`, `EmulatorError`, `CommandFailure`.
    init(path: String, identity: String?, owner: String?, unsealed: String, console: Console) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure("There is no emulator \(path); make one with fsot compress, or check the path.")
        }
        if isDirectory.boolValue {
            directory = path
            shippedBytes = try Self.size(ofDirectory: path)
        } else {
            guard let identity else {
                throw CommandFailure("\(path) is sealed; open it with --identity NAME.identity.")
            }
            let card = try owner.map { try IdentityCard(path: $0) }
            let inspection = try SealedEmulator.inspect(path, trustedOwner: card)
            if card == nil {
                console.warn(
                    "the seal is consistent, but only --owner OWNER.card proves whose it is; it says "
                        + "\(inspection.signer.name), fingerprint \(inspection.signer.fingerprint)"
                )
            }
            if FileManager.default.fileExists(atPath: unsealed) {
                try Self.require(unsealed, toHold: inspection.manifest, of: path)
            } else {
                let display = console.progress()
                try SealedEmulator.open(
                    path,
                    into: unsealed,
                    identity: IdentityFile.load(identity),
                    trustedOwner: card,
                    onProgress: display.handler
                )
                display.finish()
            }
            directory = unsealed
            shippedBytes = (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        }
        metadata = try EmulatorMetadata.read(directory: directory)
        digest = try FileDigest.sha256(of: directory + "/model.safetensors")
    }

    /// An emulator that an earlier run opened is used again only when it is, byte for byte, what the seal promises.
    private static func require(_ directory: String, toHold manifest: SealedManifest, of path: String) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        let isTheSame =
            try Set(names) == Set(manifest.files.map(\.name))
            && manifest.files.allSatisfy { try FileDigest.hexadecimal(of: directory + "/" + $0.name) == $0.sha256 }
        guard isTheSame else {
            throw CommandFailure(
                "\(directory) is there already and does not hold what \(path) seals; remove it, or give another --output."
            )
        }
    }

    private static func size(ofDirectory path: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: path).reduce(0) { sum, name in
            sum + ((try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.size] as? Int) ?? 0)
        }
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
        try sha256(of: path).map { String(format: "%02x", $0) }.joined()
    }
}
