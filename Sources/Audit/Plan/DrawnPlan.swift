import Cryptography
import Foundation
import ReportPages
import TensorEngine
import Training

/// A plan together with the records' lines, ready to be written or audited.
public struct DrawnPlan: Sendable {
    /// The plan.
    public let plan: AuditPlan
    /// The line of each record of the plan, without its line feed; a JSONL file's own bytes.
    public let lines: [Data]
    /// The records, parsed.
    public let records: [Record]

    init(plan: AuditPlan, lines: [Data], records: [Record]) {
        self.plan = plan
        self.lines = lines
        self.records = records
    }

    /// Flips the coins.
    ///
    /// - Parameters:
    ///   - files: one a data holder.
    ///   - seed: same files, seed and share, same coins.
    ///   - holdout: the probability with which a coin holds out, above 0 and below 1.
    ///   - salt: secret bytes for the digests; fresh random ones unless given.
    /// - Throws: `AuditError.outOfRange`, `.duplicateHolder`, `.planTooSmall`, `.oneSidedHolder`.
    public static func draw(
        files: [RecordFile],
        seed: UInt64,
        holdout: Double = AuditPlan.defaultHoldout,
        salt: [UInt8]? = nil
    ) throws -> DrawnPlan {
        guard holdout > 0, holdout < 1 else {
            throw AuditError.outOfRange(
                parameter: "share held out (--holdout)",
                value: "\(holdout)",
                range: "above 0 and below 1"
            )
        }
        let names = HolderNames.of(files.map(\.path))
        if let name = HolderNames.firstDuplicate(in: names) { throw AuditError.duplicateHolder(name: name) }
        let records = files.flatMap(\.records)
        let lines = try files.flatMap { file in try file.records.indices.map { try line(of: $0, in: file) } }
        let groups = CoinGroups(records)
        if groups.count < AuditPlan.minimumCoins {
            throw AuditError.planTooSmall(
                records: records.count,
                coins: groups.count,
                minimum: AuditPlan.minimumCoins
            )
        }
        var generator = SeededGenerator(seed: seed).derive("inclusion coins")
        let isIncluded = (0..<groups.count).map { _ in Double(generator.next() >> 11) * 0x1p-53 >= holdout }
        let salt = salt ?? SecureRandom.bytes(16)

        var entries: [AuditPlan.Entry] = []
        var holders: [AuditPlan.Holder] = []
        for (holder, file) in files.enumerated() {
            let start = entries.count
            for index in start..<start + file.records.count {
                entries.append(
                    AuditPlan.Entry(
                        holder: holder,
                        digest: digest(of: lines[index], salt: salt),
                        coin: groups.coins[index],
                        isIncluded: isIncluded[groups.coins[index]]
                    )
                )
            }
            let included = entries[start...].count { $0.isIncluded }
            let name = names[holder]
            if included == 0 || included == file.records.count { throw AuditError.oneSidedHolder(name: name) }
            holders.append(
                AuditPlan.Holder(
                    name: name,
                    file: (file.path as NSString).lastPathComponent,
                    records: file.records.count,
                    included: included,
                    isVerbatim: !file.isCSV
                )
            )
        }
        var plan = AuditPlan(
            schema: AuditPlan.currentSchema,
            seed: seed,
            holdout: holdout,
            salt: salt.hexadecimal,
            coinCount: groups.count,
            duplicateCount: groups.duplicates,
            holders: holders,
            records: entries,
            warnings: [],
            isRecordLevel: records.allSatisfy { $0.subject == nil }
        )
        plan.warnings = plan.sizeWarnings
        return DrawnPlan(plan: plan, lines: lines, records: records)
    }

    /// The records as the audit takes them.
    public var auditedRecords: [AuditedRecord] {
        zip(plan.records, records).enumerated().map { index, pair in
            AuditedRecord(
                id: Self.recordID(holder: plan.holders[pair.0.holder].name, digest: pair.0.digest, index: index),
                holder: plan.holders[pair.0.holder].name,
                coin: pair.0.coin,
                isMember: pair.0.isIncluded,
                text: pair.1.fullText,
                answer: pair.1.answer,
                canary: pair.0.canary
            )
        }
    }

    /// The record's name: the holder finds the record by it, others learn nothing from it.
    static func recordID(holder: String, digest: String, index: Int) -> String {
        "\(holder):\(digest.prefix(12)):\(index)"
    }

    static func digest(of line: Data, salt: [UInt8]) -> String {
        let hasher = SHA256()
        hasher.update(salt)
        hasher.update([UInt8](line))
        return hasher.finalize().hexadecimal
    }

    private static func line(of index: Int, in file: RecordFile) throws -> Data {
        if !file.isCSV { return file.source(of: index) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(file.records[index])
    }
}

extension AuditPlan {
    /// What these counts are too few for.
    var sizeWarnings: [String] {
        let coins = coinCounts
        guard min(coins.included, coins.heldOut) < 100 else { return [] }
        return [
            "Only \(coins.included) independent coins are included and \(coins.heldOut) held out: false-alarm "
                + "rates below \(Figure.percent(1 / Double(max(1, heldOutCount)))) cannot be measured, and an AUC below "
                + "\(Figure.decimal(smallestDetectableAUC, 2)) cannot be told from chance."
        ]
    }
}
