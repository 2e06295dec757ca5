import Foundation

/// The JSON files that parties of an audit hand to one another: sorted keys, a schema, no number that is none.
public enum ExchangeFile {
    private struct Header: Decodable { var schema: String }

    /// The schema that a file names; nil for a file without one.
    public static func schema(of data: Data) -> String? {
        (try? JSONDecoder().decode(Header.self, from: data))?.schema
    }

    /// UTF-8, keys sorted, ending in a line feed.
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    /// Reads a file of one schema.
    ///
    /// - Parameters:
    ///   - path: for errors.
    ///   - maker: the command that writes such files, for errors.
    /// - Throws: `AuditError.unusableExchange`, or what reading a suite throws.
    static func decode<Value: Decodable>(
        _ type: Value.Type,
        from data: Data,
        schema: String,
        path: String,
        maker: String
    ) throws -> Value {
        let decoder = JSONDecoder()
        // Others write these as text; the checks then name the score.
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        guard let found = self.schema(of: data) else {
            throw AuditError.unusableExchange(
                path: path,
                reason: "it is not JSON with a schema",
                remedy: "give what \(maker) wrote"
            )
        }
        guard found == schema else {
            throw AuditError.unusableExchange(
                path: path,
                reason: "its schema is \(found) where \(schema) is needed",
                remedy: "give what \(maker) wrote"
            )
        }
        do {
            return try decoder.decode(type, from: data)
        } catch let error as AuditError {
            throw error
        } catch {
            throw AuditError.unusableExchange(
                path: path,
                reason: "a value is missing or of the wrong kind",
                remedy: "obtain it again from its sender"
            )
        }
    }
}

extension ScoreExport {
    /// Reads an export; ``check(path:)`` says whether it can be used.
    ///
    /// - Throws: `AuditError`.
    public init(json: Data, path: String) throws {
        self = try ExchangeFile.decode(
            ScoreExport.self,
            from: json,
            schema: Self.currentSchema,
            path: path,
            maker: "fsot audit score"
        )
    }
}
