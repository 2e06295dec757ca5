import Cryptography
import Foundation

/// `NAME.scores.json`: what a data holder hands to the auditor. Scores, coins and openings; no text, no tokens, nothing of
/// single tokens.
public struct ScoreExport: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentSchema = "fsot.scores/1"

    /// ``currentSchema`` of the version that wrote it.
    public var schema: String
    /// The data holders of the plan; most often one.
    public var holders: [String]
    /// The root that the plan's commitment showed, hexadecimal.
    public var root: String
    /// The probability with which a coin held out.
    public var holdout: Double
    /// Whether no record names a subject.
    public var isRecordLevel: Bool
    /// The suite as it was resolved.
    public var suite: AttackSuite
    /// SHA-256 of the emulator's weights, hexadecimal.
    public var emulatorDigest: String
    /// SHA-256 of the broadcast adapter's weights, hexadecimal.
    public var adapterDigest: String
    /// How records became text.
    public var template: String
    /// Tokens of the longest record.
    public var maximumLength: Int
    /// Parameters of the emulator.
    public var shippedParameters: Int
    /// Parameters of the full model, when its owner answered.
    public var fullParameters: Int?
    /// All records of the plan as they were committed to, in its order.
    public var openings: [PlanCommitment.Opening]
    /// Positions of the records that carry a scored token, canaries not among them; ascending.
    public var scored: [Int]
    /// `[scored]`, by the baseline that sees no model, which reads texts and so runs at the holder.
    public var blind: [Double]
    /// One entry a vantage point.
    public var vantages: [ScoredVantage]
    /// The plan's canaries; nil: it has none.
    public var canaries: Canaries?

    /// The scores of canaries.
    public struct Canaries: Codable, Sendable, Equatable {
        /// Positions of those that carry a scored token; ascending.
        public var scored: [Int]
        /// One entry a vantage point.
        public var vantages: [ScoredVantage]
    }

    /// Scores a holder's records.
    ///
    /// - Parameters:
    ///   - drawn: the holder's plan.
    ///   - views: what a peer sees of the plan's records, and what the rounds' sums give away where they were kept.
    ///   - models: what was scored.
    ///   - suite: the attacks.
    /// - Throws: `AuditError`, `CryptographyError.noSecretMemory`.
    public init(
        of drawn: DrawnPlan,
        views: [VantageObservations],
        models: ScoredModels,
        suite: AttackSuite
    ) throws {
        let commitment = try drawn.commitment()
        let records = drawn.auditedRecords
        let input = AuditInput(name: "", facts: RunFacts(), records: records, vantages: views)
        let run = try ScoredRun(input, suite: suite, attacks: suite.makeAttacks())
        schema = Self.currentSchema
        holders = commitment.holders
        root = commitment.root
        holdout = commitment.holdout
        isRecordLevel = commitment.isRecordLevel
        self.suite = suite
        emulatorDigest = models.emulatorDigest
        adapterDigest = models.adapterDigest
        template = models.template
        maximumLength = models.maximumLength
        shippedParameters = models.shippedParameters
        openings = try drawn.openings()
        let planted = Set(records.indices.filter { records[$0].canary != nil })
        scored = input.scorable.filter { !planted.contains($0) }
        blind = run.blind
        vantages = run.vantages
        canaries = run.canaries.map {
            Canaries(scored: input.scorable.filter(planted.contains), vantages: $0.vantages)
        }
    }

    /// Adds what the owner answered.
    ///
    /// - Parameters:
    ///   - query: the query as this plan and suite give it.
    ///   - path: the answer, for errors.
    /// - Throws: `AuditError.unusableExchange` when it is an answer to something else.
    public mutating func add(_ answer: ScoreAnswer, to query: ScoreQuery, path: String) throws {
        func refuse(_ reason: String, _ remedy: String) -> AuditError {
            .unusableExchange(path: path, reason: reason, remedy: remedy)
        }
        guard answer.queryDigest == (try query.digest()) else {
            throw refuse(
                "it answers another query: other records, suite, template or length",
                "ask again with fsot audit query and the same plan and suite"
            )
        }
        guard answer.adapterDigest == adapterDigest else {
            throw refuse(
                "the owner scored the adapter \(answer.adapterDigest.prefix(12))… and here it is \(adapterDigest.prefix(12))…",
                "ask the owner to answer with the adapter that this run broadcast"
            )
        }
        let asked = (scored + (canaries?.scored ?? [])).sorted()
        guard answer.scored == asked, answer.vantage.vantage == .owner else {
            throw refuse(
                "it scores \(answer.scored.count) records and the emulator \(asked.count)",
                "check that the owner's model is the one that the emulator was cut from"
            )
        }
        // The owner does not know which lines are canaries.
        let place = Dictionary(uniqueKeysWithValues: asked.enumerated().map { ($1, $0) })
        vantages.removeAll { $0.vantage == .owner }
        vantages.append(answer.vantage.restricted(to: scored.compactMap { place[$0] }))
        canaries?.vantages.removeAll { $0.vantage == .owner }
        if let positions = canaries?.scored.compactMap({ place[$0] }) {
            canaries?.vantages.append(answer.vantage.restricted(to: positions))
        }
        fullParameters = answer.fullParameters
    }

    /// The JSON: sorted keys, so that equal exports are equal files.
    ///
    /// - Throws: `EncodingError` when a score is not finite.
    public func json() throws -> Data { try ExchangeFile.encode(self) }
}

/// What was scored, in figures that all exports of one run share.
public struct ScoredModels: Sendable, Equatable {
    /// SHA-256 of the emulator's weights, hexadecimal.
    public var emulatorDigest: String
    /// SHA-256 of the broadcast adapter's weights, hexadecimal.
    public var adapterDigest: String
    /// How records became text.
    public var template: String
    /// Tokens of the longest record.
    public var maximumLength: Int
    /// Parameters of the emulator.
    public var shippedParameters: Int

    /// Keeps the values.
    public init(
        emulatorDigest: String,
        adapterDigest: String,
        template: String,
        maximumLength: Int,
        shippedParameters: Int
    ) {
        self.emulatorDigest = emulatorDigest
        self.adapterDigest = adapterDigest
        self.template = template
        self.maximumLength = maximumLength
        self.shippedParameters = shippedParameters
    }
}
