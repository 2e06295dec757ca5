import AtomicFiles
import Cryptography
import Foundation

/// Who made a signature.
///
/// Only the fingerprint identifies: anybody can make a certificate with any name.
public struct Signer: Equatable, Sendable {
    /// The certificate's common name.
    public let name: String
    /// SHA-256 of the certificate's DER form, 64 lower-case hexadecimal digits.
    public let fingerprint: String
    /// The certificate, PEM: what `openssl cms -verify -CAfile` wants.
    public let certificatePEM: String
}

/// Detached signatures of files (`report.json` → `report.json.p7s`) that `openssl cms -verify` verifies.
public enum CMSSignature {
    /// Signs a file and writes the signature beside it, as `<file>.p7s` unless `output` says otherwise.
    ///
    /// - Throws: `SealingError.unreadable`, `OpenSSLError`, `AtomicFileError`.
    public static func sign(file: String, by identity: Identity, output: String? = nil) throws {
        let signature = try sign(Array(read(file)), by: identity)
        try AtomicFile.write(Data(signature), to: output ?? "\(file).p7s")
    }

    /// Verifies a file against `<file>.p7s` (or `signature`).
    ///
    /// - Parameter signer: whose signature it must be; without it the signature must only be consistent, and the caller
    ///   decides whether the returned signer is to be trusted.
    /// - Throws: `SealingError.malformed`, `SealingError.wrongSigner`, `SealingError.unreadable`.
    public static func verify(
        file: String,
        signature: String? = nil,
        signer: IdentityCard? = nil
    ) throws -> Signer {
        let bytes = Array(try read(signature ?? "\(file).p7s"))
        return try verify(bytes, over: Array(try read(file)), signer: signer, what: file)
    }

    /// Signs bytes: DER.
    ///
    /// - Throws: `OpenSSLError`.
    public static func sign(_ content: [UInt8], by identity: Identity) throws -> [UInt8] {
        try content.withUnsafeBytes {
            try CMSDetachedSignature.sign($0, certificate: identity.certificate, key: identity.signingKey)
        }
    }

    /// Verifies bytes; see ``verify(file:signature:signer:)``.
    ///
    /// - Throws: `SealingError.malformed`, `SealingError.wrongSigner`.
    public static func verify(
        _ signature: [UInt8],
        over content: [UInt8],
        signer: IdentityCard? = nil,
        what: String
    ) throws -> Signer {
        let certificate: Certificate
        let found: Signer
        do {
            certificate = try CMSDetachedSignature.signerCertificate(in: signature)
            found = Signer(
                name: certificate.commonName,
                fingerprint: try certificate.fingerprint().hexadecimal,
                certificatePEM: try certificate.pem()
            )
        } catch let error as OpenSSLError {
            throw SealingError.malformed(what: "The signature of \(what)", reason: error.reason)
        }
        if let signer, signer.fingerprint != found.fingerprint {
            throw SealingError.wrongSigner(
                what: what,
                expected: "\(signer.name) (\(signer.fingerprint.prefix(16))…)",
                actual: "\(found.name) (\(found.fingerprint.prefix(16))…)"
            )
        }
        // One that somebody else issued is bound by its fingerprint, in the manifest and in whom the caller trusts.
        guard certificate.isSelfSigned || !certificate.namesItselfAsIssuer else {
            throw SealingError.malformed(what: "The signature of \(what)", reason: "its certificate was changed")
        }
        do {
            try content.withUnsafeBytes {
                try CMSDetachedSignature.verify(signature, over: $0, certificate: certificate)
            }
        } catch let error as OpenSSLError {
            throw SealingError.malformed(what: what, reason: "its signature does not fit (\(error.reason))")
        }
        return found
    }

    private static func read(_ path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw SealingError.unreadable(path: path, reason: (error as NSError).localizedDescription)
        }
    }
}
