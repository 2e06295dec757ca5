import Foundation

extension AuditReport {
    /// Keeps the parts; the schema is the current one and the limits are those of the house.
    init(
        title: String,
        provenance: [RunFacts.Detail],
        suite: AttackSuite,
        attackExplanations: [RunFacts.Detail],
        verdict: Verdict,
        runs: [RunReport],
        comparisons: [RunComparison]
    ) {
        schema = Self.currentSchema
        self.title = title
        self.provenance = provenance
        self.suite = suite
        self.attackExplanations = attackExplanations
        self.verdict = verdict
        self.runs = runs
        self.comparisons = comparisons
        promised = Limits.promised
        notPromised = Limits.notPromised
        let vantages = runs.flatMap(\.vantages)
        notTested = Limits.notTested(
            Set(vantages.map(\.vantage)),
            hasShadows: vantages.flatMap(\.attacks).contains { AttackRegistry.referenceModels.contains($0.attack) },
            hasPositiveControl: !runs.isEmpty && runs.allSatisfy { $0.positiveControl != nil },
            hasCanaries: !runs.isEmpty && runs.allSatisfy { $0.canaries != nil }
        )
    }

    /// The JSON of the report: sorted keys, so that equal reports are equal files.
    ///
    /// - Throws: `EncodingError` when a figure is not finite.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Reads a `report.json`.
    ///
    /// - Throws: `AuditError.unreadableReport` for another schema or a damaged file.
    public init(json: Data) throws {
        struct Header: Decodable { var schema: String }
        let decoder = JSONDecoder()
        guard let header = try? decoder.decode(Header.self, from: json) else {
            throw AuditError.unreadableReport(reason: "it is not a report.json")
        }
        guard header.schema == Self.currentSchema else {
            throw AuditError.unreadableReport(
                reason: "its schema is \(header.schema) and this version reads \(Self.currentSchema)"
            )
        }
        do {
            self = try decoder.decode(AuditReport.self, from: json)
        } catch {
            throw AuditError.unreadableReport(reason: "a value is missing or has the wrong type")
        }
    }
}
