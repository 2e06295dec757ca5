/// One turn of a conversation.
public struct ChatMessage: Codable, Sendable, Equatable {
    /// Who speaks: `system`, `user` or `assistant`.
    public var role: String
    /// What is said.
    public var content: String

    /// A turn.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// A stretch of a rendered conversation.
public struct ChatSegment: Sendable, Equatable {
    /// Where a stretch comes from.
    public enum Kind: Sendable, Equatable {
        /// The template's text before a message's content.
        case header
        /// A message's own content: text of a record, in which nothing is ever a special token.
        case content
        /// The template's text after a message's content; it begins with the token that ends the turn.
        case footer
    }

    /// The text.
    public var text: String
    /// Where it comes from.
    public var kind: Kind
    /// The message that it belongs to; nil for what the template adds of its own (default system turn, prompt).
    public var messageIndex: Int?

    /// Whether the template wrote this, so that its special tokens are parsed.
    public var isTemplate: Bool { kind != .content }

    /// A stretch.
    public init(text: String, kind: Kind, messageIndex: Int?) {
        self.text = text
        self.kind = kind
        self.messageIndex = messageIndex
    }
}
