extension ChatTemplate {
    /// The template that a model's own Jinja text is.
    ///
    /// There is no Jinja here: the texts that SmolLM2 and Qwen publish are known by what they say, and any other is
    /// refused. Guessing would train and prompt a model in a form that it never saw.
    ///
    /// - Throws: `TokenizerError.unsupportedChatTemplate` with the template's usual name, or its first line.
    public static func recognize(_ jinja: String) throws(TokenizerError) -> ChatTemplate {
        // Some publishers store the escape, some the line break that it stands for.
        let text = jinja.replacing("\\n", with: "\n")
        if let template = simpleChatML(text) ?? qwen25(text) ?? qwen3(text) { return template }
        throw .unsupportedChatTemplate(name: name(of: jinja))
    }

    /// SmolLM2, Qwen2 and others: one loop, with or without a default system message.
    private static func simpleChatML(_ text: String) -> ChatTemplate? {
        let loop =
            "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
        let opening = "{% for message in messages %}"
        if text == opening + loop { return .chatML(defaultSystem: nil) }
        let start = opening + "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
        let end = "<|im_end|>\n' }}{% endif %}" + loop
        guard text.hasPrefix(start), text.hasSuffix(end), text.count >= start.count + end.count else { return nil }
        return chatML(saying: text.dropFirst(start.count).dropLast(end.count))
    }

    /// Qwen2.5: the same without tools, wrapped in the tools' code.
    private static func qwen25(_ text: String) -> ChatTemplate? {
        let loop = """
            {%- if (message.role == "user") or (message.role == "system" and not loop.first) or \
            (message.role == "assistant" and not message.tool_calls) %}
                    {{- '<|im_start|>' + message.role + '
            ' + message.content + '<|im_end|>' + '
            ' }}
            """
        let ending = "{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\n' }}\n{%- endif %}"
        guard text.contains(loop), trimmed(text).hasSuffix(ending),
            let start = text.range(of: "{%- else %}\n        {{- '<|im_start|>system\n", after: text.startIndex),
            let end = text.range(of: "<|im_end|>\n' }}", after: start.upperBound)
        else { return nil }
        return chatML(saying: text[start.upperBound..<end.lowerBound])
    }

    private static func qwen3(_ text: String) -> ChatTemplate? {
        let fragments = [
            "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}",
            "{%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) %}",
            "{%- if loop.index0 > ns.last_query_index %}",
            "{%- if loop.last or (not loop.last and reasoning_content) %}",
            "{%- if enable_thinking is defined and enable_thinking is false %}",
        ]
        return fragments.allSatisfy { text.contains($0) } ? .qwen3 : nil
    }

    /// A default system message is a Jinja literal: with a quote or an escape in it, it is not the text that it seems.
    private static func chatML(saying literal: Substring) -> ChatTemplate? {
        literal.contains("'") || literal.contains("\\") ? nil : .chatML(defaultSystem: String(literal))
    }

    private static func trimmed(_ text: String) -> Substring {
        var rest = text[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }

    private static func name(of jinja: String) -> String {
        let marks = [
            ("<|start_header_id|>", "Llama-3"), ("[INST]", "Llama-2/Mistral [INST]"), ("<start_of_turn>", "Gemma"),
            ("<|im_start|>", "a ChatML variant"), ("<|assistant|>", "Zephyr/Phi-3"),
            ("<|START_OF_TURN_TOKEN|>", "Command-R"), ("### Instruction:", "Alpaca as Jinja"),
        ]
        let firstLine = String(jinja.prefix { !$0.isNewline }.prefix(60))
        guard let mark = marks.first(where: { jinja.contains($0.0) }) else { return firstLine }
        return "\(mark.1): \(firstLine)"
    }
}

extension String {
    fileprivate func range(of text: String, after start: Index) -> Range<Index>? {
        self[start...].firstRange(of: text)
    }
}
