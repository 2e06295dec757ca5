/// What can be wrong with a tokenizer's files or with a request to it.
public enum TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No file of `path` describes a tokenizer.
    case missingTokenizer(path: String)
    /// `file` cannot be read as the format that its name promises.
    case malformed(file: String, reason: String)
    /// `file` names a pipeline stage that this program does not have.
    case unsupported(file: String, stage: String, name: String)
    /// The tokenizer's largest id has no row in the model's embedding.
    case doesNotFitModel(file: String, largestID: Int32, embeddingRows: Int)
    /// The model brings a chat template that is not ChatML.
    case unsupportedChatTemplate(name: String)
    /// The ChatML markers are not tokens of this vocabulary.
    case missingChatToken(file: String, token: String)
    /// A chat template refuses these messages.
    case invalidMessages(reason: String)

    /// One sentence that names the file and what to do.
    public var description: String {
        switch self {
        case .missingTokenizer(let path):
            "\(path) holds no tokenizer: add tokenizer.json (or vocab.json and merges.txt) beside the weights."
        case .malformed(let file, let reason):
            "\(file) is not a usable tokenizer (\(reason)): get an undamaged copy from the model's publisher."
        case .unsupported(let file, let stage, let name):
            "\(file) uses the \(stage) \(name), which fsot does not have: use a model with a GPT-2, SmolLM2, Qwen2, "
                + "Llama-3, GPT-NeoX or LLaMA tokenizer."
        case .doesNotFitModel(let file, let largestID, let rows):
            "The tokenizer of \(file) has ids up to \(largestID), but the model embeds only \(rows): "
                + "use the tokenizer that came with this model."
        case .unsupportedChatTemplate(let name):
            "The chat template “\(name)” is not one of SmolLM2's or Qwen2's ChatML templates: "
                + "choose --template alpaca or --template plain."
        case .missingChatToken(let file, let token):
            "The tokenizer of \(file) has no token \(token), so ChatML cannot be written with it: "
                + "choose --template alpaca or --template plain."
        case .invalidMessages(let reason):
            "The messages cannot be rendered (\(reason)): correct the record's messages."
        }
    }
}
