import Foundation
import LanguageModels
import TestSupport
import Testing
import Training

/// Losses of records in batches, and ratios of their sums.
@Suite struct RecordLossesTests {
    private func examples(_ lengths: [Int]) -> [EncodedExample] {
        lengths.enumerated().map { index, length in
            let ids = (0..<length).map { Int32(5 + ($0 * 7 + index * 13) % 60) }
            let labels = ids.enumerated().map { $0 < length / 2 ? EncodedExample.ignoredLabel : $1 }
            return EncodedExample(ids: ids, labels: labels, recordIndex: index)
        }
    }

    @Test func batchesGiveWhatSingleRecordsGive() throws {
        let model = try Golden.committedModel("llama")
        let records = examples([9, 30, 4, 17, 30, 12])
        var tokens = 0
        let losses = try RecordLosses.measure(model, on: records, onBatch: { tokens += $0 })
        let single = try RecordPerplexity.measure(model, on: records)
        #expect(losses.tokens == records.map(\.labelledTokenCount))
        #expect(abs(losses.perplexity.loss - single.loss) < 1e-5)
        #expect(abs(losses.perplexity.lossError - single.lossError) < 1e-5)
        #expect(tokens == 102)
        for (index, record) in records.enumerated() {
            let alone = try RecordLosses.measure(model, on: [record])
            #expect(abs(alone.sums[0] - losses.sums[index]) < 1e-4)
        }
        #expect(throws: CancellationError.self) {
            try RecordLosses.measure(model, on: records, isCancelled: { true })
        }
    }

    @Test func everySequenceIsInOneBatchWithinTheBudget() {
        let lengths = [900, 5, 3000, 900, 248, 1, 2048, 700]
        let batches = RecordLosses.batches(lengths)
        #expect(batches.joined().sorted() == Array(lengths.indices))
        for batch in batches {
            #expect(batch.count == 1 || batch.reduce(0) { $0 + lengths[$1] } <= RecordLosses.batchTokens)
        }
        #expect(RecordLosses.batches([]).isEmpty)
    }

    /// Worked by hand: Σn/Σd = 6/12, residuals 0, −1, 1, and √(3/2 · 2)/12.
    @Test func ratioAndItsError() {
        let ratio = RatioOfSums(numerators: [1, 1, 4], denominators: [2, 4, 6])
        #expect(ratio.value == 0.5)
        #expect(abs(ratio.standardError - 3.0.squareRoot() / 12) < 1e-15)
        let exact = RatioOfSums(numerators: [1, 2, 3], denominators: [2, 4, 6])
        #expect(exact.value == 0.5 && exact.standardError == 0)
        #expect(RatioOfSums(numerators: [3], denominators: [4]).standardError == 0)
        #expect(RatioOfSums(numerators: [1, -1], denominators: [2, -2]).value.isNaN)
    }
}
