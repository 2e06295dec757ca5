import Checkpoints
import Foundation
import Testing
import Tokenizers

/// GGUF metadata as plain values: the same pipelines as from tokenizer.json, and back to a tokenizer.json.
@Suite struct GGUFVocabularyTests {
    private func json(_ name: String) throws -> JSONValue {
        try JSONValue.read("\(Locations.fixtures)/\(name)/tokenizer.json")
    }

    /// What a converter would put into a GGUF for a fixture.
    private func vocabulary(_ name: String, model: String, preTokenizer: String?) throws -> GGUFVocabulary {
        let json = try json(name)
        let entries = try #require(json["model"]?["vocab"]?.object)
        var tokens = [String](repeating: "", count: entries.count)
        for (token, id) in entries { tokens[try #require(id.int)] = token }
        let special = Set((json["added_tokens"]?.array ?? []).compactMap { $0["id"]?.int })
        let merges = (json["model"]?["merges"]?.array ?? []).map { "\($0[0]?.string ?? "") \($0[1]?.string ?? "")" }
        return GGUFVocabulary(
            source: "\(name).gguf",
            model: model,
            preTokenizer: preTokenizer,
            tokens: tokens,
            types: tokens.indices.map { special.contains($0) ? 3 : 1 },
            merges: merges
        )
    }

    /// The llama fixture: scores are what SentencePiece writes, minus the place in the order of merges.
    private func llama() throws -> GGUFVocabulary {
        var vocabulary = try vocabulary("llama", model: "llama", preTokenizer: "default")
        vocabulary.scores = [Float](repeating: -10000, count: vocabulary.tokens.count)
        for (rank, merge) in vocabulary.merges.enumerated() {
            let token = merge.replacing(" ", with: "")
            let id = try #require(vocabulary.tokens.firstIndex { $0.isExactly(token) })
            if vocabulary.scores[id] == -10000 { vocabulary.scores[id] = -Float(rank) }
        }
        vocabulary.merges = []
        vocabulary.unknownID = 0
        vocabulary.types[0] = 2
        for id in vocabulary.tokens.indices where vocabulary.tokens[id].hasPrefix("<0x") { vocabulary.types[id] = 6 }
        return vocabulary
    }

    private func expectReference(_ name: String, _ tokenizer: Tokenizer) throws {
        for example in try ReferenceCase.read("\(Locations.fixtures)/\(name)/cases.json") {
            #expect(
                tokenizer.encode(example.text, parsesSpecialTokens: true) == example.ids,
                "\(example.text.debugDescription)"
            )
            #expect(
                tokenizer.encode(example.text, parsesSpecialTokens: false) == example.plain,
                "\(example.text.debugDescription)"
            )
            #expect(tokenizer.decode(example.ids).isExactly(example.decoded), "\(example.text.debugDescription)")
        }
    }

    /// The written tokenizer.json, read again.
    private func rewritten(_ tokenizer: Tokenizer) throws -> Tokenizer {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fsot-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try tokenizer.tokenizerJSON().write(to: folder.appendingPathComponent("tokenizer.json"))
        for (name, data) in tokenizer.companionFiles { try data.write(to: folder.appendingPathComponent(name)) }
        return try Tokenizer(directory: folder.path)
    }

    @Test(arguments: [("gpt2", "gpt-2"), ("smollm2", "smollm"), ("qwen2", "qwen2"), ("llama3", "llama-bpe")])
    func readsAndRewritesByteLevelVocabularies(name: String, preTokenizer: String) throws {
        let definition = try vocabulary(name, model: "gpt2", preTokenizer: preTokenizer).definition()
        let tokenizer = try Tokenizer(
            definition,
            metadata: TokenizerMetadata(beginID: 0, endID: 1, padID: 1, chatTemplate: "T")
        )
        try expectReference(name, tokenizer)
        let again = try rewritten(tokenizer)
        try expectReference(name, again)
        #expect(again.beginID == 0)
        #expect(again.endID == 1)
        #expect(again.padID == 1)
        #expect(again.chatTemplate == "T")
    }

    @Test func readsAndRewritesSentencePieceVocabularies() throws {
        let tokenizer = try Tokenizer(try llama().definition())
        try expectReference("llama", tokenizer)
        try expectReference("llama", try rewritten(tokenizer))
    }

    /// SentencePiece by its definition: join the best neighbours, the leftmost of equals, until nothing can be joined.
    @Test func joinsByScore() throws {
        let tokens = ["<unk>", "a", "b", "c", "ab", "bc", "cab", "aa", "▁", "▁a"]
        let scores: [Float] = [0, 0, 0, 0, -2, -1, -3, -1, 0, -1]
        var vocabulary = GGUFVocabulary(
            source: "x.gguf",
            model: "llama",
            preTokenizer: nil,
            tokens: tokens,
            scores: scores,
            types: [2] + [Int](repeating: 1, count: 9),
            addsSpacePrefix: false,
            unknownID: 0
        )
        let tokenizer = try Tokenizer(try vocabulary.definition())
        #expect(tokenizer.encode("abc", parsesSpecialTokens: false) == [1, 5])
        #expect(tokenizer.encode("ab", parsesSpecialTokens: false) == [4])
        #expect(tokenizer.encode("aaa", parsesSpecialTokens: false) == [7, 1])
        #expect(tokenizer.encode("aabc", parsesSpecialTokens: false) == [7, 5])
        #expect(tokenizer.encode("xyab", parsesSpecialTokens: false) == [0, 4])
        vocabulary.addsSpacePrefix = true
        #expect(try Tokenizer(try vocabulary.definition()).encode("ab", parsesSpecialTokens: false) == [9, 2])
    }

    @Test func findsUserDefinedTokensAlwaysAndControlTokensOnRequest() throws {
        var vocabulary = try vocabulary("gpt2", model: "gpt2", preTokenizer: "gpt-2")
        vocabulary.tokens.append("<tool>")
        vocabulary.types.append(4)
        let tokenizer = try Tokenizer(try vocabulary.definition())
        let tool = Int32(vocabulary.tokens.count - 1)
        #expect(tokenizer.encode("<tool><|im_end|>", parsesSpecialTokens: true) == [tool, 1])
        let plain = tokenizer.encode("<tool><|im_end|>", parsesSpecialTokens: false)
        #expect(plain.first == tool)
        #expect(!plain.contains(1))
    }

    @Test func refusesWhatItDoesNotHave() throws {
        func refusal(_ change: (inout GGUFVocabulary) -> Void) throws -> String {
            var vocabulary = try llama()
            change(&vocabulary)
            do {
                _ = try vocabulary.definition()
                return "accepted"
            } catch {
                return "\(error)"
            }
        }
        #expect(try refusal { $0.model = "bert" }.contains("tokenizer model bert"))
        #expect(try refusal { $0.scores.removeLast() }.contains("scores"))
        #expect(try refusal { $0.scores[300] = .nan }.contains("token 300 is not a number"))
        #expect(try refusal { $0.types.removeLast() }.contains("token types"))
        #expect(try refusal { $0.types[5] = 9 }.contains("unknown type 9"))
        func gpt2(_ preTokenizer: String?) throws -> String {
            do {
                _ = try vocabulary("gpt2", model: "gpt2", preTokenizer: preTokenizer).definition()
                return "accepted"
            } catch {
                return "\(error)"
            }
        }
        #expect(try gpt2("tekken").contains("tekken"))
        #expect(try gpt2(nil).contains("tokenizer.ggml.pre is missing"))
    }
}
