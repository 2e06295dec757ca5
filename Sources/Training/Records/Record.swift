/// One turn of a conversation.
public struct RecordMessage: Codable, Sendable, Equatable, Hashable {
    /// `"system"`, `"user"` or `"assistant"`.
    public var role: String
    /// What was said.
    public var content: String

    /// Makes a turn.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// One private training example, in exactly one of three forms: instruction, text or messages.
///
/// The instruction form follows FS-LLM (arXiv 2309.00363): `{instruction, input, output, category}`. Two public data
/// sets are read as they are: GSM8K's `{question, answer}`, whose `####` becomes `The answer is` as in FS-LLM, and
/// Dolly's `{instruction, context, response}`. Unknown keys are ignored.
public struct Record: Codable, Sendable, Equatable, Hashable {
    /// What is asked.
    public var instruction: String?
    /// Context of the instruction; nil and empty mean the same.
    public var input: String?
    /// The answer that is learned.
    public var output: String?
    /// The label that `lda` and `meta` splits go by.
    public var category: String?
    /// Free text, learned as a whole.
    public var text: String?
    /// A conversation; only the assistant's turns are learned.
    public var messages: [RecordMessage]?
    /// Whom the record is about (patient, customer): coins and held-out splits never separate one subject's records.
    public var subject: String?

    /// The three forms.
    public enum Form: String, Sendable {
        /// `instruction` (or only `output`), with an optional `input`.
        case instruction
        /// `text`.
        case text
        /// `messages`.
        case messages
    }

    /// Makes a record of the instruction form.
    public init(
        instruction: String,
        input: String? = nil,
        output: String?,
        category: String? = nil,
        subject: String? = nil
    ) {
        self.instruction = instruction
        self.input = input
        self.output = output
        self.category = category
        self.subject = subject
    }

    /// Makes a record of the text form.
    public init(text: String, category: String? = nil, subject: String? = nil) {
        self.text = text
        self.category = category
        self.subject = subject
    }

    /// Makes a record of the messages form.
    public init(messages: [RecordMessage], category: String? = nil, subject: String? = nil) {
        self.messages = messages
        self.category = category
        self.subject = subject
    }

    /// The form, by which key is present: messages, then text, then instruction.
    public var form: Form {
        if messages != nil { return .messages }
        return text != nil ? .text : .instruction
    }

    /// What the model learns to say: the output, the whole text, or the assistant's turns joined by newlines.
    public var answer: String {
        switch form {
        case .instruction: return output ?? ""
        case .text: return text ?? ""
        case .messages:
            return (messages ?? []).filter { $0.role == "assistant" }.map(\.content).joined(separator: "\n")
        }
    }

    /// Everything a holder wrote in this record, joined by newlines; what duplicate and identifier scans look at.
    public var fullText: String {
        switch form {
        case .instruction:
            return [instruction, input, output].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "\n")
        case .text: return text ?? ""
        case .messages: return (messages ?? []).map(\.content).joined(separator: "\n")
        }
    }

    /// Whether nothing but white space would be learned.
    public var hasEmptyAnswer: Bool {
        answer.allSatisfy(\.isWhitespace)
    }
}

extension Record {
    private enum Key: String, CodingKey {
        case instruction
        case input
        case output
        case category
        case text
        case messages
        case subject
        case question
        case answer
        case context
        case response
    }

    /// Reads any of the accepted forms.
    ///
    /// - Throws: `DecodingError`; ``RecordFile`` turns it into a ``TrainingError`` with the file and the line.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func string(_ key: Key) throws -> String? { try values.decodeIfPresent(String.self, forKey: key) }
        // Labels and subjects are often numbers in exported tables.
        func label(_ key: Key) throws -> String? {
            if let number = try? values.decodeIfPresent(Int.self, forKey: key) { return String(number) }
            return try string(key)
        }
        category = try label(.category)
        subject = try label(.subject)
        messages = try values.decodeIfPresent([RecordMessage].self, forKey: .messages)
        if messages != nil { return }
        instruction = try string(.instruction)
        if instruction == nil {
            text = try string(.text)
            if text != nil { return }
            instruction = try string(.question)
            if instruction != nil {
                output = try string(.answer)?.replacing("####", with: "The answer is")
                return
            }
        }
        input = try string(.input) ?? string(.context)
        output = try string(.output) ?? string(.response)
    }

    /// Writes the canonical keys of the record's form; absent ones are left out.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        try values.encodeIfPresent(instruction, forKey: .instruction)
        try values.encodeIfPresent(input, forKey: .input)
        try values.encodeIfPresent(output, forKey: .output)
        try values.encodeIfPresent(category, forKey: .category)
        try values.encodeIfPresent(text, forKey: .text)
        try values.encodeIfPresent(messages, forKey: .messages)
        try values.encodeIfPresent(subject, forKey: .subject)
    }
}
