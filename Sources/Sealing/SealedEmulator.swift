import Cryptography

/// A sealed emulator, `NAME.fsot`: a tar archive of `manifest.json`, `manifest.p7s` and `payload.age`, in this order.
///
/// `tar -xf NAME.fsot`, `openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -CAfile
/// owner.pem` and `age -d -i alice.identity payload.age | tar -x` open it without fsot.
///
/// Promised: only the named recipients open it, and its bytes are the signer's, whole and unmodified. Not promised: that a
/// recipient keeps what it was given to itself.
public enum SealedEmulator {
    /// What a sealed emulator says about itself, and who says so.
    public struct Inspection: Equatable, Sendable {
        /// The signed manifest.
        public let manifest: SealedManifest
        /// Who signed it; trusted only when the fingerprint is known.
        public let signer: Signer
    }

    /// Reads the manifest and verifies its signature; needs no identity and does not look at the payload.
    ///
    /// - Throws: `SealingError`.
    public static func inspect(_ path: String, trust: SignerTrust = SignerTrust()) throws -> Inspection {
        let container = try SealedContainer(path: path, trust: trust)
        return Inspection(manifest: container.manifest, signer: container.signer)
    }
}

/// A sealed emulator whose manifest was read and verified; the payload waits.
final class SealedContainer {
    private static let manifestLimit = 4 << 20
    private static let signatureLimit = 1 << 16

    let path: String
    let manifest: SealedManifest
    let signer: Signer
    private let archive: TarReader

    init(path: String, trust: SignerTrust) throws {
        self.path = path
        let reader = TarReader(try FileSource(path: path), what: path)
        archive = reader
        func enter(_ name: String) throws -> Int {
            guard let entry = try reader.next(), entry.name == name else {
                throw SealingError.malformed(what: path, reason: "\(name) is not where it should be")
            }
            return entry.size
        }
        _ = try enter(SealedManifest.fileName)
        let bytes = try reader.readContent(limit: Self.manifestLimit)
        _ = try enter(SealedManifest.signatureName)
        let signature = try reader.readContent(limit: Self.signatureLimit)
        signer = try CMSSignature.verify(signature, over: bytes, signer: trust.owner, what: path)
        try trust.check(signer, of: path)
        manifest = try SealedManifest(decoding: bytes, what: path)
        guard manifest.from == .init(name: signer.name, certificateSHA256: signer.fingerprint) else {
            throw SealingError.malformed(what: path, reason: "its manifest names another owner than its signature")
        }
        let size = try enter(SealedManifest.payloadName)
        guard size == manifest.payload.size else {
            throw SealingError.malformed(what: path, reason: "its payload does not have the size that was signed")
        }
    }

    /// Lends the payload, which `body` has to read to its end, and then checks that nothing follows it; to be called once.
    func withPayload(_ body: (any ByteSource) throws -> Void) throws {
        try archive.withContent(body)
        guard try archive.next() == nil else {
            throw SealingError.malformed(what: path, reason: "it holds more than its three files")
        }
    }
}
