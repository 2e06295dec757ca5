import Checkpoints
import Foundation

extension Tokenizer {
    /// The tokenizer of a Hugging Face directory: tokenizer.json, or vocab.json with merges.txt of a GPT-2 or Qwen2
    /// tokenizer; with tokenizer_config.json, special_tokens_map.json, chat_template.jinja and config.json where present.
    ///
    /// - Throws: `TokenizerError`, and `CheckpointError` for a file that cannot be read or is not JSON.
    public convenience init(directory: String) throws {
        try self.init(directory: CheckpointDirectory(path: directory))
    }

    /// The tokenizer of a Hugging Face directory on disk or in memory; see ``init(directory:)-(String)``.
    ///
    /// - Throws: `TokenizerError`, `CheckpointError`.
    public convenience init(directory: CheckpointDirectory) throws {
        let files = TokenizerDirectory(directory: directory)
        let definition = try files.definition()
        try self.init(definition, metadata: try files.metadata(for: definition))
    }
}

/// The tokenizer files of one Hugging Face directory.
struct TokenizerDirectory {
    private static let copiedFiles = ["tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"]

    let directory: CheckpointDirectory

    private var path: String { directory.path }

    private func path(of name: String) -> String { directory.path(of: name) }

    private func json(_ name: String) throws -> JSONValue? {
        // `.none`, because a bare `nil` would be the JSON value `null`.
        directory.contains(name) ? try directory.json(name) : .none
    }

    private func data(_ name: String) throws -> Data? {
        guard directory.contains(name) else { return nil }
        do {
            return try directory.data(name)
        } catch {
            throw TokenizerError.malformed(file: path(of: name), reason: "it cannot be read")
        }
    }

    func definition() throws -> TokenizerDefinition {
        if let json = try json("tokenizer.json") {
            return try TokenizerJSONReader(file: path(of: "tokenizer.json")).definition(from: json)
        }
        guard let vocabulary = try json("vocab.json"), let merges = try data("merges.txt") else {
            throw TokenizerError.missingTokenizer(path: path)
        }
        let reader = TokenizerJSONReader(file: path(of: "vocab.json"))
        return try definition(tokens: try reader.tokens(vocabulary), merges: merges)
    }

    /// vocab.json and merges.txt leave the pipeline to the class that tokenizer_config.json names.
    private func definition(tokens: [String?], merges: Data) throws -> TokenizerDefinition {
        let file = path(of: "merges.txt")
        var rules: [TokenizerDefinition.Merge] = []
        for (number, line) in merges.split(separator: UInt8(ascii: "\n")).enumerated() {
            // Files that passed through Windows end their lines with CR LF.
            let text = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            if text.isEmpty { continue }
            if number == 0 && text.hasPrefix("#version") { continue }
            guard let merge = TokenizerDefinition.Merge(line: text, rank: Int32(rules.count)) else {
                throw TokenizerError.malformed(file: file, reason: "line \(number + 1) is not a pair of tokens")
            }
            rules.append(merge)
        }
        let configuration = try json("tokenizer_config.json")
        let name = configuration?["tokenizer_class"]?.string ?? "GPT2Tokenizer"
        let split: SplitPattern
        switch name {
        case "GPT2Tokenizer", "GPT2TokenizerFast": split = .gpt2
        case "Qwen2Tokenizer", "Qwen2TokenizerFast": split = .qwen2
        default:
            throw TokenizerError.unsupported(
                file: path(of: "tokenizer_config.json"),
                stage: "tokenizer_class",
                name: name
            )
        }
        var definition = TokenizerDefinition(
            source: file,
            tokens: tokens,
            merges: rules,
            preTokenizer: PreTokenizer(splits: [.pattern(split)])
        )
        if split == .qwen2 { definition.normalizer = [.canonicalComposition] }
        definition.addedTokens = try addedTokens(configuration, tokens: tokens)
        return definition
    }

    private func addedTokens(_ configuration: JSONValue?, tokens: [String?]) throws -> [AddedToken] {
        guard let decoder = configuration?["added_tokens_decoder"]?.object else {
            // GPT-2's one special token stands in its vocabulary and in no other file.
            let end = tokens.firstIndex { $0 == "<|endoftext|>" }
            return end.map { [AddedToken(id: Int32($0), content: "<|endoftext|>", isSpecial: true)] } ?? []
        }
        return try decoder.map { id, value in
            guard let id = Int32(id), let content = value["content"]?.string else {
                throw TokenizerError.malformed(
                    file: path(of: "tokenizer_config.json"),
                    reason: "added_tokens_decoder has an entry without content"
                )
            }
            return AddedToken(
                id: id,
                content: content,
                isSpecial: value["special"]?.bool ?? false,
                isNormalized: value["normalized"]?.bool ?? false,
                stripsLeft: value["lstrip"]?.bool ?? false,
                stripsRight: value["rstrip"]?.bool ?? false,
                isSingleWord: value["single_word"]?.bool ?? false
            )
        }.sorted { $0.id < $1.id }
    }

    // MARK: - Metadata

    func metadata(for definition: TokenizerDefinition) throws -> TokenizerMetadata {
        let configuration = try json("tokenizer_config.json")
        let map = try json("special_tokens_map.json")
        let model = try json("config.json")
        var ids: [ExactString: Int32] = [:]
        for (id, token) in definition.tokens.enumerated() {
            if let token { ids[ExactString(token)] = Int32(id) }
        }
        for token in definition.addedTokens { ids[ExactString(token.content)] = token.id }
        func id(_ name: String) -> Int32? {
            for file in [configuration, map] {
                guard let value = file?["\(name)_token"], let token = value.string ?? value["content"]?.string else {
                    continue
                }
                if let id = ids[ExactString(token)] { return id }
            }
            let value = model?["\(name)_token_id"]
            return (value?.int ?? value?[0]?.int).flatMap(Int32.init(exactly:))
        }
        var companions: [String: Data] = [:]
        for name in Self.copiedFiles { companions[name] = try data(name) }
        return TokenizerMetadata(
            beginID: id("bos"),
            endID: id("eos"),
            padID: id("pad"),
            chatTemplate: try chatTemplate(in: configuration),
            tokenizerJSON: try data("tokenizer.json"),
            companionFiles: companions
        )
    }

    private func chatTemplate(in configuration: JSONValue?) throws -> String? {
        if let jinja = try data("chat_template.jinja") { return String(decoding: jinja, as: UTF8.self) }
        guard let value = configuration?["chat_template"] else { return nil }
        if let template = value.string { return template }
        let named = value.array ?? []
        return (named.first { $0["name"]?.string == "default" } ?? named.first)?["template"]?.string
    }
}
