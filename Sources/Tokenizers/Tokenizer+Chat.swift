/// An encoded conversation.
public struct EncodedChat: Sendable, Equatable {
    /// The ids.
    public var ids: [Int32]
    /// For each id the index of the segment that its text ends in; as many as `ids`.
    public var segmentIndices: [Int]
    /// The segments, in order.
    public var segments: [ChatSegment]

    /// For each id whether the model is to learn it: the content of assistant messages and the token that ends them.
    ///
    /// - Parameter endID: the token that ends a turn; the line break after it is not learned.
    public func isAnswer(messages: [ChatMessage], endID: Int32) -> [Bool] {
        zip(ids, segmentIndices).map { id, index in
            let segment = segments[index]
            guard let message = segment.messageIndex, messages[message].role == "assistant" else { return false }
            return segment.kind == .content || (segment.kind == .footer && id == endID)
        }
    }
}

extension Tokenizer {
    /// Encodes segments as one text, so that the ids are those of the rendered conversation, but parses special tokens
    /// only in what the template wrote: a record's own `<|im_end|>` stays ordinary text.
    public func encode(_ segments: [ChatSegment]) -> EncodedChat {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var templateRanges: [Range<Int>] = []
        for segment in segments {
            let start = bytes.count
            bytes.append(contentsOf: segment.text.utf8)
            ends.append(bytes.count)
            if segment.isTemplate { templateRanges.append(start..<bytes.count) }
        }
        let pass = EncodingPass(bytes, partEnds: ends, specialTokens: .within(templateRanges), tokenizer: self)
        return EncodedChat(ids: pass.ids, segmentIndices: pass.parts, segments: segments)
    }

    /// Renders and encodes a conversation.
    ///
    /// - Throws: `TokenizerError.missingChatToken` when the vocabulary lacks the ChatML markers, and what
    ///   ``ChatTemplate/segments(_:addsGenerationPrompt:)`` throws.
    public func encode(
        _ messages: [ChatMessage],
        template: ChatTemplate,
        addsGenerationPrompt: Bool
    ) throws(TokenizerError) -> EncodedChat {
        for token in ["<|im_start|>", "<|im_end|>"] {
            guard let id = id(of: token), isSpecial(id) else {
                throw .missingChatToken(file: definition.source, token: token)
            }
        }
        return encode(try template.segments(messages, addsGenerationPrompt: addsGenerationPrompt))
    }

    /// The model's own chat template.
    ///
    /// - Returns: nil for a model without one.
    /// - Throws: `TokenizerError.unsupportedChatTemplate`.
    public func recognizedChatTemplate() throws(TokenizerError) -> ChatTemplate? {
        guard let chatTemplate else { return nil }
        return try ChatTemplate.recognize(chatTemplate)
    }
}
