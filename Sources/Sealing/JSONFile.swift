import Foundation

/// Our small JSON files: sorted keys, a format name, a version, and nothing that the version does not know.
enum JSONFile {
    private struct Kind: Decodable {
        let format: String
        let version: Int
    }

    /// UTF-8, keys sorted, indented, ending in a line feed.
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(value) + [UInt8(ascii: "\n")]
    }

    /// Decodes version 1 of `format`.
    ///
    /// A key that the type does not know is refused at every level: it would be read by others, and not by us.
    ///
    /// - Throws: `SealingError.wrongKind`, `SealingError.malformed`, `SealingError.unknownVersion`.
    static func decode<Value: Codable>(
        _ type: Value.Type,
        from data: Data,
        format: String,
        what: String
    ) throws -> Value {
        let decoder = JSONDecoder()
        guard let kind = try? decoder.decode(Kind.self, from: data), kind.format == format else {
            throw SealingError.wrongKind(what: what, expected: "\(format) file")
        }
        guard kind.version == 1 else { throw SealingError.unknownVersion(what: what, version: kind.version) }
        let value: Value
        do {
            value = try decoder.decode(type, from: data)
        } catch {
            throw SealingError.malformed(what: what, reason: "a field is missing or of the wrong kind")
        }
        let again = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value)) as? NSDictionary
        let original = try JSONSerialization.jsonObject(with: data) as? NSDictionary
        guard let again, let original, again.isEqual(original) else {
            throw SealingError.malformed(what: what, reason: "it has a field that this version does not know")
        }
        return value
    }
}
