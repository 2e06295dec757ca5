import Checkpoints

/// Reads a tokenizer.json (Hugging Face `tokenizers`) into a definition. A stage that is not ours is refused by name:
/// a tokenizer that is nearly right gives a model that is quietly wrong.
struct TokenizerJSONReader {
    let file: String

    /// - Throws: `TokenizerError.malformed`, `TokenizerError.unsupported`.
    func definition(from json: JSONValue) throws(TokenizerError) -> TokenizerDefinition {
        guard let model = json["model"] else { throw malformed("it has no “model”") }
        let type = model["type"]?.string ?? (model["merges"] == nil ? "without a type" : "BPE")
        guard type == "BPE" else { throw unsupported("model", type) }
        for affix in ["continuing_subword_prefix", "end_of_word_suffix"] where model[affix]?.string?.isEmpty == false {
            throw unsupported("model", "BPE with \(affix)")
        }
        if let dropout = model["dropout"]?.double, dropout > 0 { throw unsupported("model", "BPE with dropout") }
        try PostProcessor.check(json["post_processor"] ?? .null, reader: self)

        var definition = TokenizerDefinition(
            source: file,
            tokens: try tokens(model["vocab"]),
            merges: try merges(model["merges"]),
            preTokenizer: PreTokenizer(splits: [])
        )
        definition.normalizer = try normalizer(json["normalizer"] ?? .null)
        (definition.preTokenizer, definition.isByteLevel) = try preTokenizer(json["pre_tokenizer"] ?? .null)
        definition.decoder = TokenDecoder(try decoder(json["decoder"] ?? .null))
        definition.addedTokens = try (json["added_tokens"]?.array ?? []).map(addedToken)
        definition.unknownToken = model["unk_token"]?.string
        definition.fusesUnknown = model["fuse_unk"]?.bool ?? false
        definition.fallsBackToBytes = model["byte_fallback"]?.bool ?? false
        definition.ignoresMerges = model["ignore_merges"]?.bool ?? false
        return definition
    }

    func malformed(_ reason: String) -> TokenizerError { .malformed(file: file, reason: reason) }

    func unsupported(_ stage: String, _ name: String) -> TokenizerError {
        .unsupported(file: file, stage: stage, name: name)
    }

    func tokens(_ vocabulary: JSONValue?) throws(TokenizerError) -> [String?] {
        guard let entries = vocabulary?.object else { throw malformed("its vocabulary is missing") }
        var tokens = [String?](repeating: nil, count: entries.count)
        for (token, value) in entries {
            guard let id = value.int, id >= 0, id < Int(Tokenizer.largestPossibleID) else {
                throw malformed("the id of “\(token)” is not a token id")
            }
            while tokens.count <= id { tokens.append(nil) }
            if tokens[id] != nil { throw malformed("the id \(id) occurs twice") }
            tokens[id] = token
        }
        return tokens
    }

    private func merges(_ value: JSONValue?) throws(TokenizerError) -> [TokenizerDefinition.Merge] {
        guard let rules = value?.array else { throw malformed("its merges are missing") }
        var merges: [TokenizerDefinition.Merge] = []
        merges.reserveCapacity(rules.count)
        for (rank, rule) in rules.enumerated() {
            if let pair = rule.array, pair.count == 2, let left = pair[0].string, let right = pair[1].string {
                merges.append(TokenizerDefinition.Merge(left: left, right: right, rank: Int32(rank)))
            } else if let line = rule.string, let merge = TokenizerDefinition.Merge(line: line, rank: Int32(rank)) {
                merges.append(merge)
            } else {
                throw malformed("merge number \(rank) is not a pair of tokens")
            }
        }
        return merges
    }

    private func addedToken(_ value: JSONValue) throws(TokenizerError) -> AddedToken {
        guard let content = value["content"]?.string, let id = value["id"]?.int.flatMap(Int32.init(exactly:)) else {
            throw malformed("an added token has no content or no id")
        }
        let isSpecial = value["special"]?.bool ?? false
        return AddedToken(
            id: id,
            content: content,
            isSpecial: isSpecial,
            isNormalized: value["normalized"]?.bool ?? !isSpecial,
            stripsLeft: value["lstrip"]?.bool ?? false,
            stripsRight: value["rstrip"]?.bool ?? false,
            isSingleWord: value["single_word"]?.bool ?? false
        )
    }
}

extension TokenizerDefinition.Merge {
    /// A rule as merges.txt and GGUF write it: two tokens with a space between.
    init?(line: String, rank: Int32) {
        let bytes = Array(line.utf8)
        guard let space = bytes.firstIndex(of: UInt8(ascii: " ")), space > 0, space + 1 < bytes.count,
            !bytes[(space + 1)...].contains(UInt8(ascii: " "))
        else { return nil }
        self.init(
            left: String(decoding: bytes[..<space], as: UTF8.self),
            right: String(decoding: bytes[(space + 1)...], as: UTF8.self),
            rank: rank
        )
    }
}
