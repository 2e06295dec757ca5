import COpenSSL

/// SHA-256 for weights: OpenSSL's, which uses the processor's SHA instructions; three and more times faster than
/// ``SHA256``.
///
/// Not `Sendable`: one hasher belongs to one task.
public final class BulkSHA256 {
    private let context: OpaquePointer

    /// An empty hasher.
    ///
    /// - Throws: `OpenSSLError`.
    public init() throws {
        ERR_clear_error()
        guard let context = EVP_MD_CTX_new() else { throw OpenSSLError("hash") }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw OpenSSLError("hash")
        }
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// Appends bytes.
    ///
    /// - Throws: `OpenSSLError`.
    public func update(_ bytes: UnsafeRawBufferPointer) throws {
        guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else { throw OpenSSLError("hash") }
    }

    /// The digest of all that was appended, 32 bytes; the hasher must not be used afterwards.
    ///
    /// - Throws: `OpenSSLError`.
    public func finalize() throws -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_DigestFinal_ex(context, &digest, nil) == 1 else { throw OpenSSLError("hash") }
        return digest
    }
}
