import Audit
import Foundation
import Progress
import Synchronization
import TensorEngine
import Testing

@Suite("An audit from observations to verdict")
struct AuditRunTests {
    private func suite(_ attacks: [String] = AttackRegistry.quick) -> AttackSuite {
        var suite = AttackSuite()
        suite.attacks = attacks
        suite.bootstrapReplicates = 100
        suite.permutations = 400
        suite.blind.buckets = 512
        return suite
    }

    private func run(_ runs: SyntheticRun..., suite: AttackSuite? = nil) throws -> AuditReport {
        try Audit.run(inputs: runs.map { $0.input() }, suite: suite ?? self.suite()).report
    }

    @Test("A leak is found, by the right attack, and exits with 2")
    func leakage() throws {
        let report = try run(SyntheticRun(leak: 0.7))
        #expect(report.verdict.outcome == .leakage && report.verdict.exitCode == 2)
        let peer = try #require(report.runs[0].vantages.first { $0.vantage == .peer })
        let owner = try #require(report.runs[0].vantages.first { $0.vantage == .owner })
        #expect(peer.strongest?.attack == "RATIO" || peer.strongest?.attack == "EZ")
        #expect((peer.strongest?.auc ?? 0) > 0.8)
        #expect((peer.strongest?.auc ?? 0) > (owner.strongest?.auc ?? 1), "the peer sees the stronger leak")
        #expect(peer.fit.memberPerplexityAfter < peer.fit.heldOutPerplexityAfter)
        let ratio = try #require(peer.attacks.first { $0.attack == "RATIO" })
        #expect((ratio.minusBlind?.interval.lower ?? 0) > 0.1)
        #expect(peer.nullControl.map(\.attack) == ["LOSS", "ZLIB", "MINK", "MINK++"])
        #expect(peer.nullControl.allSatisfy { abs($0.auc - 0.5) < 0.12 && $0.adjustedPValue > 0.01 })
        #expect(report.verdict.reasons.allSatisfy { !$0.lowercased().contains("private") })
    }

    @Test("Without a leak nothing is found: 0, and never 'private'")
    func noneFound() throws {
        let report = try run(SyntheticRun(leak: 0, recordsPerHolder: 120))
        #expect(report.verdict.outcome == .noneFound, "\(report.verdict)")
        #expect(report.verdict.exitCode == 0)
        #expect(!report.verdict.headline.lowercased().contains("private"))
    }

    @Test("False alarms are rare: of 24 runs without a leak, a few at most are accused of anything")
    func nullSize() throws {
        var accused = 0
        for seed in 100..<124 as Range<UInt64> {
            let report = try run(
                SyntheticRun(leak: 0, recordsPerHolder: 40, seed: seed),
                suite: suite(["LOSS", "RATIO", "EZ"])
            )
            if report.verdict.outcome == .leakage || report.verdict.outcome == .invalidSplit { accused += 1 }
        }
        #expect(accused <= 4, "\(accused) of 24")
    }

    @Test("Members that are recognisable without any model make the split not valid: 3")
    func telltale() throws {
        let report = try run(SyntheticRun(leak: 0.7, telltale: true))
        #expect(report.verdict.outcome == .invalidSplit && report.verdict.exitCode == 3)
        #expect(report.runs[0].blind.aucInterval.lower > 0.8)
        #expect(report.verdict.reasons.contains { $0.contains("no model") })
    }

    @Test("With a tenth held out, a leak and a broken split are found as well, and silence is no finding")
    func unequalSides() throws {
        let loud = try run(SyntheticRun(leak: 0.9, recordsPerHolder: 160, holdout: 0.1))
        #expect(loud.verdict.outcome == .leakage, "\(loud.verdict)")
        let broken = try run(SyntheticRun(leak: 0, recordsPerHolder: 160, telltale: true, holdout: 0.1))
        #expect(broken.verdict.outcome == .invalidSplit, "\(broken.runs[0].blind.aucInterval)")
        let quiet = try run(SyntheticRun(leak: 0, recordsPerHolder: 160, holdout: 0.1))
        #expect(quiet.verdict.outcome == .noneFound || quiet.verdict.outcome == .inconclusive, "\(quiet.verdict)")
        #expect(abs(quiet.runs[0].blind.auc - 0.5) < 0.15)
    }

    @Test("An attack that works on the untuned model makes the split not valid: 3")
    func contamination() throws {
        let report = try run(SyntheticRun(leak: 0, contamination: 0.8))
        #expect(report.verdict.outcome == .invalidSplit)
        #expect(report.verdict.reasons.contains { $0.contains("untuned") })
    }

    @Test("Few records without a finding are inconclusive: 4; a finding is a finding at any size")
    func inconclusive() throws {
        let quiet = try run(SyntheticRun(leak: 0, recordsPerHolder: 14, seed: 3))
        #expect(quiet.verdict.outcome == .inconclusive && quiet.verdict.exitCode == 4, "\(quiet.verdict)")
        let loud = try run(SyntheticRun(leak: 2, recordsPerHolder: 14, seed: 3))
        #expect(loud.verdict.outcome == .leakage, "\(loud.verdict)")
    }

    @Test("A tuned model that changed nothing is no evidence: 4, and constant attacks say so")
    func unchanged() throws {
        let report = try run(SyntheticRun(leak: 0, recordsPerHolder: 120, changes: false))
        #expect(report.verdict.outcome == .inconclusive, "\(report.verdict)")
        #expect(report.verdict.reasons.contains { $0.contains("nothing to find") })
        let ratio = try #require(report.runs[0].vantages[0].attacks.first { $0.attack == "RATIO" })
        #expect(ratio.isConstant && ratio.auc == 0.5)
    }

    @Test("Silence counts only where the positive control was heard", arguments: [0.0, 1.5])
    func positiveControl(leak: Double) throws {
        var input = SyntheticRun(leak: 0, recordsPerHolder: 120).input()
        let overfitted = SyntheticRun(leak: leak, recordsPerHolder: 120).input()
        let view = try #require(overfitted.vantages.first { $0.vantage == .peer })
        input.positiveControl = AuditInput.PositiveControl(description: "Ten times as long.", view: view)
        let report = try Audit.run(inputs: [input], suite: suite(["LOSS", "RATIO", "EZ"])).report
        let control = try #require(report.runs[0].positiveControl)
        #expect(control.attacks.map(\.attack) == ["LOSS", "RATIO", "EZ"])
        let auc = try #require(control.strongest).auc
        #expect(leak > 0 ? auc > 0.9 : auc < 0.65)
        #expect(report.verdict.outcome == (leak > 0 ? .noneFound : .inconclusive), "\(report.verdict)")
        #expect(!report.notTested.contains { $0.contains("positive control") })
        #expect(try AuditReport(json: report.json()) == report)
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains(leak > 0 ? "so silence above is evidence" : "so silence above says nothing"))
    }

    @Test("An attack's work is that of the evidence it needs, and stands beside its success")
    func work() throws {
        var input = SyntheticRun(leak: 0.5).input()
        input.facts.trainingOperations = 4e12
        input.vantages[0].cost = EvidenceCost(tuned: 1e12, more: [.reference: 2e12, .lowered: 5e12])
        let report = try Audit.run(inputs: [input], suite: suite(["LOSS", "RATIO", "LOWER"])).report
        #expect(report.runs[0].vantages[0].attacks.map(\.operations) == [1e12, 3e12, 6e12])
        #expect(report.runs[0].vantages[1].attacks.allSatisfy { $0.operations == nil })
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains("3.00\u{a0}TFLOP") && page.contains("0.75\u{a0}× the training"))
    }

    @Test("Runs on the same records are compared in pairs, and progress is told")
    func comparisons() throws {
        let tables = Mutex<[Int]>([])
        let inputs = [SyntheticRun(name: "a", leak: 0.9), SyntheticRun(name: "b", leak: 0.1)].map { $0.input() }
        let outcome = try Audit.run(inputs: inputs, suite: suite(["LOSS", "RATIO"])) { event in
            tables.withLock { $0.append(event.completed) }
        }
        let report = outcome.report
        let lines = outcome.scoresCSV.split(separator: "\n")
        #expect(lines.first == "run,vantage,attack,record,member,score")
        #expect(lines.count == 1 + 2 * 2 * 2 * inputs[0].records.count)
        #expect(report.comparisons.count == 4)
        let peer = try #require(report.comparisons.first { $0.attack == "RATIO" && $0.vantage == .peer })
        #expect(peer.difference.interval.lower > 0 && peer.adjustedPValue < 0.01)
        #expect(tables.withLock { $0 } == Array(0...10))
    }

    @Test("Records without a scored token are left out and counted")
    func leftOut() throws {
        var input = SyntheticRun(leak: 0.5).input()
        input.vantages[1].loweredReference?[3] = []
        input.vantages[0].tuned[9] = []
        input.vantages[0].reference[9] = []
        let report = try Audit.run(inputs: [input], suite: suite(["RATIO"])).report
        let counts = report.runs[0].counts
        #expect(counts.leftOut == 2 && counts.members + counts.heldOut == input.records.count - 2)
    }

    @Test("Lists that do not fit together are refused")
    func mismatches() throws {
        var input = SyntheticRun(leak: 0.5).input()
        input.vantages[0].tuned.removeLast()
        #expect(throws: AuditError.self) { try Audit.run(inputs: [input], suite: suite(["LOSS"])) }
        #expect(throws: AuditError.nothingToAudit) { try Audit.run(inputs: [], suite: suite()) }

        var shorter = SyntheticRun(leak: 0.5).input()
        shorter.vantages[0].tuned[4].removeLast()
        let error = #expect(throws: AuditError.self) { try Audit.run(inputs: [shorter], suite: suite(["LOSS"])) }
        #expect("\(try #require(error))".contains(shorter.records[4].id))
    }

    @Test("The collector keeps the tokens that carry loss, in record order, through batches")
    func collector() throws {
        let sequences = (0..<7).map { (record: Int32) -> ScoredSequence in
            let first = 10 * record
            let ids: [Int32] = [first, first + 1, first + 2, first + 3, first + 4]
            return ScoredSequence(ids: ids, labels: [-100, -100, first + 2, -100, first + 4])
        }
        let collector = ObservationCollector(sequences: sequences, lowered: nil, batchSize: 3)
        func token(_ id: Int32) -> TokenObservation {
            TokenObservation(logProbability: -Double(id), mean: 0, deviation: 1, isArgmax: false)
        }
        let scores = try collector.score(model: "m") { batch in batch.map { $0.ids.dropFirst().map(token) } }
        let expected = (0..<7).map { (record: Int) -> [Double] in [-Double(10 * record + 2), -Double(10 * record + 4)] }
        #expect(scores.plain.map { $0.map(\.logProbability) } == expected)
        #expect(throws: AuditError.mismatchedCounts(what: "token scores of m", expected: 4, found: 5)) {
            try collector.score(model: "m") { batch in batch.map { $0.ids.map(token) } }
        }
    }

    @Test("The blind baseline does not learn a subject from its other records")
    func blindFolds() {
        // Each subject has a word of its own; with folds by record, the word would give the coin away.
        let records = (0..<200).map { index in
            AuditedRecord(
                id: "\(index)",
                holder: "h",
                coin: index / 5,
                isMember: (index / 5) % 2 == 0,
                text: "note about subject\(index / 5) number \(index)",
                answer: ""
            )
        }
        var generator = SeededGenerator(seed: 1)
        let scores = BlindBaseline().scores(of: records, using: &generator)
        let sample = try? LabelledScores(
            scores: scores,
            isMember: records.map(\.isMember),
            clusters: records.map(\.coin)
        )
        #expect((sample.map { AUC.value(of: $0) } ?? 1) < 0.7)
    }
}
