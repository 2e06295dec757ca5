import Checkpoints
import Foundation
import Testing
import Tokenizers

/// Published vocabularies against llama.cpp's own test vectors. Skipped unless FSOT_TOKENIZERS names the folder.
@Suite(.enabled(if: Locations.tokenizers != nil, "set FSOT_TOKENIZERS to run these"))
struct PublishedTokenizerTests {
    private let folder: String

    init() throws { folder = try #require(Locations.tokenizers) }

    private func vectors(_ name: String) throws -> [(text: String, ids: [Int32])] {
        let base = "\(folder)/llama.cpp-vectors/ggml-vocab-\(name).gguf"
        let texts = try String(contentsOfFile: "\(base).inp", encoding: .utf8)
            .components(separatedBy: "\n__ggml_vocab_test__\n")
        let lines = try String(contentsOfFile: "\(base).out", encoding: .utf8).components(separatedBy: "\n")
        // Both files end with a separator.
        return zip(texts.dropLast(), lines.dropLast()).map { ($0, $1.split(separator: " ").compactMap { Int32($0) }) }
    }

    @Test(arguments: ["gpt-2", "qwen2", "llama-spm"]) func encodesAsLlamaCpp(name: String) throws {
        let tokenizer = try Tokenizer(
            gguf: GGUFFile(path: "\(folder)/llama.cpp-vectors/ggml-vocab-\(name).gguf")
        )
        let vectors = try vectors(name)
        try #require(vectors.count == 46)
        for (text, ids) in vectors {
            #expect(tokenizer.encode(text, parsesSpecialTokens: false) == ids, "\(text.debugDescription)")
        }
    }

    @Test func readsVocabularyAndMergesOfGPT2() throws {
        let tokenizer = try Tokenizer(directory: "\(folder)/gpt2")
        for (text, ids) in try vectors("gpt-2") {
            #expect(tokenizer.encode(text, parsesSpecialTokens: false) == ids, "\(text.debugDescription)")
            #expect(tokenizer.decode(ids).isExactly(text))
        }
    }

    @Test func readsVocabularyAndMergesOfQwen() throws {
        let tokenizer = try Tokenizer(directory: "\(folder)/qwen")
        for (text, ids) in try vectors("qwen2") {
            #expect(tokenizer.encode(text, parsesSpecialTokens: false) == ids, "\(text.debugDescription)")
        }
        #expect(tokenizer.endID == 151645)
        #expect(try tokenizer.recognizedChatTemplate() == .qwen3)
    }
}
