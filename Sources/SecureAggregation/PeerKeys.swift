import Cryptography

/// What a participant shares with each peer in one round, in one piece of guarded memory: one Diffie-Hellman for the
/// masks and one for both directions of shares, done once in R1.
final class PeerKeys {
    private static let keyLength = 32
    private let places: [UInt32: Int]
    /// For each peer: key of the masks, key of shares to it, key of shares from it.
    private let keys: SecretBytes

    /// Derives everything.
    ///
    /// - Throws: `CryptographyError.lowOrderPublicKey` and other `CryptographyError`.
    init(_ round: SecureAggregationParticipant.Round, _ peers: [Advertisement]) throws {
        let me = round.advertisement
        places = Dictionary(uniqueKeysWithValues: peers.enumerated().map { ($0.element.id, $0.offset) })
        keys = try SecretBytes(count: 3 * Self.keyLength * peers.count) { target in
            for (place, peer) in peers.enumerated() {
                let shared = try X25519.sharedSecret(round.encryption.secretKey, with: peer.encryptionKey)
                let derived = [
                    try RoundDerivations.pairKey(
                        roundHash: round.hash,
                        secretKey: round.mask.secretKey,
                        me: me.id,
                        myPublicKey: me.maskKey,
                        other: peer.id,
                        otherPublicKey: peer.maskKey
                    ),
                    try Self.shareKey(round.hash, from: me, to: peer, shared),
                    try Self.shareKey(round.hash, from: peer, to: me, shared),
                ]
                for (kind, key) in derived.enumerated() {
                    let start = (3 * place + kind) * Self.keyLength
                    key.withUnsafeBytes { bytes in
                        UnsafeMutableRawBufferPointer(rebasing: target[start..<start + Self.keyLength])
                            .copyMemory(from: bytes)
                    }
                }
            }
        }
    }

    private static func shareKey(
        _ roundHash: [UInt8],
        from source: Advertisement,
        to destination: Advertisement,
        _ shared: SecretBytes
    ) throws -> SecretBytes {
        try RoundDerivations.shareKey(
            roundHash: roundHash,
            source: source.id,
            sourceKey: source.encryptionKey,
            destination: destination.id,
            destinationKey: destination.encryptionKey,
            shared: shared
        )
    }

    /// The key of the mask that both add, one with + and one with −.
    func mask(with peer: UInt32) throws -> SecretBytes { try key(0, peer) }

    /// The key of shares for a peer.
    func outgoing(to peer: UInt32) throws -> SecretBytes { try key(1, peer) }

    /// The key of shares from a peer.
    func incoming(from peer: UInt32) throws -> SecretBytes { try key(2, peer) }

    private func key(_ kind: Int, _ peer: UInt32) throws -> SecretBytes {
        guard let place = places[peer] else { throw CryptographyError.notAuthentic }
        let start = (3 * place + kind) * Self.keyLength
        return try keys.slice(start..<start + Self.keyLength)
    }
}
