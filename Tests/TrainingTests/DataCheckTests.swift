import Foundation
import TensorEngine
import Testing
import Training

@Suite("Data check")
struct DataCheckTests {
    private func file(_ records: [Record], path: String = "a.jsonl") throws -> RecordFile {
        let encoder = JSONEncoder()
        let lines = try records.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        return try RecordFile.parse(
            Array(lines.joined(separator: "\n").utf8),
            path: path,
            emptyAnswers: .accepted
        )
    }

    @Test("counts, empty answers, tokens, truncation and the estimate")
    func counts() throws {
        let file = try file([
            Record(instruction: "abc", output: "defghi", category: "x", subject: "p"),
            Record(instruction: "abcdefghij", output: "k", category: "x", subject: "p"),
            Record(instruction: "a", output: "b", category: "y", subject: "q"), Record(instruction: "a", output: " "),
        ])
        let encoder = try RecordEncoder(tokenizer: ByteTokenizer(), template: .plain, maximumLength: 8)
        let model = ModelFootprint(parameters: 1000, trainable: 100, blocksKept: 2, hiddenSize: 4, feedForwardSize: 8)
        let check = try DataCheck.run(
            [file],
            encoder: encoder,
            speed: DataCheck.Speed(tokensPerSecond: 6, batchSize: 3, model: model)
        )
        let holder = check.holders[0]
        #expect(holder.records == 4 && holder.subjects == 2)
        #expect(holder.categories == ["x": 2, "y": 1])
        #expect(holder.emptyAnswers == [4])
        let tokens = try #require(holder.tokens)
        #expect(tokens.used == 8 + 4 && tokens.labelled == 4 + 2)
        #expect(tokens.longest == 13 && tokens.truncated == 2 && tokens.withoutLabels == 1)
        #expect(abs(tokens.mean - (11.0 + 13 + 4) / 3) < 1e-12)
        let estimate = try #require(holder.estimate)
        #expect(estimate.secondsPerEpoch == 2)
        #expect(estimate.peakBytes == 4 * (1000 + 300 + 24 * 2 * (32 + 24)))
        let stored = try JSONDecoder().decode(DataCheck.self, from: JSONEncoder().encode(check))
        #expect(stored == check)
    }

    @Test("exact and near duplicates, within and across holders")
    func duplicates() throws {
        let long = (1...30).map { "word\($0)" }.joined(separator: " ")
        let nearly = (1...29).map { "Word\($0)," }.joined(separator: "  ") + " other"
        let a = try file([Record(text: "same"), Record(text: "same"), Record(text: long), Record(text: "alone")])
        let b = try file([Record(text: nearly), Record(text: "alone"), Record(text: "short one")], path: "b.jsonl")
        let check = try DataCheck.run([a, b], encoder: nil)
        #expect(
            check.holders.map(\.duplicates) == [
                DuplicateCounts(exact: 1, exactAcrossHolders: 1, near: 1, overlappingAcrossHolders: 2),
                DuplicateCounts(exact: 0, exactAcrossHolders: 1, near: 1, overlappingAcrossHolders: 2),
            ]
        )
    }

    @Test(
        "likely identifiers are found by kind",
        arguments: [
            ("write to jane.doe+x@clinic.example.org today", IdentifierKind.email),
            ("call +41 44 123 45 67 now", .phone), ("call (555) 123-4567 now", .phone),
            ("pay to DE89 3704 0044 0532 0130 00 please", .iban), ("SSN 123-45-6789.", .socialSecurity),
            ("NHS no 943 476 5919", .nhsNumber), ("AHV 756.9217.0769.85", .ahvNumber),
            ("born on 12 March 1961 in", .dateOfBirth), ("DOB: 03/04/1985", .dateOfBirth),
            ("MRN: 00482913", .medicalRecord), ("seen by Dr. Keller today", .titledName),
        ]
    )
    func identifiers(text: String, kind: IdentifierKind) throws {
        let hits = try IdentifierScan().hits(in: text)
        #expect(hits.map(\.kind) == [kind])
        for hit in hits {
            #expect(hit.masked.allSatisfy { !$0.isNumber || $0 == "0" })
            #expect(hit.masked.allSatisfy { !$0.isLetter || $0 == "x" || $0 == "X" })
        }
    }

    @Test(
        "ordinary text has none",
        arguments: [
            "Natalia sold 48/2 = 24 clips in May, 1,234,567 in all.", "The year 1985 was good; version 1.2.3 came out.",
            "FR15 2004 1010 0505 0001 3M02 606 fails its check", "943 476 5918 fails its check", "a @ b and x@y",
            "Doctor who? Mr and Mrs", "666-12-3456",
        ]
    )
    func noIdentifiers(text: String) throws {
        #expect(try IdentifierScan().hits(in: text).isEmpty)
    }

    @Test("the result holds shapes, never the identifiers")
    func masking() throws {
        let check = try DataCheck.run(
            [try file([Record(text: "Mail jane@x.org or bob@y.org"), Record(text: "Mail jane@x.org")])],
            encoder: nil
        )
        let found = try #require(check.holders[0].identifiers[.email])
        #expect(found.count == 3 && found.records == 2)
        let json = String(decoding: try JSONEncoder().encode(check), as: UTF8.self)
        #expect(!json.contains("jane") && !json.contains("x.org"))
        #expect(found.examples.contains("xxxx@x.xxx"))
    }

    private static let dataRoot = ProcessInfo.processInfo.environment["FSOT_DATA"]

    @Test(
        "Dolly holds the repeats its card tells of (FSOT_DATA names the directory of data sets)",
        .enabled(if: dataRoot != nil, "set FSOT_DATA to the directory with dolly")
    )
    func dolly() throws {
        let root = try #require(Self.dataRoot)
        let file = try RecordFile.open("\(root)/dolly/databricks-dolly-15k.sorted.jsonl", emptyAnswers: .accepted)
        let holder = try DataCheck.run([file], encoder: nil).holders[0]
        #expect(holder.records == 15011)
        #expect(Set(file.records).count == 15003)
        // Seven more repeat a text under another category.
        #expect(holder.duplicates.exact == 15)
        #expect(holder.emptyAnswers.isEmpty)
    }
}
