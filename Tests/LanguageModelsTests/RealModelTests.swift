import Checkpoints
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

/// SmolLM2-135M-Instruct from its GGUF against transformers on the same weights.
@Suite(.serialized, .enabled(if: Golden.hasRealModel, Comment(rawValue: Golden.realModelHint)))
struct RealModelTests {
    @Test func logitsAndHiddenStatesMatch() throws {
        let model = try Golden.realModel()
        let tensors = try Golden.tensors("logits/tensors.safetensors")
        let prompts = try #require(Golden.json("logits/prompts.json").array)
        #expect(!prompts.isEmpty)
        for (index, prompt) in prompts.enumerated() {
            let ids = prompt["ids"]?.ids ?? []
            let logits = try model.logits(ids)
            let width = logits.columns
            let values = logits.values
            #expect(
                largestDifference(Array(values.suffix(width)), try tensors.values("prompt\(index).last")) < 1e-3
            )
            for (row, wanted) in (prompt["logsumexp_all"]?.doubles ?? []).enumerated() {
                let z = values[row * width..<(row + 1) * width].map(Double.init)
                let top = z.max() ?? 0
                #expect(abs(top + log(z.reduce(0) { $0 + exp($1 - top) }) - wanted) < 1e-3)
                #expect(z[Int(prompt["argmax_all"]?.ids[row] ?? 0)] == top)
            }
        }
        let ids = prompts[0]["ids"]?.ids ?? []
        let layout = SequenceLayout(lengths: [ids.count])
        let tape = Tape(isRecording: false)
        var x = model.embed(ids, layout: layout, on: tape)
        #expect(largestDifference(x.values, try tensors.values("prompt0.hidden_embed")) < 1e-4)
        for index in model.blocks.indices {
            x = model.run(blocks: index..<index + 1, from: x, layout: layout, on: tape)
            guard let wanted = try? tensors.values("prompt0.hidden_after_layer\(index)") else { continue }
            // The first token's massive activations reach thousands: relative to the whole row.
            #expect(relativeError(x.values, wanted) < 1e-5, "layer \(index)")
        }
        let last = model.normed(x, on: tape).values
        #expect(largestDifference(last, try tensors.values("prompt0.hidden_final_normed")) < 1e-3)
    }

    @Test func logProbabilitiesAndPerplexitiesMatch() throws {
        let model = try Golden.realModel()
        let texts = try #require(Golden.json("logits/logprobs.json").array)
        #expect(!texts.isEmpty)
        let sequences = texts.map { $0["ids"]?.ids ?? [] }
        for (scores, text) in zip(try model.score(sequences), texts) {
            let wanted = text["logprobs"]?.doubles ?? []
            #expect(largestDifference(scores.map(\.logProbability), wanted.map { Float($0) }) < 1e-3)
            let sum = scores.reduce(0.0) { $0 + Double($1.logProbability) }
            #expect(abs(sum - (try #require(text["sum"]?.double))) < 1e-2)
            let perplexity = exp(-sum / Double(scores.count))
            #expect(abs(perplexity / (try #require(text["ppl"]?.double)) - 1) < 1e-4)
        }
    }

    @Test func sixteenGreedyTokensMatch() throws {
        let model = try Golden.realModel()
        for prompt in try #require(Golden.json("logits/prompts.json").array) {
            let wanted = prompt["greedy_next_16"]?.ids ?? []
            let found = try model.generate(prompt["ids"]?.ids ?? [], maximumTokens: wanted.count)
            #expect(!wanted.isEmpty && found == wanted)
        }
    }
}

/// The 260 000-parameter story teller of llama2.c, where its directory is named by `FSOT_STORIES`.
@Suite struct StoriesTests {
    static let path = ProcessInfo.processInfo.environment["FSOT_STORIES"]

    @Test(.enabled(if: path != nil, "set FSOT_STORIES to the directory of stories260K to run this"))
    func theStoryIsToldWordForWord() throws {
        let path = try #require(Self.path)
        let expected = try JSONValue.read(path + "/expected.json")
        let model = try LanguageModel.load(Checkpoint.open(path))
        let prompt = expected["prompt_ids"]?.ids ?? []
        let story = expected["greedy_ids_200"]?.ids ?? []
        let count = story.count - prompt.count
        #expect(count > 100)
        #expect(try prompt + model.generate(prompt, maximumTokens: count) == story)
        let first = try model.logits(prompt)
        let last = Array(first.values.suffix(first.columns))
        let wanted = (expected["logits_last_of_prompt_first8"]?.doubles ?? []).map { Float($0) }
        #expect(largestDifference(Array(last.prefix(8)), wanted) < 1e-4)
        let told = try model.perplexity([story]).meanLoss
        #expect(abs(told - (try #require(expected["nll_greedy_per_token"]?.double))) < 1e-4)
        let reference = try model.perplexity([expected["ref_ids"]?.ids ?? []]).meanLoss
        #expect(abs(reference - (try #require(expected["ref_nll_per_token"]?.double))) < 1e-4)
    }
}
