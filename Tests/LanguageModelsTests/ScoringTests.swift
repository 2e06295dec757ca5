import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

@Suite struct ScoringTests {
    /// log softmax in float64, straight from the definition.
    private func logProbabilities(_ model: LanguageModel, _ ids: [Int32]) throws -> [[Double]] {
        let logits = try model.logits(ids)
        let width = logits.columns
        let values = logits.values
        return ids.indices.map { row in
            let z = values[row * width..<(row + 1) * width].map(Double.init)
            let top = z.max() ?? 0
            let sum = log(z.reduce(0) { $0 + exp($1 - top) }) + top
            return z.map { $0 - sum }
        }
    }

    @Test(arguments: ["llama", "gpt2"]) func statisticsFollowFromTheLogits(_ name: String) throws {
        let model = try Golden.committedModel(name)
        let ids: [Int32] = [5, 99, 200, 14, 14, 81]
        let expected = try logProbabilities(model, ids)
        let found = try model.score([ids])[0]
        #expect(found.count == ids.count - 1)
        for (i, statistics) in found.enumerated() {
            let row = expected[i]
            let mean = row.reduce(0) { $0 + exp($1) * $1 }
            let variance = row.reduce(0) { $0 + exp($1) * $1 * $1 } - mean * mean
            #expect(abs(Double(statistics.logProbability) - row[Int(ids[i + 1])]) < 1e-4)
            #expect(abs(Double(statistics.mean) - mean) < 1e-4)
            #expect(abs(Double(statistics.deviation) - variance.squareRoot()) < 1e-4)
            #expect(statistics.isArgmax == (row[Int(ids[i + 1])] >= (row.max() ?? 0)))
        }
    }

    @Test func neitherCompanyNorOrderChangesAScore() throws {
        let model = try Golden.committedModel("qwen2")
        var generator = SeededGenerator(seed: 3)
        // More than one batch's worth of rows, ragged, with sequences too short to score in between.
        let sequences = (0..<60).map { index in
            (0..<(index % 7 == 0 ? index % 2 : 20 + index)).map { _ in Int32.random(in: 3..<256, using: &generator) }
        }
        let together = try model.score(sequences)
        for index in stride(from: 0, to: 60, by: 9) {
            let alone = try model.score([sequences[index]])[0]
            #expect(alone.count == max(0, sequences[index].count - 1) && together[index].count == alone.count)
            for (a, b) in zip(alone, together[index]) { #expect(abs(a.logProbability - b.logProbability) < 1e-4) }
        }
    }

    /// Tokens that nobody asks about cost no run of the head, and do not move what is said of the others.
    @Test func onlyWantedTokensAreScored() throws {
        let model = try Golden.committedModel("llama")
        let sequences: [[Int32]] = [[5, 99, 200, 14, 14, 81], [7], [9, 10, 11, 12]]
        let wanted = [[true, false, false, true, true, false], [true], [false, false, false, true]]
        let all = try model.score(sequences)
        let some = try model.score(sequences, of: wanted)
        for (k, flags) in wanted.enumerated() {
            #expect(some[k].count == flags.count - 1)
            for (i, isWanted) in flags.dropFirst().enumerated() {
                let expected = isWanted ? Double(all[k][i].logProbability) : 0
                #expect(abs(Double(some[k][i].logProbability) - expected) < 1e-5)
            }
        }
    }

    @Test func completionsAndPerplexitySumTheSameNumbers() throws {
        let model = try Golden.committedModel("llama")
        let prefix: [Int32] = [5, 99, 200]
        let continuation: [Int32] = [14, 14, 81, 7]
        let scores = try model.score([prefix + continuation])[0]
        let result = try model.completionLogLikelihood(prefix: prefix, continuation: continuation)
        let expected = scores.dropFirst(2).reduce(0.0) { $0 + Double($1.logProbability) }
        #expect(abs(result.logLikelihood - expected) < 1e-5)
        #expect(result.tokenCount == 4 && !result.isGreedy)
        let greedy = try model.generate(prefix, maximumTokens: 4)
        #expect(try model.completionLogLikelihood(prefix: prefix, continuation: greedy).isGreedy)
        #expect(try model.completionLogLikelihood(prefix: prefix, continuation: []).logLikelihood == 0)
        let perplexity = try model.perplexity([prefix + continuation, prefix])
        let all = try scores + model.score([prefix])[0]
        let mean = -all.reduce(0.0) { $0 + Double($1.logProbability) } / Double(all.count)
        #expect(perplexity.tokenCount == 8 && abs(perplexity.meanLoss - mean) < 1e-6)
        #expect(abs(perplexity.value - exp(mean)) < 1e-4 * exp(mean))
    }

    @Test func badSequencesAreRefused() throws {
        let model = try Golden.committedModel("opt")
        #expect(throws: LanguageModelError.tokenOutOfRange(id: 256, vocabularySize: 256)) {
            try model.score([[1, 256]])
        }
        #expect(throws: LanguageModelError.tokenOutOfRange(id: -1, vocabularySize: 256)) { try model.score([[1, -1]]) }
        #expect(throws: LanguageModelError.tooLong(tokens: 129, maximum: 128)) {
            try model.score([[Int32](repeating: 4, count: 129)])
        }
        #expect(throws: LanguageModelError.emptyPrompt) {
            try model.completionLogLikelihood(prefix: [], continuation: [3])
        }
        #expect(throws: LanguageModelError.emptyPrompt) { try model.perplexity([[3]]) }
    }
}
