import Checkpoints
import Foundation
import TensorEngine
import Testing

/// Bad input ends in one sentence that names the file and the remedy, exit code 1, and nothing half-written.
struct BadInputTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.addModel()
        try scratch.write("{\"text\": \"one\"}\n", "texts.jsonl")
    }

    /// Scores the texts and checks the failure; `changed` is whatever the test has put there.
    private func expectRefusal(_ arguments: [String], _ sentence: String) throws {
        let before = try scratch.files
        let run = try Transcript.run(arguments, in: scratch)
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        let last = run.errors.split(separator: "\n").last.map(String.init) ?? ""
        #expect(last.hasPrefix("error: ") && last.hasSuffix("."), "\(run.errors)")
        #expect(last.contains(sentence), "\(run.errors)")
        #expect(try scratch.files == before)
    }

    private func score(_ model: String = "model", _ input: String = "texts.jsonl", _ more: [String] = []) -> [String] {
        ["score", model, "--input", input, "--output", "scores.jsonl"] + more
    }

    private func changeConfiguration(_ key: String, _ value: JSONValue?) throws {
        var json = try JSONValue.read(scratch.path + "/model/config.json")
        json[key] = value
        try scratch.write(json.prettyText, "model/config.json")
    }

    @Test func missingModel() throws {
        try expectRefusal(score("nowhere"), "nowhere")
    }

    @Test func missingInput() throws {
        try expectRefusal(score("model", "none.jsonl"), "none.jsonl does not exist; check the path.")
    }

    @Test func inputThatIsADirectory() throws {
        try expectRefusal(score("model", "model"), "model is a directory; give a file.")
    }

    @Test func truncatedWeights() throws {
        let path = scratch.path + "/model/model.safetensors"
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: path))
        try expectRefusal(score(), "model/model.safetensors")
    }

    @Test func headerLongerThanTheFile() throws {
        var length = UInt64(1 << 50).littleEndian
        let data = Data(bytes: &length, count: 8) + Data("{}".utf8)
        try data.write(to: URL(fileURLWithPath: scratch.path + "/model/model.safetensors"))
        try expectRefusal(score(), "model/model.safetensors")
    }

    @Test func damagedGGUF() throws {
        try scratch.write("GGUF and then nothing", "model.gguf")
        try expectRefusal(score("model.gguf"), "model.gguf")
    }

    @Test func unknownArchitecture() throws {
        try changeConfiguration("model_type", "mamba")
        try changeConfiguration("architectures", ["MambaForCausalLM"])
        try expectRefusal(score(), "mamba")
    }

    @Test func missingTensor() throws {
        try changeConfiguration("num_hidden_layers", 5)
        try expectRefusal(score(), "model.layers.4.")
    }

    @Test func wrongShape() throws {
        try changeConfiguration("intermediate_size", 64)
        try expectRefusal(score(), "model.layers.0.mlp.")
    }

    @Test func weightsThatAreNotNumbers() throws {
        let path = scratch.path + "/model/model.safetensors"
        let name = "model.layers.2.self_attn.q_proj.weight"
        let file = try SafetensorsFile(path: path)
        let entries = try file.tensorNames.map { tensor in
            var values = try file.values(tensor)
            if tensor == name { values[7] = .nan }
            return SafetensorsWriter.Entry(name: tensor, shape: try file.info(tensor).shape, values: values)
        }
        try SafetensorsWriter.write(entries, to: scratch.path + "/model/changed.safetensors")
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: scratch.path + "/model/changed.safetensors", toPath: path)
        try expectRefusal(score(), name)
    }

    @Test func tokenizerThatDoesNotFit() throws {
        let text = try scratch.read("model/tokenizer.json").replacingOccurrences(of: "\"id\":2,", with: "\"id\":300,")
        try scratch.write(text, "model/tokenizer.json")
        try expectRefusal(score(), "ids up to 300, but the model embeds only 256")
    }

    @Test func noTokenizer() throws {
        try FileManager.default.removeItem(atPath: scratch.path + "/model/tokenizer.json")
        try expectRefusal(score(), "holds no tokenizer")
    }

    @Test func linesThatAreNoTexts() throws {
        try scratch.write("{\"text\": \"one\"}\n\n{\"txt\": \"two\"}\n", "a.jsonl")
        try expectRefusal(score("model", "a.jsonl"), "a.jsonl line 3: neither \"text\" nor \"ids\"")
        try scratch.write("{\"text\": \"one\"\n", "b.jsonl")
        try expectRefusal(score("model", "b.jsonl"), "b.jsonl line 1 is not a JSON object")
        try scratch.write("{\"ids\": [1, 256]}\n", "c.jsonl")
        try expectRefusal(score("model", "c.jsonl"), "256 is no token of this model")
        try scratch.write("\n", "d.jsonl")
        try expectRefusal(score("model", "d.jsonl"), "d.jsonl holds no texts")
        try scratch.write("{\"text\": \"\(String(repeating: "x", count: 129))\"}\n", "e.jsonl")
        try expectRefusal(score("model", "e.jsonl"), "e.jsonl line 1 has 129 tokens but the model takes at most 128")
    }

    @Test func outputThatCannotBeWritten() throws {
        try expectRefusal(
            ["score", "model", "--input", "texts.jsonl", "--output", "nowhere/scores.jsonl"],
            "nowhere/scores.jsonl"
        )
    }

    @Test func adapterThatIsNone() throws {
        try expectRefusal(score("model", "texts.jsonl", ["--adapter", "model"]), "model holds no adapter_config.json")
    }

    @Test func emptyRecords() throws {
        try scratch.write("", "empty.jsonl")
        try expectRefusal(["data", "check", "empty.jsonl", "--model", "model"], "empty.jsonl")
        try expectRefusal(["eval", "model", "--tasks", "empty.jsonl"], "empty.jsonl")
        try expectRefusal(["data", "split", "empty.jsonl", "--parts", "2", "-o", "parts"], "empty.jsonl")
        try expectRefusal(["audit", "plan", "--data", "empty.jsonl", "-o", "plan"], "empty.jsonl")
    }

    @Test func recordsWithoutAnswers() throws {
        try scratch.write("{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": \"c\"}\n", "records.jsonl")
        try expectRefusal(
            ["eval", "model", "--tasks", "records.jsonl"],
            "records.jsonl, line 2: \"output\" is missing"
        )
    }

    @Test func tasksWithoutData() throws {
        try expectRefusal(["eval", "model", "--tasks", "gsm8k"], "github.com/openai/grade-school-math")
        try expectRefusal(["eval", "model", "--tasks", "arc_easy", "--task-data", "."], "allenai.org/data/arc")
        try expectRefusal(["eval", "model", "--tasks", "hellaswag"], "hellaswag is neither a task")
    }

    @Test func choicesThatAreNone() throws {
        try scratch.write("{\"question\": \"a\", \"choices\": [\"x\", \"y\"], \"label\": 2}\n", "choices.jsonl")
        try expectRefusal(["eval", "model", "--tasks", "choices.jsonl"], "choices.jsonl line 1")
    }

    @Test func promptWithoutTokens() throws {
        try expectRefusal(["generate", "model", "--prompt", ""], "The prompt has no tokens")
    }

    @Test func nothingToInspect() throws {
        try FileManager.default.createDirectory(atPath: scratch.path + "/bare", withIntermediateDirectories: false)
        try expectRefusal(["inspect", "bare"], "bare")
        try scratch.write("{}", "report.json")
        try expectRefusal(["inspect", "report.json"], "report.json")
    }

    @Test func selectionWithoutText() throws {
        for selection in ["block-influence", "cka", "leave-one-out", "contiguous"] {
            try expectRefusal(
                ["compress", "model", "--bottom", "1", "--top", "1", "--selection", selection, "-o", "e"],
                "--selection \(selection) compares layers on public text; give --public-data FILE or"
            )
        }
        try scratch.write("bottom: 1\ntop: 1\nselection: cka\n", "recipe.yaml")
        try expectRefusal(["compress", "model", "--recipe", "recipe.yaml", "-o", "e"], "--selection cka")
        try scratch.write("selection: best\n", "wrong.yaml")
        try expectRefusal(
            ["compress", "model", "--recipe", "wrong.yaml", "-o", "e"],
            "selection must be one of uniform, nested, block-influence, cka, leave-one-out, contiguous, random"
        )
        try scratch.write("Too short.", "short.txt")
        try expectRefusal(
            ["compress", "model", "--bottom", "1", "--top", "1", "--selection", "cka", "--public-data", "short.txt"]
                + ["-o", "e"],
            "short.txt gives 1 usable text but comparing layers needs 2; give more public text."
        )
    }

    @Test func splitThatDoesNotFit() throws {
        for (bottom, top) in [("0", "0"), ("2", "2"), ("9", "0"), ("9223372036854775807", "1")] {
            try expectRefusal(
                ["compress", "model", "--bottom", bottom, "--top", top, "-o", "e"],
                "--bottom \(bottom) and --top \(top) do not fit a model of 4 blocks"
            )
        }
    }

    @Test func existingIdentity() throws {
        try scratch.write("keep me", "alice.card")
        try expectRefusal(["keygen", "alice", "--no-passphrase"], "alice.card already exists")
        #expect(try scratch.read("alice.card") == "keep me")
    }
}
