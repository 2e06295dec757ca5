import AtomicFiles
import Cryptography
import Foundation
import Training

extension DrawnPlan {
    /// The plan itself, inside the plan directory.
    public static let planFile = "plan.json"

    /// The file of one holder's records to train on, inside the plan directory.
    public static func includedFile(of holder: String) -> String { "included/\(holder).jsonl" }

    /// The file of one holder's records that training must never see, inside the plan directory.
    public static func heldOutFile(of holder: String) -> String { "heldout/\(holder).jsonl" }

    /// Writes `plan.json`, `commitment.json`, `included/HOLDER.jsonl` and `heldout/HOLDER.jsonl`, all or nothing. An included
    /// canary stands in its file as often as it is repeated.
    ///
    /// The directory holds the private records and the salt: it is the auditor's, to be kept like the records themselves.
    ///
    /// - Throws: `AtomicFileError`, also when the directory exists and is not empty.
    public func write(to directory: String) throws {
        let staged = try StagedDirectory(destination: directory)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        for folder in ["included", "heldout"] {
            try FileManager.default.createDirectory(
                atPath: "\(staged.path)/\(folder)",
                withIntermediateDirectories: true
            )
        }
        for (index, holder) in plan.holders.enumerated() {
            try AtomicFile.write(
                part(of: index, included: true),
                to: "\(staged.path)/\(Self.includedFile(of: holder.name))"
            )
            try AtomicFile.write(
                part(of: index, included: false),
                to: "\(staged.path)/\(Self.heldOutFile(of: holder.name))"
            )
        }
        try AtomicFile.write(encoder.encode(plan) + Data("\n".utf8), to: "\(staged.path)/\(Self.planFile)")
        try AtomicFile.write(
            encoder.encode(commitment()) + Data("\n".utf8),
            to: "\(staged.path)/\(Self.commitmentFile)"
        )
        try staged.commit()
    }

    /// Reads a plan directory and checks every record against its digest.
    ///
    /// - Throws: `AuditError.damagedPlan` when anything is missing or was changed; `TrainingError` for a broken line.
    public static func load(from directory: String) throws -> DrawnPlan {
        func damaged(_ reason: String) -> AuditError { .damagedPlan(path: directory, reason: reason) }
        let url = URL(fileURLWithPath: "\(directory)/\(planFile)")
        guard let data = try? Data(contentsOf: url) else { throw damaged("\(planFile) is missing") }
        guard let plan = try? JSONDecoder().decode(AuditPlan.self, from: data) else {
            throw damaged("\(planFile) is not a plan")
        }
        guard plan.schema == AuditPlan.currentSchema else {
            throw damaged("its schema is \(plan.schema) and this version reads \(AuditPlan.currentSchema)")
        }
        guard let salt = [UInt8](hexadecimal: plan.salt) else { throw damaged("its salt is not hexadecimal") }
        guard plan.records.allSatisfy({ plan.holders.indices.contains($0.holder) }) else {
            throw damaged("a record names a holder that is not there")
        }
        var parts: [Bool: [Part]] = [:]
        for isIncluded in [true, false] {
            parts[isIncluded] = try plan.holders.map { holder in
                let name = isIncluded ? includedFile(of: holder.name) : heldOutFile(of: holder.name)
                guard FileManager.default.fileExists(atPath: "\(directory)/\(name)") else {
                    throw damaged("\(name) is missing")
                }
                return Part(name: name, file: try RecordFile.open("\(directory)/\(name)"))
            }
        }
        var lines: [Data] = []
        var records: [Record] = []
        for entry in plan.records {
            let name = plan.holders[entry.holder].name
            guard (1...CanaryRequest.mostRepetitions).contains(entry.copies) else {
                throw damaged("a canary of \(name) occurs \(entry.copies) times")
            }
            for copy in 0..<entry.copies {
                guard let next = parts[entry.isIncluded]?[entry.holder].next() else {
                    throw damaged("\(name) has fewer records than were drawn")
                }
                guard digest(of: next.line, salt: salt) == entry.digest else {
                    throw damaged(
                        "a \(entry.canary == nil ? "record" : "canary") of \(name) differs from the one that was drawn"
                    )
                }
                guard copy == 0 else { continue }
                lines.append(next.line)
                records.append(next.record)
            }
        }
        for part in parts.values.joined() where !part.isExhausted {
            throw damaged("\(part.name) has more records than were drawn")
        }
        let drawn = DrawnPlan(plan: plan, lines: lines, records: records)
        // Plans of before commitments have none.
        if let shown = FileManager.default.contents(atPath: "\(directory)/\(commitmentFile)") {
            guard let shown = try? JSONDecoder().decode(PlanCommitment.self, from: shown),
                shown == (try drawn.commitment())
            else { throw damaged("\(commitmentFile) does not follow from \(planFile)") }
        }
        return drawn
    }

    private func part(of holder: Int, included: Bool) -> Data {
        var data = Data()
        for (entry, line) in zip(plan.records, lines) where entry.holder == holder && entry.isIncluded == included {
            for _ in 0..<entry.copies {
                data.append(line)
                data.append(UInt8(ascii: "\n"))
            }
        }
        return data
    }

    private final class Part {
        let name: String
        private let file: RecordFile
        private var position = 0

        init(name: String, file: RecordFile) {
            self.name = name
            self.file = file
        }

        var isExhausted: Bool { position == file.records.count }

        func next() -> (line: Data, record: Record)? {
            guard position < file.records.count else { return nil }
            defer { position += 1 }
            return (file.source(of: position), file.records[position])
        }
    }
}
