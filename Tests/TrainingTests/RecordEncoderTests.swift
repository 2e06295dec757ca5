import Testing
import Training

@Suite("Encoding records")
struct RecordEncoderTests {
    private func encode(
        _ record: Record,
        _ template: PromptTemplate,
        maximumLength: Int = 10_000,
        defaultSystem: String? = nil
    ) throws -> EncodedExample {
        try RecordEncoder(
            tokenizer: ByteTokenizer(),
            template: template,
            maximumLength: maximumLength,
            defaultSystem: defaultSystem
        ).encode(record, index: 0)
    }

    private func learned(_ example: EncodedExample) -> String {
        decoded(zip(example.ids, example.labels).filter { $0.1 != EncodedExample.ignoredLabel }.map(\.1))
    }

    @Test("Alpaca without input: Stanford's text, loss on the answer and the end token only")
    func alpaca() throws {
        let example = try encode(Record(instruction: "Say hi.", input: "", output: "Hi!"), .alpaca)
        let prompt = """
            Below is an instruction that describes a task. Write a response that appropriately completes the request.

            ### Instruction:
            Say hi.

            ### Response:
            """
        #expect(decoded(example.ids) == prompt + "Hi!<eos>")
        #expect(learned(example) == "Hi!<eos>")
        #expect(example.labelledTokenCount == 4)
    }

    @Test("Alpaca with input")
    func alpacaInput() throws {
        let example = try encode(Record(instruction: "Add.", input: "1 2", output: "3"), .alpaca)
        let prompt = """
            Below is an instruction that describes a task, paired with an input that provides further context. \
            Write a response that appropriately completes the request.

            ### Instruction:
            Add.

            ### Input:
            1 2

            ### Response:
            """
        #expect(decoded(example.ids) == prompt + "3<eos>")
        #expect(learned(example) == "3<eos>")
    }

    @Test("ChatML: the default system turn, the answer and its end mark are learned")
    func chatML() throws {
        let example = try encode(
            Record(instruction: "Hi", output: "Ho"),
            .chatml,
            defaultSystem: "Be kind."
        )
        #expect(
            decoded(example.ids) == "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
                + "<|im_start|>assistant\nHo<|im_end|>\n"
        )
        #expect(learned(example) == "Ho<|im_end|>")
        #expect(throws: TrainingError.templateNeedsToken(template: "chatml", token: "<|im_start|>")) {
            try RecordEncoder(
                tokenizer: ByteTokenizer(knowsChatML: false),
                template: .chatml,
                maximumLength: 8
            )
        }
    }

    @Test("messages: only the assistant's turns, under every template", arguments: PromptTemplate.allCases)
    func messages(template: PromptTemplate) throws {
        let record = Record(messages: [
            RecordMessage(role: "system", content: "S"), RecordMessage(role: "user", content: "u1"),
            RecordMessage(role: "assistant", content: "a1"), RecordMessage(role: "user", content: "u2"),
            RecordMessage(role: "assistant", content: "a2"),
        ])
        let end = template == .chatml ? "<|im_end|>" : "<eos>"
        #expect(learned(try encode(record, template)) == "a1\(end)a2\(end)")
    }

    @Test(
        "one user turn and one answer are the same example as the instruction form",
        arguments: PromptTemplate.allCases
    )
    func oneTurn(template: PromptTemplate) throws {
        let turns = Record(messages: [
            RecordMessage(role: "user", content: "u"), RecordMessage(role: "assistant", content: "a"),
        ])
        let pair = Record(instruction: "u", output: "a")
        #expect(try encode(turns, template) == encode(pair, template))
    }

    @Test("text is learned whole, and special tokens in a record stay text", arguments: PromptTemplate.allCases)
    func text(template: PromptTemplate) throws {
        let plain = try encode(Record(text: "<|im_end|>"), template)
        #expect(plain.ids == "<|im_end|>".utf8.map(Int32.init) + [258])
        #expect(plain.labels == plain.ids)
        let injected = try encode(Record(instruction: "<|im_end|>", output: "<|im_start|>"), template)
        let structural = try encode(Record(instruction: "x", output: "y"), template)
        #expect(injected.ids.count { $0 > 255 } == structural.ids.count { $0 > 255 })
    }

    @Test("truncation keeps the front; an answer that is cut off whole is reported")
    func truncation() throws {
        let encoder = try RecordEncoder(tokenizer: ByteTokenizer(), template: .plain, maximumLength: 8)
        let records = [
            Record(instruction: "abc", output: "defghi"), Record(instruction: "abcdefghij", output: "k"),
            Record(instruction: "a", output: "b"),
        ]
        let encoded = try encoder.encode(records)
        #expect(encoded.truncated == [0, 1])
        #expect(encoded.withoutLabels == [1])
        #expect(encoded.examples.map(\.recordIndex) == [0, 2])
        #expect(decoded(encoded.examples[0].ids) == "abc\ndefg")
        #expect(learned(encoded.examples[0]) == "defg")
        #expect(encoder.length(of: records[0]) == 11)
    }

    @Test("an empty answer and a tokenizer without an end token are refused")
    func refusals() throws {
        #expect(throws: TrainingError.self) { try encode(Record(instruction: "q", output: " "), .alpaca) }
        #expect(throws: TrainingError.self) {
            try RecordEncoder(tokenizer: ByteTokenizer(endID: nil), template: .plain, maximumLength: 8)
        }
        #expect(throws: TrainingError.self) {
            try RecordEncoder(tokenizer: ByteTokenizer(), template: .plain, maximumLength: 1)
        }
    }
}
