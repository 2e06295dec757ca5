import Foundation
import TensorEngine
import Testing
import Training

@Suite("Data split")
struct DataSplitTests {
    private static let dataRoot = ProcessInfo.processInfo.environment["FSOT_DATA"]

    private func records(_ counts: [String: Int], subjects: Int = 0) -> [Record] {
        let all = counts.sorted { $0.key < $1.key }.flatMap { name, count in
            (0..<count).map { Record(instruction: "\(name) \($0)", output: "a", category: name) }
        }
        guard subjects > 0 else { return all }
        return all.enumerated().map { index, record in
            var record = record
            record.subject = "s\(index % subjects)"
            return record
        }
    }

    private func expectPartition(_ parts: [SplitPart], of count: Int) {
        #expect(parts.flatMap(\.all).sorted() == Array(0..<count))
    }

    @Test("every method loses and repeats nothing, is deterministic, and fills every part")
    func partitions() throws {
        let records = records(["a": 40, "b": 25, "c": 7, "d": 3])
        for method in SplitMethod.allCases {
            for parts in [1, 2, 4] {
                for seed in 0..<5 as Range<UInt64> {
                    let request = SplitRequest(method: method, parts: parts, alpha: 0.1, seed: seed)
                    let split = try DataSplit.split(records, by: request)
                    #expect(split.count == parts)
                    #expect(split.allSatisfy { !$0.train.isEmpty })
                    expectPartition(split, of: records.count)
                    #expect(try DataSplit.split(records, by: request) == split)
                }
            }
        }
    }

    @Test("iid: equal parts, the first ones take the remainder")
    func iid() throws {
        let split = try DataSplit.split(records(["a": 11]), by: SplitRequest(method: .iid, parts: 4))
        #expect(split.map(\.all.count) == [3, 3, 3, 2])
        let other = try DataSplit.split(records(["a": 11]), by: SplitRequest(method: .iid, parts: 4, seed: 1))
        #expect(split != other)
    }

    @Test("meta: one category a part; surplus categories are merged, too few are an error")
    func meta() throws {
        let records = records(["a": 10, "b": 8, "c": 2, "d": 1])
        let four = try DataSplit.split(records, by: SplitRequest(method: .meta, parts: nil))
        #expect(four.map(\.name) == ["a", "b", "c", "d"])
        #expect(four.map(\.all.count) == [10, 8, 2, 1])
        let three = try DataSplit.split(records, by: SplitRequest(method: .meta, parts: 3))
        #expect(three.map(\.name) == ["a", "b", "c+d"])
        expectPartition(three, of: 21)
        #expect(throws: TrainingError.self) {
            try DataSplit.split(records, by: SplitRequest(method: .meta, parts: 5))
        }
        #expect(throws: TrainingError.self) {
            try DataSplit.split([Record(text: "x")], by: SplitRequest(method: .meta, parts: nil))
        }
    }

    @Test("lda: small alpha is skewed, large alpha is even")
    func lda() throws {
        let records = records(["a": 300, "b": 300, "c": 300])
        func skew(_ alpha: Double) throws -> Double {
            let split = try DataSplit.split(records, by: SplitRequest(method: .lda, parts: 3, alpha: alpha, seed: 2))
            return split.reduce(0) { worst, part in
                let inA = part.all.count { records[$0].category == "a" }
                return max(worst, abs(Double(inA) / Double(max(1, part.all.count)) - 1 / 3.0))
            }
        }
        #expect(try skew(0.05) > 0.3)
        #expect(try skew(1000) < 0.05)
        for alpha in [0, -1, Double.nan] {
            #expect(throws: TrainingError.self) {
                try DataSplit.split(records, by: SplitRequest(method: .lda, parts: 3, alpha: alpha))
            }
        }
    }

    @Test("Dirichlet draws: sum 1, mean 1/K, variance (K−1)/(K²(Kα+1)), down to tiny alpha")
    func dirichlet() {
        var generator = SeededGenerator(seed: 8)
        for alpha in [0.001, 0.5, 3] {
            let draws = (0..<4000).map { _ in
                DirichletSampler.proportions(alpha: alpha, parts: 3, using: &generator)
            }
            #expect(draws.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-9 && $0.allSatisfy { $0 >= 0 } })
            let first = draws.map { $0[0] }
            let mean = first.reduce(0, +) / 4000
            let variance = first.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
            #expect(abs(mean - 1 / 3.0) < 0.03)
            #expect(abs(variance / (2 / (9 * (3 * alpha + 1))) - 1) < 0.1)
        }
    }

    @Test("FederatedScope's cut: the check vector of splits_expected.json")
    func checkVector() {
        let brainstorming = [0.3527698529550077, 0.4389540445633443, 0.2082761024816479]
        let closedQA = [0.006102691718278032, 0.0004943757752017456, 0.9934029325065202]
        func counts(_ n: Int, _ shares: [Double]) -> [Int] {
            DataSplit.ldaCut((0..<n).map { [$0] }, proportions: shares).map(\.count)
        }
        #expect(counts(1766, brainstorming) == [622, 776, 368])
        #expect(counts(1773, closedQA) == [10, 1, 1762])
    }

    @Test("ratios cut as FS-LLM cuts; each part has its own sets")
    func ratios() throws {
        let gsm8k = try SplitRatios(train: 0.998, validation: 0.001, test: 0.001)
        #expect(gsm8k.counts(of: 7473) == (7458, 7, 8))
        #expect(gsm8k.counts(of: 2491) == (2486, 2, 3))
        #expect(try SplitRatios(train: 0.99, validation: 0, test: 0.01).counts(of: 15011) == (14860, 0, 151))
        #expect(try SplitRatios(train: 0.89, validation: 0.1, test: 0.01).counts(of: 7418) == (6602, 741, 75))
        #expect(SplitRatios.standard.counts(of: 1) == (1, 0, 0))
        #expect(throws: TrainingError.self) { try SplitRatios(train: 0.5, validation: 0, test: 0.2) }
        let ratios = try SplitRatios(train: 0.5, validation: 0.25, test: 0.25)
        let split = try DataSplit.split(
            records(["a": 40, "b": 20]),
            by: SplitRequest(method: .meta, parts: 2, ratios: ratios)
        )
        #expect(split.map { [$0.train.count, $0.validation.count, $0.test.count] } == [[20, 10, 10], [10, 5, 5]])
    }

    @Test("a subject never straddles train, validation and test, under any method")
    func subjects() throws {
        let records = records(["a": 60, "b": 60], subjects: 17)
        for method in SplitMethod.allCases {
            let split = try DataSplit.split(
                records,
                by: SplitRequest(
                    method: method,
                    parts: 2,
                    seed: 3,
                    ratios: SplitRatios(train: 0.6, validation: 0.2, test: 0.2)
                )
            )
            expectPartition(split, of: 120)
            func subjects(_ set: (SplitPart) -> [Int]) -> Set<String?> {
                Set(split.flatMap(set).map { records[$0].subject })
            }
            let (train, validation, test) = (subjects(\.train), subjects(\.validation), subjects(\.test))
            #expect(train.isDisjoint(with: validation) && train.isDisjoint(with: test))
            #expect(validation.isDisjoint(with: test))
            #expect(!test.isEmpty)
            if method != .meta {
                #expect(
                    Set(split[0].all.map { records[$0].subject }).isDisjoint(
                        with: split[1].all.map { records[$0].subject }
                    )
                )
            }
        }
    }

    @Test("parts are written byte for byte, with a manifest, and never over something else")
    func writing() throws {
        let lines = (0..<10).map { "{\"instruction\" : \"q\($0)\",\"output\":\"a\",\"category\":\"c\($0 % 2)\"}" }
        let file = try RecordFile.parse(Array(lines.joined(separator: "\n").utf8), path: "x.jsonl")
        let ratios = try SplitRatios(train: 0.8, validation: 0, test: 0.2)
        let request = SplitRequest(method: .meta, parts: 2, ratios: ratios)
        let parts = try DataSplit.split(file.records, by: request)
        let directory = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let manifest = try DataSplit.write(parts, of: file, request: request, to: directory)
        #expect(manifest.parts.map(\.categories) == [["c0": 5], ["c1": 5]])
        let written = try ["part-1/train", "part-1/test", "part-2/train", "part-2/test"].flatMap {
            try String(contentsOfFile: "\(directory)/\($0).jsonl", encoding: .utf8).split(separator: "\n").map(
                String.init
            )
        }
        #expect(written.sorted() == lines.sorted())
        #expect(!FileManager.default.fileExists(atPath: "\(directory)/part-1/val.jsonl"))
        let stored = try JSONDecoder().decode(
            SplitManifest.self,
            from: Data(contentsOf: URL(fileURLWithPath: "\(directory)/split.json"))
        )
        #expect(stored == manifest)
        #expect(throws: (any Error).self) { try DataSplit.write(parts, of: file, request: request, to: directory) }
    }

    @Test(
        "the paper's splits of the real sets (FSOT_DATA names their directory)",
        .enabled(if: dataRoot != nil, "set FSOT_DATA to the directory with gsm8k, dolly and rosetta-code9")
    )
    func realSets() throws {
        let root = try #require(Self.dataRoot)
        let gsm8k = try RecordFile.read("\(root)/gsm8k/train.jsonl")
        let fsRatios = try SplitRatios(train: 0.998, validation: 0.001, test: 0.001)
        let thirds = try DataSplit.split(gsm8k, by: SplitRequest(method: .iid, parts: 3, ratios: fsRatios))
        #expect(thirds.map(\.all.count) == [2491, 2491, 2491])
        #expect(thirds.map(\.train.count) == [2486, 2486, 2486])
        let dolly = try RecordFile.read("\(root)/dolly/databricks-dolly-15k.sorted.jsonl")
        let eight = try DataSplit.split(dolly, by: SplitRequest(method: .meta, parts: 8))
        #expect(eight.map(\.all.count) == [1766, 2136, 1773, 709, 2191, 1506, 3742, 1188])
        #expect(dolly.count { !($0.input ?? "").isEmpty } == 4467)
        let code = try RecordFile.read("\(root)/rosetta-code9/rosetta-code9.jsonl")
        let nine = try DataSplit.split(code, by: SplitRequest(method: .meta, parts: 9))
        #expect(
            Dictionary(uniqueKeysWithValues: nine.map { ($0.name, $0.all.count) }) == [
                "C": 1098, "C#": 226, "C++": 874, "Go": 1030, "Java": 1003, "PHP": 465, "Pascal": 361, "Python": 1467,
                "Scala": 894,
            ]
        )
    }
}
