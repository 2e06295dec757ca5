import Foundation

/// What a model's files say about its tokenizer beyond the pipeline.
public struct TokenizerMetadata: Sendable {
    /// The token that begins a sequence.
    public var beginID: Int32?
    /// The token that ends a sequence.
    public var endID: Int32?
    /// The token that fills up a batch.
    public var padID: Int32?
    /// The chat template (Jinja).
    public var chatTemplate: String?
    /// The bytes of the model's own tokenizer.json, if it has one.
    public var tokenizerJSON: Data?
    /// The model's other tokenizer files by name, to be copied unchanged.
    public var companionFiles: [String: Data]

    /// All absent unless given.
    public init(
        beginID: Int32? = nil,
        endID: Int32? = nil,
        padID: Int32? = nil,
        chatTemplate: String? = nil,
        tokenizerJSON: Data? = nil,
        companionFiles: [String: Data] = [:]
    ) {
        self.beginID = beginID
        self.endID = endID
        self.padID = padID
        self.chatTemplate = chatTemplate
        self.tokenizerJSON = tokenizerJSON
        self.companionFiles = companionFiles
    }
}
