import Audit
import Foundation
import Testing
import Training

/// Who trains on what among the shadows.
struct ShadowCoinsTests {
    private static let holders = (0..<90).map { ["a", "b", "c"][$0 / 30] }
    /// Two records a coin.
    private static let ties = (0..<90).map { $0 / 2 }

    @Test func everyRecordIsInHalfOfTheShadowsAndTiesHold() throws {
        let coins = try ShadowCoins(ties: Self.ties, holders: Self.holders, shadows: 6, seed: 3)
        #expect(coins.isIncluded.count == 6)
        for record in Self.ties.indices {
            #expect(coins.isIncluded.count { $0[record] } == 3)
            let partner = record ^ 1
            #expect(coins.isIncluded.allSatisfy { $0[record] == $0[partner] })
        }
        for pair in 0..<3 { #expect(coins.isIncluded[2 * pair] == coins.isIncluded[2 * pair + 1].map { !$0 }) }
        for row in coins.isIncluded {
            for holder in ["a", "b", "c"] {
                let own = row.indices.count { row[$0] && Self.holders[$0] == holder }
                #expect((14...16).contains(own), "\(holder): \(own) of 30")
            }
        }
        #expect(Set(coins.isIncluded).count == 6, "no two shadows train on the same records")
    }

    @Test func theSeedDecides() throws {
        func draw(_ seed: UInt64) throws -> ShadowCoins {
            try ShadowCoins(ties: Self.ties, holders: Self.holders, shadows: 4, seed: seed)
        }
        #expect(try draw(1) == draw(1))
        #expect(try draw(1) != draw(2))
    }

    /// The coins of a plan drawn from the same seed are no better than chance at telling a shadow's.
    @Test func thePlansCoinsAreNoHelp() throws {
        let records = (0..<2000).map { #"{"instruction":"Question \#($0)?","output":"Answer \#($0)."}"# }
        let path = FileManager.default.temporaryDirectory.path + "/fsot-shadow-coins-\(UUID().uuidString).jsonl"
        try records.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let drawn = try DrawnPlan.draw(files: [RecordFile.open(path)], seed: 5)
        let coins = try ShadowCoins(
            ties: drawn.plan.records.map(\.coin),
            holders: drawn.auditedRecords.map(\.holder),
            shadows: 4,
            seed: 5
        )
        for row in coins.isIncluded {
            let agreeing = zip(row, drawn.plan.records).count { $0 == $1.isIncluded }
            // 2000 fair coins agree 1000 ± 22 times.
            #expect(abs(agreeing - 1000) < 100, "\(agreeing) of 2000")
        }
    }

    @Test func tooFewAreRefused() {
        for count in [0, 2, 5] {
            #expect(throws: AuditError.self) {
                try ShadowCoins(ties: Self.ties, holders: Self.holders, shadows: count, seed: 1)
            }
        }
        #expect(throws: AuditError.oneSidedHolder(name: "b")) {
            try ShadowCoins(ties: [0, 1, 2, 3], holders: ["a", "a", "a", "b"], shadows: 4, seed: 1)
        }
    }

    @Test func scoresBecomeEvidence() throws {
        func shadow(_ number: Int, _ isIncluded: [Bool], _ value: Double) -> ShadowScores {
            ShadowScores(
                shadow: number,
                isIncluded: isIncluded,
                logLikelihoods: [-value, nil],
                population: [-2 * value, number == 0 ? nil : -1],
                trainingOperations: 1,
                scoringOperations: 1
            )
        }
        let all = [shadow(0, [true, false], 1), shadow(1, [false, true], 2)]
        let evidence = all.evidence(tunedPopulation: [-3, -4])
        #expect(evidence.count == 2)
        #expect(evidence[0].inside == [-1] && evidence[0].outside == [-2])
        // A record that one of the models could not score is no z.
        #expect(evidence[0].population == ShadowPopulation(tuned: [-3], shadows: [[-2, -4]]))
        #expect(all.evidence(tunedPopulation: nil)[1].population == nil)
    }
}
