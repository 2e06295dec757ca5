import COpenSSL

/// One of OpenSSL's byte streams, in memory; freed with the object.
final class MemoryBIO {
    let handle: OpaquePointer

    /// An empty stream to write into; `isSecret` takes memory that OpenSSL wipes when it is freed.
    init(isSecret: Bool = false) throws {
        ERR_clear_error()
        guard let handle = BIO_new(isSecret ? BIO_s_secmem() : BIO_s_mem()) else {
            throw OpenSSLError("make a memory stream")
        }
        self.handle = handle
        // The end of the data is an end of file, not "try again later".
        BIO_ctrl(handle, BIO_C_SET_BUF_MEM_EOF_RETURN, 0, nil)
    }

    /// A stream that reads a copy of `bytes`.
    convenience init(reading bytes: UnsafeRawBufferPointer, isSecret: Bool = false) throws {
        try self.init(isSecret: isSecret)
        guard let length = Int32(exactly: bytes.count) else {
            throw OpenSSLError("read \(bytes.count) bytes at once", reason: "the limit is 2 GiB")
        }
        guard length == 0 || BIO_write(handle, bytes.baseAddress, length) == length else {
            throw OpenSSLError("fill a memory stream")
        }
    }

    deinit {
        BIO_free_all(handle)
    }

    /// Number of bytes that are left to read.
    var count: Int { BIO_ctrl_pending(handle) }

    /// Takes all bytes that are left.
    func readAll() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try fill($0) }
        return bytes
    }

    /// Takes all bytes that are left as a secret.
    func readSecret() throws -> SecretBytes {
        try SecretBytes(count: count) { try fill($0) }
    }

    private func fill(_ target: UnsafeMutableRawBufferPointer) throws {
        guard target.isEmpty || BIO_read(handle, target.baseAddress, Int32(target.count)) == target.count else {
            throw OpenSSLError("read a memory stream")
        }
    }
}
