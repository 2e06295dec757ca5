import Audit
import LanguageModels
import TensorEngine
import TestSupport
import Testing

/// The texts that NEIGHBOUR and SAMIA draw, and what the attacks make of them.
@Suite("Attacks by texts that are drawn")
struct DrawnTextTests {
    private static let ids: [Int32] = [184, 253, 233, 125, 7, 145, 40, 41, 42, 43, 44, 99]
    /// The first four carry no loss, as a prompt's.
    private static let labels = ids.enumerated().map { $0 < 4 ? -100 : $1 }

    private func observation(neighbours: [Double]? = nil, continuations: [ContinuationOverlap]? = nil)
        -> RecordObservation
    {
        let tokens = [-1.0, -3].map { TokenObservation(logProbability: $0, mean: -1, deviation: 1, isArgmax: false) }
        return RecordObservation(
            record: AuditedRecord(id: "r", holder: "h", coin: 0, isMember: true, text: "", answer: ""),
            tuned: tokens,
            reference: tokens,
            neighbours: neighbours,
            continuations: continuations
        )
    }

    @Test("Variants replace so many scored tokens by likely others, and follow from their seed")
    func variants() throws {
        let model = try Golden.committedModel("llama")
        var settings = AttackSuite.Neighbours()
        settings.count = 12
        settings.candidates = 3
        let record = ScoredSequence(ids: Self.ids, labels: Self.labels)
        let silent = ScoredSequence(ids: Self.ids, labels: Self.ids.map { _ in -100 })
        let texts = NeighbourTexts(settings, seed: 1)
        let drawn = try texts.draw(of: [record, silent], by: model)
        #expect(drawn.map(\.count) == [12, 0])
        let positions = Array(4..<Self.ids.count)
        let likely = try model.likeliestTokens(in: Self.ids, at: positions, count: 4)
        for variant in drawn[0] {
            #expect(variant.carriesLoss == record.carriesLoss)
            let changed = Self.ids.indices.filter { variant.ids[$0] != Self.ids[$0] }
            // 30 % of eight.
            #expect(changed.count == 2 && changed.allSatisfy { $0 >= 4 })
            for index in changed { #expect(likely[index - 4].map(\.id).contains(variant.ids[index])) }
        }
        #expect(Set(drawn[0].map(\.ids)).count > 6)
        #expect(try texts.draw(of: [record], by: model)[0] == drawn[0])
        #expect(try NeighbourTexts(settings, seed: 2).draw(of: [record], by: model)[0] != drawn[0])
    }

    @Test("NEIGHBOUR subtracts the variants' mean")
    func neighbour() throws {
        #expect(try NeighbourAttack().scores(of: [observation(neighbours: [-4, -5])]) == [2.5])
        for missing in [nil, []] as [[Double]?] {
            #expect(throws: AuditError.unusableObservation(record: "r", reason: "no variant of it was scored")) {
                try NeighbourAttack().scores(of: [observation(neighbours: missing)])
            }
        }
    }

    @Test("A record is cut in the middle of what carries loss")
    func halves() throws {
        let record = ScoredSequence(ids: Self.ids, labels: Self.labels)
        let halves = try #require(ContinuationOverlaps.halves(of: record))
        #expect(halves.prefix == Array(Self.ids[..<8]) && halves.rest == Array(Self.ids[8...]))
        let silent = ScoredSequence(ids: Self.ids, labels: Self.ids.map { _ in -100 })
        #expect(ContinuationOverlaps.halves(of: silent) == nil)
        let single = ScoredSequence(ids: [5, 6], labels: [5, 6])
        let short = try #require(ContinuationOverlaps.halves(of: single))
        #expect(short.prefix == [5] && short.rest == [6])
    }

    @Test("What the model would write anyway overlaps whole, anything else in part or not at all")
    func overlaps() throws {
        let model = try Golden.committedModel("llama")
        let prompt = Array(Self.ids.prefix(6))
        let written = try model.generate(prompt, maximumTokens: 6)
        var settings = AttackSuite.Continuations()
        settings.samples = 3
        settings.temperature = 1e-4
        func measure(_ answer: [Int32], ngram: Int = 1, stopIDs: Set<Int32> = []) throws -> [ContinuationOverlap] {
            settings.ngram = ngram
            // The first half of the answer is what the model is given.
            let ids = prompt + answer
            let labels = ids.indices.map { $0 < prompt.count ? -100 : ids[$0] }
            return try ContinuationOverlaps(settings, seed: 1, stopIDs: stopIDs) { ids in
                ids.map { "\($0)" }.joined(separator: " ")
            }.measure([ScoredSequence(ids: ids, labels: labels)], by: model)[0]
        }
        for ngram in [1, 2] {
            let whole = try measure(written, ngram: ngram)
            #expect(whole.count == 3 && whole.allSatisfy { $0.recall == 1 && $0.compressedBytes > 8 })
        }
        // The last token is another one: two of three tokens, one of two pairs.
        let missing = Int32((0..<256).first { !written.contains(Int32($0)) } ?? 0)
        let other = Array(written.dropLast()) + [missing]
        #expect(try measure(other).allSatisfy { abs($0.recall - 2.0 / 3) < 1e-12 })
        #expect(try measure(other, ngram: 2).allSatisfy { $0.recall == 0.5 })
        // A text that ends at once holds nothing of the record.
        #expect(try measure(written, stopIDs: [written[3]]).allSatisfy { $0.recall == 0 })
    }

    @Test("SAMIA takes the mean overlap, by compressed bytes where asked for")
    func samia() throws {
        let drawn = [
            ContinuationOverlap(recall: 0.5, compressedBytes: 20), ContinuationOverlap(recall: 0, compressedBytes: 90),
        ]
        #expect(try SamiaAttack().scores(of: [observation(continuations: drawn)]) == [0.25])
        #expect(try SamiaAttack(weightsByZlib: true).scores(of: [observation(continuations: drawn)]) == [5])
        for missing in [nil, []] as [[ContinuationOverlap]?] {
            #expect(throws: AuditError.unusableObservation(record: "r", reason: "the model was not let continue it")) {
                try SamiaAttack().scores(of: [observation(continuations: missing)])
            }
        }
    }

    @Test("An audit runs these attacks where there is their evidence, counts its cost, and says what the others lack")
    func audit() throws {
        var suite = AttackSuite()
        suite.attacks = ["RATIO", "QUANTILE", "NEIGHBOUR", "SAMIA"]
        suite.bootstrapReplicates = 100
        suite.permutations = 100
        suite.blind.buckets = 64
        var input = SyntheticRun(leak: 0.5).input()
        let bare = try Audit.run(inputs: [input], suite: suite).report
        #expect(bare.runs[0].vantages.allSatisfy { $0.attacks.map(\.attack) == ["RATIO"] })
        for name in ["QUANTILE", "NEIGHBOUR", "SAMIA"] {
            #expect(bare.notTested.contains { $0.hasPrefix("\(name), which the suite asks for") })
        }
        let other = SyntheticRun(recordsPerHolder: 20, seed: 9).input().vantages[0]
        input.vantages[0].outsiders = OutsiderScores(tuned: other.tuned, reference: other.reference)
        input.vantages[0].neighbours = input.records.map { [-3, $0.isMember ? -4 : -2] }
        input.vantages[0].continuations = input.records.map {
            [ContinuationOverlap(recall: $0.isMember ? 0.4 : 0.1, compressedBytes: 30)]
        }
        input.vantages[0].cost = EvidenceCost(
            tuned: 1,
            more: [.reference: 1, .outsiders: 5, .neighbours: 25, .continuations: 300]
        )
        let report = try Audit.run(inputs: [input], suite: suite).report
        let attacks = report.runs[0].vantages[0].attacks
        #expect(attacks.map(\.attack) == suite.attacks && attacks.map(\.operations) == [2, 7, 26, 301])
        #expect(attacks[3].auc == 1)
        let page = try ReportPage.render(reportJSON: report.json())
        #expect(page.contains("NEIGHBOUR variants") && page.contains("recall of ROUGE-1"))
        input.vantages[0].neighbours?.removeLast()
        #expect(throws: AuditError.self) { try Audit.run(inputs: [input], suite: suite) }
    }
}
