import Checkpoints
import Foundation

extension Tokenizer {
    /// A tokenizer.json that Hugging Face `tokenizers` and `transformers` open and that gives the same ids: the model's own
    /// bytes where it had one, otherwise written from the definition.
    ///
    /// - Throws: nothing today; the signature leaves room for vocabularies that the format cannot hold.
    public func tokenizerJSON() throws -> Data {
        metadata.tokenizerJSON ?? Data(definition.json.canonicalText.utf8)
    }

    /// The files that stand beside tokenizer.json in a Hugging Face directory, by name: the model's own where it had
    /// them, otherwise a tokenizer_config.json that makes `AutoTokenizer` use tokenizer.json as it is.
    public var companionFiles: [String: Data] {
        if metadata.companionFiles["tokenizer_config.json"] != nil { return metadata.companionFiles }
        var files = metadata.companionFiles
        files["tokenizer_config.json"] = configurationJSON
        return files
    }

    /// A tokenizer_config.json of what matters to a user: special tokens and chat template. Unlike the model's own it
    /// holds nothing else, such as the path or name that the owner loaded its model from.
    public var configurationJSON: Data {
        var configuration: JSONValue = [
            "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false,
        ]
        func set(_ key: String, _ token: String?) {
            if let token { configuration[key] = .string(token) }
        }
        set("bos_token", beginID.flatMap(token(of:)))
        set("eos_token", endID.flatMap(token(of:)))
        set("pad_token", padID.flatMap(token(of:)))
        set("unk_token", definition.unknownToken)
        set("chat_template", chatTemplate)
        return Data(configuration.prettyText.utf8)
    }
}

extension TokenizerDefinition {
    /// This definition as a tokenizer.json.
    var json: JSONValue {
        var vocabulary = JSONObject()
        for (id, token) in tokens.enumerated() {
            if let token, vocabulary[token] == nil { vocabulary[token] = .int(id) }
        }
        return [
            "version": "1.0", "truncation": nil, "padding": nil,
            "added_tokens": .array(addedTokens.map(Self.json)),
            "normalizer": Self.sequence(normalizer.map(Self.json), key: "normalizers"),
            "pre_tokenizer": Self.sequence(preTokenizerSteps, key: "pretokenizers"),
            "post_processor": nil,
            "decoder": Self.sequence(decoder.steps.map(Self.json), key: "decoders"),
            "model": [
                "type": "BPE", "dropout": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
                "unk_token": unknownToken.map { .string($0) } ?? nil, "fuse_unk": .bool(fusesUnknown),
                "byte_fallback": .bool(fallsBackToBytes), "ignore_merges": .bool(ignoresMerges),
                "vocab": .object(vocabulary),
                "merges": .array(merges.map { .array([.string($0.left), .string($0.right)]) }),
            ],
        ]
    }

    private static func sequence(_ steps: [JSONValue], key: String) -> JSONValue {
        switch steps.count {
        case 0: .null
        case 1: steps[0]
        default: ["type": "Sequence", key: .array(steps)]
        }
    }

    private static func json(_ token: AddedToken) -> JSONValue {
        [
            "id": .int(Int(token.id)), "content": .string(token.content), "special": .bool(token.isSpecial),
            "normalized": .bool(token.isNormalized), "lstrip": .bool(token.stripsLeft),
            "rstrip": .bool(token.stripsRight), "single_word": .bool(token.isSingleWord),
        ]
    }

    private static func json(_ transform: TextTransform) -> JSONValue {
        switch transform {
        case .canonicalComposition: ["type": "NFC"]
        case .prepend(let prefix): ["type": "Prepend", "prepend": .string(prefix)]
        case .replace(let pattern, let content):
            ["type": "Replace", "pattern": ["String": .string(pattern)], "content": .string(content)]
        // Only a pre-tokenizer has this one, and writes it as its own flag.
        case .prependIfMissing: nil
        }
    }

    private var preTokenizerSteps: [JSONValue] {
        if !isByteLevel { return metaspaceSteps }
        let addsPrefix = !preTokenizer.transforms.isEmpty
        var steps: [JSONValue] = []
        var usesPattern = false
        for split in preTokenizer.splits {
            switch split {
            case .digits(let individually):
                steps.append(["type": "Digits", "individual_digits": .bool(individually)])
            case .pattern(.gpt2) where split == preTokenizer.splits.last:
                usesPattern = true
            case .pattern(let pattern):
                steps.append([
                    "type": "Split", "pattern": ["Regex": .string(pattern.expression)], "behavior": "Isolated",
                    "invert": false,
                ])
            case .before: break
            }
        }
        steps.append([
            "type": "ByteLevel", "add_prefix_space": .bool(addsPrefix), "trim_offsets": true,
            "use_regex": .bool(usesPattern),
        ])
        return steps
    }

    private var metaspaceSteps: [JSONValue] {
        guard case .replace(_, let marker)? = preTokenizer.transforms.first else { return [] }
        var scheme = "never"
        if case .prependIfMissing(_, let onlyAtStart)? = preTokenizer.transforms.last {
            scheme = onlyAtStart ? "first" : "always"
        }
        return [
            [
                "type": "Metaspace", "replacement": .string(marker), "prepend_scheme": .string(scheme),
                "split": .bool(!preTokenizer.splits.isEmpty),
            ]
        ]
    }

    private static func json(_ step: TokenDecoder.Step) -> JSONValue {
        switch step {
        case .byteLevel: ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true]
        case .byteFallback: ["type": "ByteFallback"]
        case .fuse: ["type": "Fuse"]
        case .replace(let pattern, let content):
            ["type": "Replace", "pattern": ["String": .string(pattern)], "content": .string(content)]
        case .strip(let scalar, let start, let stop):
            ["type": "Strip", "content": .string(String(scalar)), "start": .int(start), "stop": .int(stop)]
        case .metaspace(let marker, let dropsFirst):
            [
                "type": "Metaspace", "replacement": .string(String(marker)),
                "prepend_scheme": dropsFirst ? "always" : "never", "split": true,
            ]
        }
    }
}
