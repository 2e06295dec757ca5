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
    ///   - seed: same files and seed, same coins.
    ///   - salt: secret bytes for the digests; fresh random ones unless given.
    /// - Throws: `AuditError.duplicateHolder`, `.planTooSmall`, `.oneSidedHolder`.
    public static func draw(files: [RecordFile], seed: UInt64, salt: [UInt8]? = nil) throws -> DrawnPlan {
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
        let isIncluded = (0..<groups.count).map { _ in generator.next() >> 63 == 1 }
        var random = SystemRandomNumberGenerator()
        let salt = salt ?? (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }

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
            salt: salt.hexadecimal,
            coinCount: groups.count,
            duplicateCount: groups.duplicates,
            holders: holders,
            records: entries,
            warnings: []
        )
        plan.warnings = plan.sizeWarnings
        return DrawnPlan(plan: plan, lines: lines, records: records)
    }

    /// The records as the audit takes them.
    public var auditedRecords: [AuditedRecord] {
        zip(plan.records, records).enumerated().map { index, pair in
            AuditedRecord(
                id: "\(plan.holders[pair.0.holder].name):\(pair.0.digest.prefix(12)):\(index)",
                holder: plan.holders[pair.0.holder].name,
                coin: pair.0.coin,
                isMember: pair.0.isIncluded,
                text: pair.1.fullText,
                answer: pair.1.answer
            )
        }
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
        let coins = records.reduce(into: (included: Set<Int>(), heldOut: Set<Int>())) {
            if $1.isIncluded { $0.included.insert($1.coin) } else { $0.heldOut.insert($1.coin) }
        }
        let smaller = min(coins.included.count, coins.heldOut.count)
        guard smaller < 100 else { return [] }
        let detectable = AUC.smallestDetectable(members: coins.included.count, heldOut: coins.heldOut.count)
        return [
            "Only \(coins.included.count) independent coins are included and \(coins.heldOut.count) held out: false-alarm "
                + "rates below \(Figure.percent(1 / Double(max(1, heldOutCount)))) cannot be measured, and an AUC below "
                + "\(Figure.decimal(detectable, 2)) cannot be told from chance."
        ]
    }
}
