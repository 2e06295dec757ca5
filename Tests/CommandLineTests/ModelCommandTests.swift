import Checkpoints
import Emulators
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import Testing

/// What `score`, `tokenize`, `generate` and `eval` do, against the libraries that they call.
struct ModelCommandTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.addModel()
    }

    private func open(_ name: String) throws -> LanguageModel {
        let checkpoint = try Checkpoint.open(scratch.path + "/" + name)
        return try LanguageModel.load(
            checkpoint.tensors,
            configuration: try ModelConfiguration(json: checkpoint.configuration),
            path: name
        )
    }

    private func scores(_ model: String, adapter: String? = nil) throws -> [[Double]] {
        let more = adapter.map { ["--adapter", $0] } ?? []
        let run = try Transcript.run(
            ["score", model, "--input", "texts.jsonl", "--output", "scores.jsonl"] + more,
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        return try scratch.lines("scores.jsonl").map { try #require($0["logprobs"] as? [Double]) }
    }

    @Test(arguments: ["f32", "auto"]) func benchMeasuresASmallModel(_ compute: String) throws {
        let flags = ["--batch", "2", "--length", "8", "--steps", "1", "--records", "10", "--compute", compute]
        let run = try Transcript.run(["bench", "model", "--json", "--quiet"] + flags, in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        let figures = try run.json()
        #expect(figures["method"] as? String == "lora" && figures["batch"] as? Int == 2)
        let speed = try #require(figures["tokensPerSecond"] as? Double)
        let estimate = try #require(figures["estimatedSeconds"] as? Double)
        #expect(speed > 0 && abs(estimate * speed - 80) < 1e-6)
        #expect(try #require(figures["operationsPerToken"] as? Double) > 0)
        let long = try Transcript.run(["bench", "model", "--length", "100000"], in: scratch)
        #expect(long.status == 1 && long.errors.contains("positions"))
    }

    /// Figures beyond what a machine can count or hold end in a sentence or an estimate, not in a trap.
    @Test func benchTakesAnyFigures() throws {
        let small = ["--batch", "1", "--length", "8", "--steps", "2", "--json", "--quiet"]
        let most = ["--records", String(Int.max), "--epochs", String(Int.max), "--record-tokens", String(Int.max)]
        let run = try Transcript.run(["bench", "model"] + small + most, in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try #require(try run.json()["estimatedSeconds"] as? Double) > 1e40)
        let excessive = [["--batch", String(Int.max)], ["--batch", "10000"], ["--steps", String(Int.max)]]
        for flags in excessive {
            let refused = try Transcript.run(["bench", "model"] + flags, in: scratch)
            #expect(refused.status == 64 && refused.errors.contains(flags[1]), "\(refused.errors)")
        }
        let ignored = try Transcript.run(
            ["bench", "model", "--method", "blocks", "--targets", "q_proj"] + small,
            in: scratch
        )
        #expect(ignored.status == 1 && ignored.errors.contains("--method lora"))
    }

    @Test func scoreWritesEveryToken() throws {
        try scratch.write("{\"text\": \"Ein Bär\"}\n{\"ids\": [5, 6, 7]}\n{\"text\": \"a\"}\n", "texts.jsonl")
        let run = try Transcript.run(
            ["score", "model", "--input", "texts.jsonl", "--output", "scores.jsonl", "--json", "--quiet"],
            in: scratch
        )
        #expect(run.status == 0)
        #expect(run.errors.isEmpty)
        #expect(try run.json()["texts"] as? Int == 3)
        #expect(try run.json()["predictedTokens"] as? Int == 9)
        let lines = try scratch.lines("scores.jsonl")
        #expect(lines.count == 3)
        let model = try open("model")
        for line in lines {
            let ids = try #require(line["ids"] as? [Int]).map { Int32($0) }
            let logprobs = try #require(line["logprobs"] as? [Double])
            let expected = ids.count < 2 ? [] : try model.score([ids])[0].map { Double($0.logProbability) }
            #expect(logprobs.count == ids.count - 1)
            #expect(zip(logprobs, expected).allSatisfy { abs($0 - $1) < 1e-5 })
            let sum = logprobs.reduce(0, +)
            #expect(abs(try #require(line["sum"] as? Double) - sum) < 1e-4)
            if logprobs.isEmpty {
                #expect(line["mean"] is NSNull)
            } else {
                #expect(abs(try #require(line["mean"] as? Double) - sum / Double(logprobs.count)) < 1e-4)
            }
        }
        #expect(lines[0]["ids"] as? [Int] != nil && (lines[0]["ids"] as? [Int])?.count == 8)
        #expect(try scratch.files == ["model", "scores.jsonl", "texts.jsonl"])
    }

    @Test func tokenizeParsesSpecialTokensAndAddsNone() throws {
        try scratch.write("{\"text\": \"<|im_start|>a é\\n<|im_end|>\"}\n{\"text\": \"\"}\n", "texts.jsonl")
        let run = try Transcript.run(
            ["tokenize", "model", "--input", "texts.jsonl", "--output", "ids.jsonl"],
            in: scratch
        )
        #expect(run.status == 0)
        #expect(run.output == "ids.jsonl: 2 texts, 7 tokens\n")
        let lines = try scratch.lines("ids.jsonl")
        let ids = try #require(lines[0]["ids"] as? [Int])
        #expect(ids.first == 1 && ids.last == 2 && ids.count == 7)
        #expect(lines[0]["decoded"] as? String == "<|im_start|>a é\n<|im_end|>")
        #expect(lines[1]["ids"] as? [Int] == [])
        #expect(lines[1]["decoded"] as? String == "")
    }

    @Test func generateIsTheModelsOwnContinuation() throws {
        let arguments = ["generate", "model", "--prompt", "Hello", "--greedy", "--max-tokens", "6", "--json"]
        let run = try Transcript.run(arguments, in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        let ids = try #require(try run.json()["ids"] as? [Int])
        let prompt = "Hello".utf8.map { Int32($0) + 3 }
        let expected = try open("model").generate(prompt, maximumTokens: 6, stopIDs: [2])
        #expect(ids == expected.map { Int($0) })
        #expect(try run.json()["promptTokens"] as? Int == 5)
    }

    @Test func generateStreamsThePromptAndItsContinuation() throws {
        let arguments = ["generate", "model", "--prompt", "Hello", "--max-tokens", "8", "--seed", "3"]
        let first = try Transcript.run(arguments, in: scratch)
        let second = try Transcript.run(arguments + ["--quiet"], in: scratch)
        #expect(first.status == 0)
        #expect(first.output.hasPrefix("Hello") && first.output.hasSuffix("\n"))
        #expect(first.output == second.output)
        #expect(first.errors.contains("5 prompt tokens"))
        #expect(second.errors.isEmpty)
    }

    @Test func chatAsksInTheModelsTemplate() throws {
        let arguments = ["generate", "model", "--chat", "--prompt", "Hi", "--greedy", "--max-tokens", "1", "--json"]
        let run = try Transcript.run(arguments, in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        // <|im_start|>user⏎Hi<|im_end|>⏎<|im_start|>assistant⏎
        #expect(try run.json()["promptTokens"] as? Int == 1 + 5 + 2 + 1 + 1 + 1 + 10)
    }

    @Test func evalMeasuresEveryKindOfTask() throws {
        try scratch.write(
            "{\"instruction\": \"a?\", \"output\": \"b\"}\n{\"instruction\": \"c?\", \"output\": \"de\"}\n",
            "r.jsonl"
        )
        try scratch.write(
            (0..<4).map { "{\"question\": \"q\($0)\", \"choices\": [\"x\", \"yy\"], \"label\": \($0 % 2)}\n" }.joined(),
            "c.jsonl"
        )
        try scratch.write("{\"question\": \"1+1?\", \"answer\": \"Easy.\\n#### 2\"}\n", "g.jsonl")
        try scratch.write(String(repeating: "All work and no play. ", count: 20), "t.txt")
        let run = try Transcript.run(
            [
                "eval", "model", "--tasks", "r.jsonl,arc_easy=c.jsonl,gsm8k=g.jsonl,perplexity=t.txt", "--template",
                "plain", "--max-tokens", "4", "--window", "64", "--json",
            ],
            in: scratch
        )
        #expect(run.status == 0, "\(run.errors)")
        let figures = try #require(try run.json()["figures"] as? [[String: Any]])
        #expect(
            figures.compactMap { $0["task"] as? String } == ["r.jsonl", "arc_easy", "arc_easy", "gsm8k", "perplexity"]
        )
        #expect(figures.compactMap { $0["items"] as? Int } == [2, 4, 4, 1, 7])
        let values = figures.compactMap { $0["value"] as? Double }
        #expect(values[0] > 1 && values[4] > 1)
        #expect((0...1).contains(values[1]) && values[3] == 0)
        #expect(figures.compactMap { $0["standardError"] as? Double }.count == 5)
        let table = try Transcript.run(["eval", "model", "--tasks", "c.jsonl", "--limit", "2", "-q"], in: scratch)
        #expect(table.output.contains("c.jsonl  accuracy"))
        #expect(table.errors.isEmpty)
    }

    /// An adapter numbered for the emulator goes to the same blocks of the full model, and to no other model.
    @Test func anAdapterFindsItsBlocks() throws {
        try scratch.write("{\"text\": \"Some words to score.\"}\n", "texts.jsonl")
        let full = try open("model")
        let split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 0.5, selection: .uniform)
        let metadata = EmulatorMetadata(split: split, releaseID: "test")
        let emulator = try full.subset(blocks: split.sourceLayers, copying: Set(0..<3))
        let files = try ["tokenizer.json", "tokenizer_config.json"].map {
            ($0, Data(try scratch.read("model/" + $0).utf8))
        }
        try emulator.save(to: scratch.path + "/emulator", files: Dictionary(uniqueKeysWithValues: files))
        try metadata.write(directory: scratch.path + "/emulator")
        try full.subset(blocks: [0, 1], copying: []).save(
            to: scratch.path + "/other",
            files: Dictionary(uniqueKeysWithValues: files)
        )

        let configuration = try LoRAConfiguration(
            rank: 2,
            alpha: 4,
            targets: .names(["q_proj", "down_proj"]),
            layersToTransform: metadata.adapterLayers
        )
        let lora = try LoRA.attach(to: emulator, configuration: configuration, generator: SeededGenerator(seed: 1))
        for (index, parameter) in lora.parameters.enumerated() where index % 2 == 1 {
            parameter.value = Tensor(
                shape: parameter.value.shape,
                values: (0..<parameter.value.count).map { Float($0 % 7) * 0.05 - 0.1 }
            )
        }
        try lora.save(to: scratch.path + "/adapter")
        try metadata.write(directory: scratch.path + "/adapter")

        let ids = "Some words to score.".utf8.map { Int32($0) + 3 }
        func expected(_ model: LanguageModel) throws -> [Double] {
            try model.score([ids])[0].map { Double($0.logProbability) }
        }
        func isClose(_ a: [Double], _ b: [Double]) -> Bool {
            a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 }
        }
        #expect(isClose(try scores("emulator", adapter: "adapter")[0], try expected(emulator)))
        let plain = try expected(full)
        #expect(isClose(try scores("model")[0], plain))
        _ = try LoRA.load(from: scratch.path + "/adapter", onto: full, renumbering: [0: 0, 2: 3])
        let adapted = try expected(full)
        #expect(!isClose(adapted, plain))
        #expect(isClose(try scores("model", adapter: "adapter")[0], adapted))

        let refused = try Transcript.run(
            ["score", "other", "--adapter", "adapter", "--input", "texts.jsonl", "--output", "none.jsonl"],
            in: scratch
        )
        #expect(refused.status == 1)
        #expect(refused.errors.contains("emulator of 3 layers or its full model of 4, but other has 2"))
        #expect(try !scratch.files.contains("none.jsonl"))
    }
}
