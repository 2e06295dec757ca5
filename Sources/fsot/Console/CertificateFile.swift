import Cryptography
import Foundation
import Sealing

/// Certificates as people hand them over: PEM, or the card that carries one.
enum CertificateFile {
    /// Reads a `.card`, else a PEM file.
    ///
    /// - Throws: `SealingError` for a damaged card, `CommandFailure` for a file that holds no certificate.
    static func read(_ path: String) throws -> Certificate {
        if path.hasSuffix(".card") { return try IdentityCard(path: path).certificate }
        do {
            return try Certificate(pem: String(decoding: try InputFile.data(path), as: UTF8.self))
        } catch let error as OpenSSLError {
            throw CommandFailure(
                "\(path) holds no certificate that can be used (\(error.reason)); give a PEM file or a card."
            )
        }
    }
}
