/// Merkle tree hashes of RFC 6962 (section 2.1) with SHA-256: one root commits to a list, its order and its length.
///
/// Leaves and nodes are hashed under different first bytes, so that no node passes for a leaf.
public enum MerkleTree {
    /// The hash of a leaf: SHA-256(0x00 ‖ content).
    public static func leafHash(_ content: [UInt8]) -> [UInt8] {
        let hasher = SHA256()
        hasher.update([0x00])
        hasher.update(content)
        return hasher.finalize()
    }

    /// The root over the contents of leaves, 32 bytes; SHA-256 of nothing for an empty list.
    public static func root(of leaves: [[UInt8]]) -> [UInt8] {
        leaves.isEmpty ? SHA256.digest([]) : root(ofHashes: leaves.map(leafHash)[...])
    }

    /// `hashes` is not empty.
    private static func root(ofHashes hashes: ArraySlice<[UInt8]>) -> [UInt8] {
        if hashes.count == 1 { return hashes[hashes.startIndex] }
        // RFC 6962 splits at the largest power of two below the count, so that a list that grows keeps its old subtrees.
        let split = hashes.startIndex + (1 << (Int.bitWidth - (hashes.count - 1).leadingZeroBitCount - 1))
        let hasher = SHA256()
        hasher.update([0x01])
        hasher.update(root(ofHashes: hashes[..<split]))
        hasher.update(root(ofHashes: hashes[split...]))
        return hasher.finalize()
    }
}
