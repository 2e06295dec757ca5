import LanguageModels
import TensorEngine
import TestSupport
import Testing

@Suite struct ContinuationTests {
    private static let prompts: [[Int32]] = [[184, 253, 233], [7], [125, 7, 145, 40, 41, 42, 43], [12, 13]]

    @Test(arguments: TinyGoldenTests.architectures) func likelyTokensAreThoseOfTheLogits(_ name: String) throws {
        let model = try Golden.committedModel(name)
        let ids = (0..<45).map { Int32(3 + $0 * 37 % 200) }
        let positions = [1, 2, 9, 33, 44]
        let width = model.configuration.vocabularySize
        let all = try model.logits(ids).values
        let found = try model.likeliestTokens(in: ids, at: positions, count: 5)
        #expect(found.map(\.count) == [5, 5, 5, 5, 5])
        for (position, tokens) in zip(positions, found) {
            let row = Array(all[(position - 1) * width..<position * width])
            let order = row.indices.sorted { row[$0] > row[$1] }.prefix(5)
            #expect(tokens.map { Int($0.id) } == Array(order))
            for token in tokens { #expect(abs(token.logit - row[Int(token.id)]) < 1e-4) }
        }
        #expect(try model.likeliestTokens(in: [1, 2], at: [1], count: 10_000)[0].count == width)
        #expect(try model.likeliestTokens(in: [1, 2], at: [], count: 3).isEmpty)
    }

    private func request(samples: Int, _ sampling: Sampling, slots: Int = 3) -> SampledContinuations {
        SampledContinuations(
            prompts: Self.prompts,
            lengths: [6, 0, 9, 4],
            samples: samples,
            stopIDs: [],
            sampling: sampling,
            slots: slots
        )
    }

    @Test(arguments: TinyGoldenTests.architectures) func greedyContinuationsAreGenerations(_ name: String) throws {
        let model = try Golden.committedModel(name)
        let drawn = try #require(try model.sampleContinuations(request(samples: 2, .greedy)))
        for (prompt, (length, texts)) in zip(Self.prompts, zip([6, 0, 9, 4], drawn)) {
            let expected = length == 0 ? [] : try model.generate(prompt, maximumTokens: length)
            #expect(texts == [expected, expected])
        }
    }

    @Test func everyContinuationDrawsForItself() throws {
        let model = try Golden.committedModel("llama")
        let sampling = Sampling(topK: 50, seed: 3)
        let drawn = try #require(try model.sampleContinuations(request(samples: 5, sampling)))
        #expect(drawn.map { $0.map(\.count) } == [6, 0, 9, 4].map { Array(repeating: $0, count: 5) })
        #expect(Set(drawn[2]).count == 5)
        // Neither the number of slots nor of further continuations shows.
        #expect(try model.sampleContinuations(request(samples: 5, sampling, slots: 32)) == drawn)
        let more = try #require(try model.sampleContinuations(request(samples: 7, sampling)))
        #expect(more.map { Array($0.prefix(5)) } == drawn)
        #expect(try model.sampleContinuations(request(samples: 5, Sampling(topK: 50, seed: 4))) != drawn)
    }

    @Test func stopsLimitsAndInterruptions() throws {
        let model = try Golden.committedModel("llama")
        let free = try model.generate(Self.prompts[0], maximumTokens: 6)
        var stopping = request(samples: 1, .greedy)
        stopping.stopIDs = [free[2]]
        let drawn = try #require(try model.sampleContinuations(stopping))
        #expect(drawn[0][0] == Array(free.prefix { $0 != free[2] }))
        #expect(try model.sampleContinuations(stopping) { _ in false } == nil)
        var long = request(samples: 1, .greedy)
        long.lengths[2] = model.configuration.maximumPositions
        #expect(throws: LanguageModelError.self) { _ = try model.sampleContinuations(long) }
        long.prompts[2] = []
        #expect(throws: LanguageModelError.emptyPrompt) { _ = try model.sampleContinuations(long) }
        #expect(try model.sampleContinuations(request(samples: 0, .greedy)) == Self.prompts.map { _ in [] })
    }
}
