import Checkpoints
import Foundation
import Testing
import Tokenizers

/// A directory that disappears with the test.
private final class Scratch {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("fsot-\(UUID().uuidString)").path

    init(_ files: [String: String]) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct LoadingTests {
    private func json(_ name: String) throws -> JSONValue {
        try JSONValue.read("\(Locations.fixtures)/\(name)/tokenizer.json")
    }

    private func load(_ json: JSONValue, _ others: [String: String] = [:]) throws -> Tokenizer {
        let scratch = try Scratch(others.merging(["tokenizer.json": json.canonicalText]) { $1 })
        return try withExtendedLifetime(scratch) { try Tokenizer(directory: scratch.path) }
    }

    private func expectRefusal(naming words: String..., change: (inout JSONValue) -> Void) throws {
        var json = try json("gpt2")
        change(&json)
        #expect {
            _ = try load(json)
        } throws: { error in
            error is TokenizerError && words.allSatisfy { "\(error)".contains($0) }
        }
    }

    // MARK: - Refusals

    @Test func namesTheStageThatItDoesNotHave() throws {
        try expectRefusal(naming: "model", "Unigram") { $0["model"]?["type"] = "Unigram" }
        try expectRefusal(naming: "normalizer", "BertNormalizer") { $0["normalizer"] = ["type": "BertNormalizer"] }
        try expectRefusal(naming: "normalizer", "Lowercase") {
            $0["normalizer"] = ["type": "Sequence", "normalizers": [["type": "NFC"], ["type": "Lowercase"]]]
        }
        try expectRefusal(naming: "pre-tokenizer", "Whitespace") { $0["pre_tokenizer"] = ["type": "Whitespace"] }
        try expectRefusal(naming: "pattern", "[a-z]+") {
            $0["pre_tokenizer"] = ["type": "Split", "pattern": ["Regex": "[a-z]+"], "behavior": "Isolated"]
        }
        try expectRefusal(naming: "behavior", "Removed") {
            $0["pre_tokenizer"] = ["type": "Split", "pattern": ["Regex": "\\p{N}"], "behavior": "Removed"]
        }
        try expectRefusal(naming: "decoder", "WordPiece") { $0["decoder"] = ["type": "WordPiece"] }
        try expectRefusal(naming: "post-processor", "Magic") { $0["post_processor"] = ["type": "Magic"] }
        try expectRefusal(naming: "end_of_word_suffix") { $0["model"]?["end_of_word_suffix"] = "</w>" }
        try expectRefusal(naming: "dropout") { $0["model"]?["dropout"] = 0.1 }
    }

    @Test func refusesDamagedVocabularies() throws {
        try expectRefusal(naming: "no “model”") { $0["model"] = .none }
        try expectRefusal(naming: "vocabulary is missing") { $0["model"]?["vocab"] = .none }
        try expectRefusal(naming: "merges are missing") { $0["model"]?["merges"] = 3 }
        try expectRefusal(naming: "pair of tokens") { $0["model"]?["merges"] = ["a b c"] }
        try expectRefusal(naming: "merge “q zz”") { $0["model"]?["merges"] = ["q zz"] }
        try expectRefusal(naming: "occurs twice") { $0["model"]?["vocab"] = ["a": 1, "b": 1] }
        try expectRefusal(naming: "not a token id") { $0["model"]?["vocab"] = ["a": 4_000_000_000] }
        try expectRefusal(naming: "not a token id") { $0["model"]?["vocab"] = ["a": -1] }
        try expectRefusal(naming: "has the id 99999999") {
            $0["added_tokens"] = [["id": 99_999_999, "content": "<x>", "special": true]]
        }
    }

    @Test func saysWhatIsMissingFromADirectory() throws {
        let scratch = try Scratch(["config.json": "{}"])
        #expect(throws: TokenizerError.missingTokenizer(path: scratch.path)) {
            try Tokenizer(directory: scratch.path)
        }
    }

    @Test func refusesTruncatedFilesWithAnErrorNeverACrash() throws {
        let text = try String(contentsOfFile: "\(Locations.fixtures)/llama/tokenizer.json", encoding: .utf8)
        for length in stride(from: 0, to: text.utf8.count - 1, by: 997) {
            let scratch = try Scratch(["tokenizer.json": String(decoding: text.utf8.prefix(length), as: UTF8.self)])
            #expect(throws: (any Error).self) { try Tokenizer(directory: scratch.path) }
        }
    }

    // MARK: - Accepted variants

    @Test func readsMergesInBothForms() throws {
        var json = try json("gpt2")
        let lines = (json["model"]?["merges"]?.array ?? []).compactMap { pair -> JSONValue? in
            guard let left = pair[0]?.string, let right = pair[1]?.string else { return nil }
            return .string("\(left) \(right)")
        }
        #expect(lines.count > 200)
        json["model"]?["merges"] = .array(lines)
        let tokenizer = try load(json)
        for example in try ReferenceCase.read("\(Locations.fixtures)/gpt2/cases.json") {
            #expect(tokenizer.encode(example.text, parsesSpecialTokens: true) == example.ids)
        }
    }

    @Test func readsVocabularyAndMergesFiles() throws {
        for (name, kind) in [("gpt2", "GPT2Tokenizer"), ("qwen2", "Qwen2Tokenizer")] {
            let model = try #require(json(name)["model"])
            let merges = (model["merges"]?.array ?? []).map { "\($0[0]?.string ?? "") \($0[1]?.string ?? "")" }
            let added: JSONValue = [
                "0": ["content": "<|im_start|>", "special": true], "1": ["content": "<|im_end|>", "special": true],
            ]
            let configuration: JSONValue = ["tokenizer_class": .string(kind), "added_tokens_decoder": added]
            for lineEnd in ["\n", "\r\n"] {
                let scratch = try Scratch([
                    "vocab.json": try #require(model["vocab"]).canonicalText,
                    "merges.txt": (["#version: 0.2"] + merges).joined(separator: lineEnd) + lineEnd,
                    "tokenizer_config.json": configuration.canonicalText,
                ])
                let tokenizer = try Tokenizer(directory: scratch.path)
                for example in try ReferenceCase.read("\(Locations.fixtures)/\(name)/cases.json") {
                    #expect(tokenizer.encode(example.text, parsesSpecialTokens: true) == example.ids)
                }
            }
        }
    }

    @Test func readsSpecialTokensWhereverTheyStand() throws {
        let json = try json("gpt2")
        let configured = try load(
            json,
            [
                "tokenizer_config.json":
                    #"{"bos_token":{"content":"<|im_start|>"},"eos_token":"<|im_end|>","pad_token":null,"chat_template":"T"}"#
            ]
        )
        #expect(configured.beginID == 0)
        #expect(configured.endID == 1)
        #expect(configured.padID == nil)
        #expect(configured.chatTemplate == "T")
        let named = try load(
            json,
            [
                "tokenizer_config.json":
                    #"{"chat_template":[{"name":"rag","template":"R"},{"name":"default","template":"D"}]}"#,
                "special_tokens_map.json": #"{"pad_token":"<|im_start|>"}"#,
                "config.json": #"{"bos_token_id":7,"eos_token_id":[5,6]}"#,
            ]
        )
        #expect(named.beginID == 7)
        #expect(named.endID == 5)
        #expect(named.padID == 0)
        #expect(named.chatTemplate == "D")
        let jinja = try load(json, ["chat_template.jinja": "J", "tokenizer_config.json": #"{"chat_template":"T"}"#])
        #expect(jinja.chatTemplate == "J")
        #expect(jinja.companionFiles.keys.sorted() == ["chat_template.jinja", "tokenizer_config.json"])
    }

    @Test func canonicallyEquivalentTokensStayTwo() throws {
        var json = try json("metaspace")
        json["model"]?["vocab"]?["e\u{301}"] = 400
        json["model"]?["vocab"]?["\u{e9}"] = 401
        let tokenizer = try load(json)
        #expect(tokenizer.id(of: "e\u{301}") == 400)
        #expect(tokenizer.id(of: "\u{e9}") == 401)
    }
}
