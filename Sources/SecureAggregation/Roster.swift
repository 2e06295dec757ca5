import Cryptography

/// Who may take part: the coordinator's and every participant's Ed25519 key, agreed on before the first round.
///
/// A participant's id is its place in the roster, counted from 1. The roster's hash is part of every round header, so
/// the coordinator cannot slip in members of its own.
public struct Roster: Sendable, Equatable {
    /// The key that signs round headers and results, 32 bytes.
    public let coordinatorKey: [UInt8]
    /// The participants' keys, 32 bytes each; participant i has index i - 1.
    public let memberKeys: [[UInt8]]

    /// Checks lengths and that no key occurs twice.
    ///
    /// - Throws: `SecureAggregationError.invalidHeader`.
    public init(coordinatorKey: [UInt8], memberKeys: [[UInt8]]) throws {
        guard ([coordinatorKey] + memberKeys).allSatisfy({ $0.count == Ed25519.publicKeyLength }) else {
            throw SecureAggregationError.invalidHeader(field: "roster", reason: "a key does not have 32 bytes")
        }
        guard Set(memberKeys + [coordinatorKey]).count == memberKeys.count + 1 else {
            throw SecureAggregationError.invalidHeader(
                field: "roster",
                reason: "a key occurs twice; give every participant and the coordinator its own"
            )
        }
        self.coordinatorKey = coordinatorKey
        self.memberKeys = memberKeys
    }

    /// The ids 1 ... n.
    public var ids: [UInt32] { memberKeys.indices.map { UInt32($0 + 1) } }

    /// The key of a participant, or nil for an id outside the roster.
    public func key(of id: UInt32) -> [UInt8]? {
        id >= 1 && Int(id) <= memberKeys.count ? memberKeys[Int(id) - 1] : nil
    }

    /// `H("fsot/sa1/roster", coordinator, key 1, key 2 …)`.
    public var hash: [UInt8] {
        let hash = TaggedHash("fsot/sa1/roster")
        hash.append(coordinatorKey)
        for key in memberKeys { hash.append(key) }
        return hash.digest()
    }

    func isValid(_ signature: [UInt8], of message: [UInt8], by id: UInt32) -> Bool {
        key(of: id).map { Ed25519.isValid(signature, of: message, publicKey: $0) } ?? false
    }
}
