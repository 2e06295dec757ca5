import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

@Suite struct GenerationTests {
    static let prompt: [Int32] = [184, 253, 233, 125, 7, 145]

    @Test(arguments: TinyGoldenTests.architectures) func cachedLogitsEqualUncachedOnes(_ name: String) throws {
        let model = try Golden.committedModel(name)
        let ids: [Int32] = Self.prompt + [40, 41, 42, 43, 44]
        let session = GenerationSession(model, capacity: ids.count)
        let width = model.configuration.vocabularySize
        let uncached = try model.logits(ids).values
        var known = 0
        for step in [6, 1, 3, 1] {
            let logits = session.advance(Array(ids[known..<known + step]))
            known += step
            #expect(largestDifference(logits.values, Array(uncached[(known - 1) * width..<known * width])) < 1e-4)
        }
    }

    @Test func samplingIsAFunctionOfItsSeed() throws {
        let model = try Golden.committedModel("llama")
        func text(_ sampling: Sampling) throws -> [Int32] {
            try model.generate(Self.prompt, maximumTokens: 24, sampling: sampling)
        }
        let greedy = try text(.greedy)
        #expect(try text(Sampling(seed: 1)) == text(Sampling(seed: 1)))
        #expect(try text(Sampling(seed: 1)) != text(Sampling(seed: 2)))
        #expect(try text(Sampling(topK: 1, seed: 9)) == greedy)
        #expect(try text(Sampling(topP: 1e-9, seed: 9)) == greedy)
        #expect(try text(Sampling(temperature: 1e-3, seed: 9)) == greedy)
    }

    @Test func drawsFollowTheDistributionAndItsLimits() {
        let logits: [Float] = [0, 2, 1, -1]
        let weights = logits.map { exp(Double($0)) }
        func shares(_ sampling: Sampling) -> [Double] {
            var generator = SeededGenerator(seed: 5)
            var counts = [Double](repeating: 0, count: 4)
            logits.withUnsafeBufferPointer { buffer in
                for _ in 0..<20_000 { counts[Int(sampling.choose(from: buffer, generator: &generator))] += 1 }
            }
            return counts.map { $0 / 20_000 }
        }
        let total = weights.reduce(0, +)
        for (share, weight) in zip(shares(Sampling()), weights) { #expect(abs(share - weight / total) < 0.015) }
        let twoLeft = weights[1] + weights[2]
        for sampling in [Sampling(topK: 2), Sampling(topP: 0.8)] {
            let found = shares(sampling)
            #expect(found[0] == 0 && found[3] == 0 && abs(found[1] - weights[1] / twoLeft) < 0.015)
        }
    }

    @Test func stopTokensCallbacksAndPositionsEndTheText() throws {
        let model = try Golden.committedModel("llama")
        let free = try model.generate(Self.prompt, maximumTokens: 12)
        let stop = free[1]
        #expect(try model.generate(Self.prompt, maximumTokens: 12, stopIDs: [stop]) == [free[0]])
        var seen: [Int32] = []
        let cut = try model.generate(Self.prompt, maximumTokens: 12) {
            seen.append($0)
            return seen.count < 5
        }
        #expect(cut == Array(free.prefix(5)) && seen == cut)
        // 128 positions: 120 tokens leave room for eight more inputs, whose last one still predicts a token.
        let long = [Int32](repeating: 9, count: 120)
        #expect(try model.generate(long, maximumTokens: 1000).count == 9)
    }

    /// A text depends on its own generator only: not on how many others grow beside it, nor on when its place fell free.
    @Test(arguments: TinyGoldenTests.architectures) func batchedTextsEqualSingleOnes(_ name: String) throws {
        let model = try Golden.committedModel(name)
        func texts(slots: Int) throws -> [[Int32]] {
            let request = SampledTexts(
                start: 7,
                stopIDs: [3, 9, 11, 20],
                length: 20,
                tokens: 150,
                sampling: Sampling(topP: 0.9, seed: 4),
                slots: slots
            )
            return try #require(try model.sampleTexts(request) { _ in true })
        }
        let (one, many) = (try texts(slots: 1), try texts(slots: 5))
        #expect(one.reduce(0) { $0 + $1.count } == 150 && many.reduce(0) { $0 + $1.count } == 150)
        #expect(Set(one.map(\.count)).count > 2)
        // The last texts are cut where the wanted number is reached, elsewhere in one run than in the other.
        for text in one.dropLast(1) { #expect(many.contains { $0.starts(with: text) || text.starts(with: $0) }) }
        let greedy = SampledTexts(start: 7, stopIDs: [], length: 12, tokens: 12, sampling: .greedy)
        #expect(try model.sampleTexts(greedy) { _ in true } == [try model.generate([7], maximumTokens: 12)])
        #expect(try model.sampleTexts(greedy) { _ in false } == nil)
    }

    /// A model that never begins a text would otherwise be asked for ever.
    @Test(arguments: [1, 5]) func textsThatNeverBeginAreRefused(slots: Int) throws {
        let model = try Golden.committedModel("llama")
        let request = SampledTexts(
            start: 7,
            stopIDs: Set(0..<Int32(model.configuration.vocabularySize)),
            length: 20,
            tokens: 50,
            sampling: Sampling(seed: 4),
            slots: slots
        )
        #expect(throws: LanguageModelError.self) { _ = try model.sampleTexts(request) { _ in true } }
    }

    @Test func senselessRequestsAreRefused() throws {
        let model = try Golden.committedModel("gpt2")
        func expectRefusal(_ body: () throws -> [Int32]) {
            #expect(throws: LanguageModelError.self) { _ = try body() }
        }
        expectRefusal { try model.generate([], maximumTokens: 3) }
        expectRefusal { try model.generate([999], maximumTokens: 3) }
        expectRefusal { try model.generate([1], maximumTokens: 0) }
        expectRefusal { try model.generate([1], maximumTokens: 3, sampling: Sampling(temperature: -1)) }
        expectRefusal { try model.generate([1], maximumTokens: 3, sampling: Sampling(topK: 0)) }
        expectRefusal { try model.generate([1], maximumTokens: 3, sampling: Sampling(topP: 0)) }
    }
}
