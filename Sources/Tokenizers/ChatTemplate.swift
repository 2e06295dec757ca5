/// How a conversation is written for a model: the ChatML templates of SmolLM2 and Qwen.
public enum ChatTemplate: Sendable, Equatable {
    /// `<|im_start|>role⏎content<|im_end|>⏎` for each message, after a default system message if there is one and the
    /// conversation does not start with its own: SmolLM2, Qwen2, Qwen2.5 (without tools).
    case chatML(defaultSystem: String?)
    /// Qwen3's ChatML: no default system message; reasoning (`<think>`) is dropped from all answers but those after the
    /// last question, which get a reasoning block, if an empty one.
    case qwen3

    private static let roles: Set<String> = ["system", "user", "assistant"]

    /// The conversation in stretches, in order; joined they are exactly what the model's own template renders.
    ///
    /// - Parameter addsGenerationPrompt: whether the start of an assistant's turn comes last.
    /// - Throws: `TokenizerError.invalidMessages` without messages, and for a role other than system, user and assistant:
    ///   the template writes the role itself, so a role from a record could forge a turn.
    public func segments(
        _ messages: [ChatMessage],
        addsGenerationPrompt: Bool
    ) throws(TokenizerError) -> [ChatSegment] {
        guard let first = messages.first else { throw .invalidMessages(reason: "there are none") }
        var segments: [ChatSegment] = []
        if case .chatML(let defaultSystem?) = self, first.role != "system" {
            segments.append(
                ChatSegment(
                    text: "<|im_start|>system\n\(defaultSystem)<|im_end|>\n",
                    kind: .header,
                    messageIndex: nil
                )
            )
        }
        let firstAfterQuestion = Self.firstIndexAfterQuestion(in: messages)
        for (index, message) in messages.enumerated() {
            guard Self.roles.contains(message.role) else {
                throw .invalidMessages(
                    reason: "message \(index + 1) has the role “\(message.role)”, not system, user or assistant"
                )
            }
            func append(_ text: String, _ kind: ChatSegment.Kind) {
                segments.append(ChatSegment(text: text, kind: kind, messageIndex: index))
            }
            append("<|im_start|>\(message.role)\n", .header)
            if self == .qwen3, message.role == "assistant" {
                let answer = ReasoningAnswer(message.content)
                let showsReasoning =
                    index >= firstAfterQuestion && (index + 1 == messages.count || !answer.reasoning.isEmpty)
                append(showsReasoning ? answer.withReasoning : answer.content, .content)
            } else {
                append(message.content, .content)
            }
            append("<|im_end|>\n", .footer)
        }
        if addsGenerationPrompt {
            segments.append(ChatSegment(text: "<|im_start|>assistant\n", kind: .header, messageIndex: nil))
        }
        return segments
    }

    /// The conversation as one text, as `apply_chat_template(tokenize=False)` gives it.
    ///
    /// To encode it use ``Tokenizer/encode(_:template:addsGenerationPrompt:)``: in this text a record's own
    /// `<|im_end|>` can no longer be told from the template's.
    ///
    /// - Throws: as ``segments(_:addsGenerationPrompt:)``.
    public func render(_ messages: [ChatMessage], addsGenerationPrompt: Bool) throws(TokenizerError) -> String {
        try segments(messages, addsGenerationPrompt: addsGenerationPrompt).map(\.text).joined()
    }

    /// Qwen3 takes a user turn that is one tool response for a part of the answer, not for a question.
    private static func firstIndexAfterQuestion(in messages: [ChatMessage]) -> Int {
        let question = messages.lastIndex {
            $0.role == "user"
                && !($0.content.hasPrefix("<tool_response>") && $0.content.hasSuffix("</tool_response>"))
        }
        return (question ?? messages.count - 1) + 1
    }
}

/// An assistant's message in Qwen3's terms: what it thought and what it said.
private struct ReasoningAnswer {
    let reasoning: String
    let content: String

    init(_ message: String) {
        let parts = message.split(separator: "</think>", omittingEmptySubsequences: false)
        guard parts.count > 1, let before = parts.first, let after = parts.last else {
            reasoning = ""
            content = message
            return
        }
        let thought = Self.trimmingNewlines(before, atStart: false).split(
            separator: "<think>",
            omittingEmptySubsequences: false
        )
        reasoning = String(Self.trimmingNewlines(thought.last ?? "", atEnd: false))
        content = String(Self.trimmingNewlines(after, atEnd: false))
    }

    var withReasoning: String {
        "<think>\n\(Self.trimmingNewlines(reasoning[...]))\n</think>\n\n"
            + Self.trimmingNewlines(content[...], atEnd: false)
    }

    private static func trimmingNewlines(
        _ text: Substring,
        atStart: Bool = true,
        atEnd: Bool = true
    ) -> Substring {
        var scalars = text.unicodeScalars
        if atStart { scalars = scalars.drop { $0 == "\n" } }
        while atEnd, scalars.last == "\n" { scalars.removeLast() }
        return Substring(scalars)
    }
}
