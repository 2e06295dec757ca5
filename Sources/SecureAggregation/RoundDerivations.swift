import Cryptography

/// SA1's derivations, exactly as federation.md 1.4 writes them; `roundHash` is the specification's `rh`.
///
/// Everything depends on `rh`, which covers the model: participants that were given different models derive different
/// masks, and the sum is noise instead of somebody's update.
public enum RoundDerivations {
    /// The key of the mask between two participants; both sides derive the same.
    ///
    /// - Throws: `CryptographyError.lowOrderPublicKey` and other `CryptographyError`.
    public static func pairKey(
        roundHash: [UInt8],
        secretKey: SecretBytes,
        me: UInt32,
        myPublicKey: [UInt8],
        other: UInt32,
        otherPublicKey: [UInt8]
    ) throws -> SecretBytes {
        let iAmFirst = me < other
        let hash = TaggedHash("fsot/sa1/pair")
        hash.append(roundHash)
        hash.append(min(me, other))
        hash.append(max(me, other))
        hash.append(iAmFirst ? myPublicKey : otherPublicKey)
        hash.append(iAmFirst ? otherPublicKey : myPublicKey)
        hash.append(try X25519.sharedSecret(secretKey, with: otherPublicKey))
        return try hash.secret()
    }

    /// The key of a participant's own mask, from its secret `b`.
    ///
    /// - Throws: `CryptographyError`.
    public static func selfKey(roundHash: [UInt8], id: UInt32, seed: SecretBytes) throws -> SecretBytes {
        let hash = TaggedHash("fsot/sa1/self")
        hash.append(roundHash)
        hash.append(id)
        hash.append(seed)
        return try hash.secret()
    }

    /// The key under which `source` sends its shares to `destination`; each direction has its own.
    ///
    /// - Parameter shared: the Diffie-Hellman result of the two encryption keys, alike for both directions.
    /// - Throws: `CryptographyError`.
    static func shareKey(
        roundHash: [UInt8],
        source: UInt32,
        sourceKey: [UInt8],
        destination: UInt32,
        destinationKey: [UInt8],
        shared: SecretBytes
    ) throws -> SecretBytes {
        let hash = TaggedHash("fsot/sa1/enc")
        hash.append(roundHash)
        hash.append(source)
        hash.append(destination)
        hash.append(sourceKey)
        hash.append(destinationKey)
        hash.append(shared)
        return try hash.secret()
    }

    /// What R1 publishes about `b`, so that wrong shares of it are noticed.
    static func seedCommitment(roundHash: [UInt8], id: UInt32, seed: SecretBytes) -> [UInt8] {
        let hash = TaggedHash("fsot/sa1/bcommit")
        hash.append(roundHash)
        hash.append(id)
        hash.append(seed)
        return hash.digest()
    }

    /// H(y): the digest of a masked vector as little-endian words of 32 bits.
    static func vectorHash(_ words: [UInt32]) -> [UInt8] {
        let hash = TaggedHash("fsot/sa1/y")
        hash.append(words: words)
        return hash.digest()
    }

    /// The bytes that a signature of `leg` covers: `"fsot/sa1/R?" ‖ rh ‖ id ‖ parts`, all of fixed length.
    static func signedBytes(_ leg: Leg, roundHash: [UInt8], id: UInt32, _ parts: [UInt8]...) -> [UInt8] {
        var bytes = Array("fsot/sa1/R\(leg.rawValue)".utf8) + roundHash + id.littleEndianBytes
        for part in parts { bytes += part }
        return bytes
    }
}
