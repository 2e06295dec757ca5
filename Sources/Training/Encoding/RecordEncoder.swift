/// Turns records into token ids with labels on the answer only.
///
/// As FS-LLM (and Stanford Alpaca) does it: a prompt and the answer after it are tokenised as one text, the tokens that
/// the prompt alone would take carry no label, the end token is appended to the answer, and what exceeds the maximum
/// length is cut off at the end. There is no padding: FS-LLM pads on the right, which under causal attention changes no
/// real token, so leaving it out is exact. Record text never becomes a special token.
public struct RecordEncoder: Sendable {
    /// The template.
    public let template: PromptTemplate
    /// The longest example, in tokens.
    public let maximumLength: Int

    private let tokenizer: any TokenEncoding
    private let endID: Int32
    private let specials: [String: Int32]
    private let defaultSystem: String?

    /// Makes an encoder.
    ///
    /// - Parameters:
    ///   - tokenizer: the model's tokenizer; it must have an end token.
    ///   - template: how records are rendered.
    ///   - maximumLength: in tokens, at least 2.
    ///   - defaultSystem: for ChatML, the system turn put first when the record has none (SmolLM2 and Qwen2 have one).
    /// - Throws: `TrainingError.templateNeedsToken`, `.badSetting`.
    public init(
        tokenizer: any TokenEncoding,
        template: PromptTemplate,
        maximumLength: Int,
        defaultSystem: String? = nil
    ) throws {
        guard maximumLength >= 2 else {
            throw TrainingError.badSetting(
                name: "--max-length",
                reason: "is \(maximumLength); it must be at least 2 tokens"
            )
        }
        guard let endID = tokenizer.endID else {
            throw TrainingError.templateNeedsToken(template: template.rawValue, token: "end-of-sequence")
        }
        var specials: [String: Int32] = [:]
        if template == .chatml {
            for token in ["<|im_start|>", "<|im_end|>"] {
                guard let id = tokenizer.id(of: token) else {
                    throw TrainingError.templateNeedsToken(template: template.rawValue, token: token)
                }
                specials[token] = id
            }
        }
        self.tokenizer = tokenizer
        self.template = template
        self.maximumLength = maximumLength
        self.endID = endID
        self.specials = specials
        self.defaultSystem = defaultSystem
    }

    /// Encodes one record; the labels may all be cut off, see ``EncodedExample/labelledTokenCount``.
    ///
    /// - Throws: `TrainingError.cannotEncode` when the record has nothing to learn.
    public func encode(_ record: Record, index: Int) throws -> EncodedExample {
        guard !record.hasEmptyAnswer else {
            throw TrainingError.cannotEncode(
                record: "Record \(index + 1)",
                reason: "the answer is empty; correct or remove this record"
            )
        }
        let whole = wholeExample(record, index: index)
        guard whole.ids.count > maximumLength else { return whole }
        return EncodedExample(
            ids: Array(whole.ids.prefix(maximumLength)),
            labels: Array(whole.labels.prefix(maximumLength)),
            recordIndex: index,
            isTruncated: true
        )
    }

    /// Encodes all records; those whose answer was cut off whole are reported, not used.
    ///
    /// - Throws: as ``encode(_:index:)``.
    public func encode(_ records: [Record]) throws -> EncodedRecords {
        var result = EncodedRecords(examples: [], truncated: [], withoutLabels: [])
        for (index, record) in records.enumerated() {
            let example = try encode(record, index: index)
            if example.isTruncated { result.truncated.append(index) }
            if example.labelledTokenCount == 0 {
                result.withoutLabels.append(index)
            } else {
                result.examples.append(example)
            }
        }
        return result
    }

    /// The number of tokens of a record before truncation.
    public func length(of record: Record) -> Int {
        wholeExample(record, index: 0).ids.count
    }

    private func wholeExample(_ record: Record, index: Int) -> EncodedExample {
        var ids: [Int32] = []
        var labels: [Int32] = []
        func append(_ more: [Int32], unlabelled: Int) {
            ids += more
            let masked = min(unlabelled, more.count)
            labels += Array(repeating: EncodedExample.ignoredLabel, count: masked) + more[masked...]
        }
        var prompt = ""
        func flushPrompt() {
            guard !prompt.isEmpty else { return }
            append(tokenizer.encode(prompt, parsesSpecialTokens: false), unlabelled: .max)
            prompt = ""
        }
        for piece in template.pieces(of: record, defaultSystem: defaultSystem) {
            switch piece {
            case .prompt(let text): prompt += text
            case .answer(let text):
                let masked = prompt.isEmpty ? 0 : tokenizer.encode(prompt, parsesSpecialTokens: false).count
                append(tokenizer.encode(prompt + text, parsesSpecialTokens: false), unlabelled: masked)
                prompt = ""
            case .special(let token, let isLearned):
                flushPrompt()
                append(specials[token].map { [$0] } ?? [], unlabelled: isLearned ? 0 : 1)
            case .end:
                flushPrompt()
                append([endID], unlabelled: 0)
            }
        }
        flushPrompt()
        return EncodedExample(ids: ids, labels: labels, recordIndex: index)
    }
}

/// The outcome of encoding a file.
public struct EncodedRecords: Sendable {
    /// Examples with at least one labelled token, in record order.
    public var examples: [EncodedExample]
    /// Records that lost tokens to the maximum length.
    public var truncated: [Int]
    /// Records whose whole answer was cut off, so that nothing is left to learn; not among the examples.
    public var withoutLabels: [Int]
}
