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
                && !($0.content.utf8.starts(with: "<tool_response>".utf8)
                    && $0.content.utf8.reversed().starts(with: "</tool_response>".utf8.reversed()))
        }
        return (question ?? messages.count - 1) + 1
    }
}

/// An assistant's message in Qwen3's terms: what it thought and what it said.
///
/// All on bytes: for Swift's characters a marker followed by a combining mark would not be there.
private struct ReasoningAnswer {
    let reasoning: String
    let content: String

    private static let newline = UInt8(ascii: "\n")

    init(_ message: String) {
        let parts = Array(message.utf8).split(separator: Array("</think>".utf8), omittingEmptySubsequences: false)
        guard parts.count > 1, let before = parts.first, let after = parts.last else {
            reasoning = ""
            content = message
            return
        }
        let thought = Array(Self.trimmingEnd(before)).split(
            separator: Array("<think>".utf8),
            omittingEmptySubsequences: false
        )
        reasoning = Self.text((thought.last ?? []).drop { $0 == Self.newline })
        content = Self.text(after.drop { $0 == Self.newline })
    }

    var withReasoning: String {
        let thought = Self.trimmingEnd(Array(reasoning.utf8).drop { $0 == Self.newline })
        return "<think>\n\(Self.text(thought))\n</think>\n\n"
            + Self.text(Array(content.utf8).drop { $0 == Self.newline })
    }

    private static func trimmingEnd(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes.lastIndex { $0 != newline }.map { bytes[...$0] } ?? []
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
