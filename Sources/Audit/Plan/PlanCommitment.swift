import Cryptography
import Foundation
import Training

/// `commitment.json`: what a data holder shows of its plan before round 1. Nothing in it is secret.
///
/// The root binds the holder to every record and coin; the openings that it shows with its scores later give the same root, or
/// something was changed since.
public struct PlanCommitment: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.commitment/1"

    /// ``currentSchema`` of the version that wrote it.
    public var schema: String
    /// The Merkle root (RFC 6962, SHA-256) over the openings, hexadecimal.
    public var root: String
    /// The data holders of the plan.
    public var holders: [String]
    /// Number of records, canaries included.
    public var records: Int
    /// Canaries among them; nil: none.
    public var canaries: Int?
    /// Number of coins.
    public var coins: Int
    /// The probability with which a coin holds out.
    public var holdout: Double
    /// Whether no record names a subject.
    public var isRecordLevel: Bool

    /// One record as it was committed to: with this, the root can be computed again.
    public struct Opening: Codable, Sendable, Equatable {
        /// Position of the record's holder in the plan.
        public var holder: Int
        /// Salted SHA-256 of the record, hexadecimal; the plan's salt stays with the holder.
        public var digest: String
        /// The record's coin.
        public var coin: Int
        /// What the coin decided.
        public var isIncluded: Bool
        /// What was planted; nil: a data holder's own record.
        public var canary: Canary?
        /// The leaf's own salt, hexadecimal: the root alone lets nobody test a guess.
        public var salt: String

        /// The leaf's content: salt ‖ digest ‖ holder ‖ coin ‖ included, numbers as four and one little-endian bytes; of a canary
        /// ‖ kind ‖ repetitions. Nil when something in it is not of its kind.
        var leaf: [UInt8]? {
            guard [UInt8].isDigest(salt), [UInt8].isDigest(digest), let salt = [UInt8](hexadecimal: salt),
                let digest = [UInt8](hexadecimal: digest), let holder = UInt32(exactly: holder),
                let coin = UInt32(exactly: coin)
            else { return nil }
            var planted: [UInt8] = []
            if let canary {
                guard let leaf = canary.leaf else { return nil }
                planted = leaf
            }
            return salt + digest + holder.littleEndianBytes + coin.littleEndianBytes + [isIncluded ? 1 : 0] + planted
        }

        /// The root over openings, hexadecimal; nil when one of them is damaged.
        static func root(of openings: [Opening]) -> String? {
            let leaves = openings.compactMap(\.leaf)
            return leaves.count == openings.count ? MerkleTree.root(of: leaves).hexadecimal : nil
        }
    }
}

extension DrawnPlan {
    /// The commitment inside the plan directory.
    public static let commitmentFile = "commitment.json"

    /// The records as leaves of the commitment, in the plan's order. Their salts follow from the plan's.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`, or `AuditError.damagedPlan` for a salt that is none.
    public func openings() throws -> [PlanCommitment.Opening] {
        let key = try secret("fsot/plan/leaf salts")
        return plan.records.enumerated().map { index, entry in
            PlanCommitment.Opening(
                holder: entry.holder,
                digest: entry.digest,
                coin: entry.coin,
                isIncluded: entry.isIncluded,
                canary: entry.canary,
                salt: HMACSHA256.code(for: UInt64(index).littleEndianBytes, key: key).hexadecimal
            )
        }
    }

    /// What the holder shows before round 1.
    ///
    /// - Throws: as ``openings()``.
    public func commitment() throws -> PlanCommitment {
        guard let root = PlanCommitment.Opening.root(of: try openings()) else {
            throw AuditError.damagedPlan(path: Self.planFile, reason: "a record's digest or coin is damaged")
        }
        return PlanCommitment(
            schema: PlanCommitment.currentSchema,
            root: root,
            holders: plan.holders.map(\.name),
            records: plan.records.count,
            canaries: plan.canaryCount == 0 ? nil : plan.canaryCount,
            coins: plan.coinCount,
            holdout: plan.heldOutShare,
            isRecordLevel: records.allSatisfy { $0.subject == nil }
        )
    }

    /// A key that follows from the plan's salt, one a purpose.
    func secret(_ purpose: String) throws -> SecretBytes {
        guard var salt = [UInt8](hexadecimal: plan.salt), !salt.isEmpty else {
            throw AuditError.damagedPlan(path: Self.planFile, reason: "its salt is not hexadecimal")
        }
        return try HKDFSHA256.derive(from: SecretBytes(wiping: &salt), info: Array(purpose.utf8))
    }
}
