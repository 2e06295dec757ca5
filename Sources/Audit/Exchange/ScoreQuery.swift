import Cryptography
import Foundation
import Training

/// What a data holder asks the model's owner: score these records on the model that only the owner has.
///
/// The records' text is in it, for there is no scoring without; which of them were trained on is not. It is sealed to the owner.
public struct ScoreQuery: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.query/1"

    /// ``currentSchema`` of the version that wrote it.
    public var schema: String
    /// The data holders of the plan.
    public var holders: [String]
    /// A secret of the plan's, hexadecimal: the digest in the owner's log lets nobody test a guess.
    public var nonce: String
    /// The attacks, with their parameters.
    public var suite: AttackSuite
    /// How records become text.
    public var template: String
    /// Tokens of the longest record.
    public var maximumLength: Int
    /// The records, one JSON object a line, in the order of the holder's file and so without regard to their coins.
    public var lines: [String]

    /// Asks about all records of a plan. The same plan and settings give the same query.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`, `AuditError.damagedPlan`.
    public init(of drawn: DrawnPlan, suite: AttackSuite, template: String, maximumLength: Int) throws {
        schema = Self.currentSchema
        holders = drawn.plan.holders.map(\.name)
        nonce = HMACSHA256.code(for: [], key: try drawn.secret("fsot/query")).hexadecimal
        self.suite = suite
        self.template = template
        self.maximumLength = maximumLength
        lines = drawn.lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads a query.
    ///
    /// - Throws: `AuditError`.
    public init(json: Data, path: String) throws {
        self = try ExchangeFile.decode(
            ScoreQuery.self,
            from: json,
            schema: Self.currentSchema,
            path: path,
            maker: "fsot audit query"
        )
    }

    /// The JSON: sorted keys.
    public func json() throws -> Data { try ExchangeFile.encode(self) }

    /// SHA-256 of the JSON, hexadecimal.
    public func digest() throws -> String { SHA256.digest([UInt8](try json())).hexadecimal }

    /// The records, parsed.
    ///
    /// - Parameter path: for errors.
    /// - Throws: `TrainingError`.
    public func records(path: String) throws -> [Record] {
        try RecordFile.parse(Array(lines.joined(separator: "\n").utf8), path: path, isCSV: false).records
    }
}

/// What the owner answers: scores of the plugged-in model against the plain one, and nothing of single tokens, from which the
/// model itself could be distilled. It is sealed to the holder.
public struct ScoreAnswer: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.answer/1"

    /// ``currentSchema`` of the version that wrote it.
    public var schema: String
    /// SHA-256 of the query, hexadecimal.
    public var queryDigest: String
    /// SHA-256 of the adapter's weights as they were plugged in, hexadecimal.
    public var adapterDigest: String
    /// Parameters of the full model.
    public var fullParameters: Int
    /// Positions of the records that carry a scored token; ascending.
    public var scored: [Int]
    /// The scores, of these records.
    public var vantage: ScoredVantage

    /// Scores a query's records.
    ///
    /// - Parameters:
    ///   - query: the query.
    ///   - records: its records, parsed.
    ///   - view: what the owner sees of them.
    ///   - adapterDigest: of the adapter's weights.
    ///   - fullParameters: of the owner's model.
    /// - Throws: `AuditError`.
    public init(
        to query: ScoreQuery,
        records: [Record],
        owner view: VantageObservations,
        adapterDigest: String,
        fullParameters: Int
    ) throws {
        // The owner does not know the coins, and no attack reads them.
        let audited = records.enumerated().map { index, record in
            AuditedRecord(
                id: "\(index + 1)",
                holder: "",
                coin: index,
                isMember: false,
                text: record.fullText,
                answer: record.answer
            )
        }
        let scored = AuditInput(name: "", facts: RunFacts(), records: audited, vantages: [view]).scorable
        schema = Self.currentSchema
        queryDigest = try query.digest()
        self.adapterDigest = adapterDigest
        self.fullParameters = fullParameters
        self.scored = scored
        vantage = try ScoredVantage(view, of: audited, at: scored, attacks: query.suite.makeAttacks())
    }

    /// Reads an answer.
    ///
    /// - Throws: `AuditError`.
    public init(json: Data, path: String) throws {
        self = try ExchangeFile.decode(
            ScoreAnswer.self,
            from: json,
            schema: Self.currentSchema,
            path: path,
            maker: "fsot audit answer"
        )
    }

    /// The JSON: sorted keys.
    public func json() throws -> Data { try ExchangeFile.encode(self) }
}
