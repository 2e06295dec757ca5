import Cryptography

/// The scored records in an order that every audit of the same records under the same coins finds by itself, whatever the salt
/// of its plan: cells of a sweep are made on several machines, and each draws its own.
///
/// Members come first, and either side goes by the SHA-256 of its records, so that a place says nothing to whoever knows the
/// files' order only.
struct RecordOrder: Sendable {
    /// Positions of the records, in this order.
    let positions: [Int]
    /// SHA-256 over all of it, hexadecimal: holders, texts, coins and sides of the records that were scored, and so also which
    /// were left out.
    let digest: String

    init(_ records: [AuditedRecord]) {
        let names = records.map { record in
            let hasher = SHA256()
            for part in [record.holder, record.text] {
                hasher.update(Array("\(part.utf8.count):".utf8) + Array(part.utf8))
            }
            return hasher.finalize().hexadecimal
        }
        positions = records.indices.sorted { a, b in
            (records[a].isMember ? 0 : 1, names[a], a) < (records[b].isMember ? 0 : 1, names[b], b)
        }
        let hasher = SHA256()
        for index in positions {
            hasher.update(Array("\(names[index]) \(records[index].coin) \(records[index].isMember)\n".utf8))
        }
        digest = hasher.finalize().hexadecimal
    }
}
