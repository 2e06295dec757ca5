/// How a record becomes a prompt and an answer.
public enum PromptTemplate: String, Codable, Sendable, CaseIterable {
    /// Stanford Alpaca's texts, as FS-LLM uses them; the form without "Input" when the input is empty.
    case alpaca
    /// ChatML, as SmolLM2 and Qwen2 use it.
    case chatml
    /// The instruction, a line break, the input and a line break if there is one, then the answer.
    case plain

    /// A stretch of a rendered record.
    enum Piece: Equatable {
        /// Context: no loss. Any text in it, the record's included, stays text.
        case prompt(String)
        /// What is learned.
        case answer(String)
        /// A special token of the template, by content; learned when it ends an answer.
        case special(String, isLearned: Bool)
        /// The tokenizer's end-of-sequence token, learned.
        case end
    }

    /// The prompt of an instruction, as text; what generation and evaluation put before the answer.
    ///
    /// Stanford Alpaca, `PROMPT_DICT` (Taori et al. 2023). For ``chatml`` use the model's chat template instead.
    public func prompt(instruction: String, input: String?) -> String {
        let input = input ?? ""
        switch self {
        case .alpaca:
            if input.isEmpty { return "\(Self.alpacaPreamble)### Instruction:\n\(instruction)\n\n### Response:" }
            return "Below is an instruction that describes a task, paired with an input that provides further context. "
                + "Write a response that appropriately completes the request.\n\n"
                + "### Instruction:\n\(instruction)\n\n### Input:\n\(input)\n\n### Response:"
        case .plain: return instruction + "\n" + (input.isEmpty ? "" : input + "\n")
        case .chatml: return input.isEmpty ? instruction : instruction + "\n\n" + input
        }
    }

    private static let alpacaPreamble =
        "Below is an instruction that describes a task. "
        + "Write a response that appropriately completes the request.\n\n"

    /// The record in pieces. `defaultSystem` is the system turn that ChatML models put first when there is none.
    func pieces(of record: Record, defaultSystem: String?) -> [Piece] {
        if record.form == .text { return [.answer(record.text ?? ""), .end] }
        let instruction = record.instruction ?? ""
        let output = record.output ?? ""
        switch self {
        case .alpaca, .plain:
            guard let messages = record.messages else {
                return [.prompt(prompt(instruction: instruction, input: record.input)), .answer(output), .end]
            }
            return self == .alpaca ? Self.alpacaConversation(messages) : Self.plainConversation(messages)
        case .chatml:
            let turns =
                record.messages ?? [
                    RecordMessage(role: "user", content: prompt(instruction: instruction, input: record.input)),
                    RecordMessage(role: "assistant", content: output),
                ]
            return Self.chatMLConversation(turns, defaultSystem: defaultSystem)
        }
    }

    /// One user turn and its answer give exactly the Alpaca form without input; further turns repeat the headings.
    private static func alpacaConversation(_ messages: [RecordMessage]) -> [Piece] {
        var pieces: [Piece] = []
        var prompt = ""
        let system = messages.filter { $0.role == "system" }.map(\.content).joined(separator: "\n\n")
        prompt = (system.isEmpty ? "" : system + "\n\n") + alpacaPreamble
        for message in messages where message.role != "system" {
            if message.role == "assistant" {
                pieces += [.prompt(prompt + "### Response:"), .answer(message.content), .end]
                prompt = "\n\n"
            } else {
                prompt += "### Instruction:\n\(message.content)\n\n"
            }
        }
        return pieces
    }

    private static func plainConversation(_ messages: [RecordMessage]) -> [Piece] {
        var pieces: [Piece] = []
        var prompt = ""
        for message in messages {
            if message.role == "assistant" {
                pieces += [.prompt(prompt), .answer(message.content), .end]
                prompt = "\n"
            } else {
                prompt += message.content + "\n"
            }
        }
        return pieces
    }

    private static func chatMLConversation(_ messages: [RecordMessage], defaultSystem: String?) -> [Piece] {
        var turns = messages
        if let defaultSystem, turns.first?.role != "system" {
            turns.insert(RecordMessage(role: "system", content: defaultSystem), at: 0)
        }
        return turns.flatMap { turn -> [Piece] in
            let isAnswer = turn.role == "assistant"
            return [
                .special("<|im_start|>", isLearned: false), .prompt(turn.role + "\n"),
                isAnswer ? .answer(turn.content) : .prompt(turn.content),
                .special("<|im_end|>", isLearned: isAnswer), .prompt("\n"),
            ]
        }
    }
}
