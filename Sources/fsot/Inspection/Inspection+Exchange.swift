import Audit
import Checkpoints
import Foundation
import Sealing

extension Inspection {
    /// A JSON file that parties of an audit hand to one another; nil when its schema is none of theirs.
    ///
    /// - Parameters:
    ///   - data: its content, opened when it was sealed.
    ///   - path: for errors, and for a signature beside it.
    static func exchange(_ data: Data, at path: String) throws -> Inspection? {
        var result: Inspection
        switch ExchangeFile.schema(of: data) {
        case ScoreExport.currentSchema: result = scores(try ScoreExport(json: data, path: path))
        case ScoreQuery.currentSchema: result = query(try ScoreQuery(json: data, path: path))
        case ScoreAnswer.currentSchema: result = answer(try ScoreAnswer(json: data, path: path))
        case PlanCommitment.currentSchema:
            guard let commitment = try? JSONDecoder().decode(PlanCommitment.self, from: data) else {
                throw CommandFailure("\(path) is a damaged commitment; obtain it again from its data holder.")
            }
            result = self.commitment(commitment)
        default: return nil
        }
        try result.addSigner(of: path)
        return result
    }

    /// A file sealed with age, which may be a query, an answer, or anything else: what can be told without opening it.
    static func sealedFile(at path: String) throws -> Inspection {
        var result = Inspection("file sealed with age")
        let header = try InputFile.data(path).prefix(1 << 16).split(separator: UInt8(ascii: "\n")).prefix {
            !$0.starts(with: Data("---".utf8))
        }
        guard header.first.map({ $0.elementsEqual(Data("age-encryption.org/v1".utf8)) }) == true else {
            throw CommandFailure("\(path) is not sealed with age; check what it was copied from.")
        }
        result.add("recipients", header.count { $0.starts(with: Data("-> ".utf8)) }, key: "recipients")
        try result.addSigner(of: path)
        result.add("content", "sealed; --identity NAME.identity of a recipient shows it", key: "content", "sealed")
        return result
    }

    private mutating func addSigner(of path: String) throws {
        guard let signer = try SealedExchange.signer(of: path, among: []) else {
            return add("signature", "none", key: "signature", .null)
        }
        add(
            "signature",
            "valid, by \(signer.name); compare the certificate with the card",
            key: "signature",
            .string(signer.name)
        )
        add("certificate", signer.fingerprint, key: "certificate_sha256")
    }

    private static func scores(_ export: ScoreExport) -> Inspection {
        var result = Inspection("scores for fsot audit merge")
        result.addNames(export.holders)
        result.add("root", export.root, key: "root")
        let canaries = export.openings.count { $0.canary != nil }
        result.add("records", export.openings.count - canaries, key: "records")
        result.add("scored", export.scored.count, key: "scored")
        if canaries > 0 { result.add("canaries", canaries, key: "canaries") }
        result.add("held out", "\(export.holdout) of the coins", key: "holdout", .double(export.holdout))
        result.addReading(export.template, export.maximumLength)
        result.add("adapter, SHA-256", export.adapterDigest, key: "adapter_sha256")
        for view in export.vantages { result.addAttacks(view) }
        return result
    }

    private static func query(_ query: ScoreQuery) -> Inspection {
        var result = Inspection("query to the model's owner")
        result.addNames(query.holders)
        result.add("records", "\(query.lines.count), as text", key: "records", .int(query.lines.count))
        result.addReading(query.template, query.maximumLength)
        result.add("attacks", query.suite.attacks.joined(separator: ", "), key: "attacks")
        return result
    }

    private static func answer(_ answer: ScoreAnswer) -> Inspection {
        var result = Inspection("answer of the model's owner")
        result.add("scored", answer.scored.count, key: "scored")
        result.add(
            "full model",
            "\(Magnitude.text(answer.fullParameters)) parameters",
            key: "full_parameters",
            .int(answer.fullParameters)
        )
        result.add("adapter, SHA-256", answer.adapterDigest, key: "adapter_sha256")
        result.add("query, SHA-256", answer.queryDigest, key: "query_sha256")
        result.addAttacks(answer.vantage)
        return result
    }

    private static func commitment(_ commitment: PlanCommitment) -> Inspection {
        var result = Inspection("commitment of an audit plan")
        result.addNames(commitment.holders)
        result.add("root", commitment.root, key: "root")
        let canaries = commitment.canaries ?? 0
        result.add("records", commitment.records - canaries, key: "records")
        if canaries > 0 { result.add("canaries", canaries, key: "canaries") }
        result.add("coins", commitment.coins, key: "coins")
        result.add("held out", "\(commitment.holdout) of the coins", key: "holdout", .double(commitment.holdout))
        result.add(
            "about people",
            commitment.isRecordLevel ? "no: record-level only" : "yes: records name subjects",
            key: "record_level",
            .bool(commitment.isRecordLevel)
        )
        return result
    }

    private mutating func addNames(_ holders: [String]) {
        add("holders", holders.joined(separator: ", "), key: "holders", .array(holders.map { .string($0) }))
    }

    private mutating func addReading(_ template: String, _ maximumLength: Int) {
        add("template", template, key: "template")
        add("longest", "\(maximumLength) tokens", key: "maximum_length", .int(maximumLength))
    }

    private mutating func addAttacks(_ view: ScoredVantage) {
        let names = view.attacks.map(\.attack)
        add(
            view.vantage.rawValue,
            names.joined(separator: ", "),
            key: "attacks \(view.vantage.rawValue)",
            .array(names.map { .string($0) })
        )
    }
}
