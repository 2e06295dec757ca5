import Checkpoints
import Foundation
import Testing
import Tokenizers

/// Small tokenizers of our own making, one a pipeline, against Hugging Face tokenizers (Fixtures/tokenizers/make.py).
@Suite struct SmallTokenizerTests {
    static let names = ["gpt2", "gpt2-prefix", "smollm2", "qwen2", "llama3", "gpt-neox", "llama", "metaspace"]

    private func cases(_ name: String) throws -> [ReferenceCase] {
        let cases = try ReferenceCase.read("\(Locations.fixtures)/\(name)/cases.json")
        try #require(cases.count == 157)
        return cases
    }

    @Test(arguments: names) func encodesAsTheReference(name: String) throws {
        let tokenizer = try Tokenizer(directory: "\(Locations.fixtures)/\(name)")
        for example in try cases(name) {
            #expect(
                tokenizer.encode(example.text, parsesSpecialTokens: true) == example.ids,
                "\(example.text.debugDescription)"
            )
        }
    }

    @Test(arguments: names) func encodesOrdinaryTextAsTheReference(name: String) throws {
        let tokenizer = try Tokenizer(directory: "\(Locations.fixtures)/\(name)")
        for example in try cases(name) {
            let ids = tokenizer.encode(example.text, parsesSpecialTokens: false)
            #expect(ids == example.plain, "\(example.text.debugDescription)")
        }
    }

    @Test(arguments: names) func decodesAsTheReference(name: String) throws {
        let tokenizer = try Tokenizer(directory: "\(Locations.fixtures)/\(name)")
        for example in try cases(name) {
            #expect(tokenizer.decode(example.ids).isExactly(example.decoded), "\(example.text.debugDescription)")
            let skipping = tokenizer.decode(example.ids, skipsSpecialTokens: true)
            #expect(skipping.isExactly(example.decodedSkippingSpecial), "\(example.text.debugDescription)")
        }
    }

    @Test(arguments: names) func copiesTheModelsOwnFile(name: String) throws {
        let path = "\(Locations.fixtures)/\(name)"
        let original = try Data(contentsOf: URL(fileURLWithPath: "\(path)/tokenizer.json"))
        #expect(try Tokenizer(directory: path).tokenizerJSON() == original)
    }

    @Test(arguments: names) func noTextBecomesASpecialToken(name: String) throws {
        let tokenizer = try Tokenizer(directory: "\(Locations.fixtures)/\(name)")
        let unknown = tokenizer.id(of: "<unk>")
        for id in Int32(0)...tokenizer.largestID where tokenizer.isSpecial(id) && id != unknown {
            let token = try #require(tokenizer.token(of: id))
            let ids = tokenizer.encode("x \(token) \(token)\(token)", parsesSpecialTokens: false)
            #expect(!ids.contains { tokenizer.isSpecial($0) && $0 != unknown }, "\(token)")
        }
    }

    @Test func encodesTheSameFromManyThreads() async throws {
        let tokenizer = try Tokenizer(directory: "\(Locations.fixtures)/qwen2")
        let examples = try cases("qwen2")
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    examples.allSatisfy { tokenizer.encode($0.text, parsesSpecialTokens: true) == $0.ids }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    @Test func refusesAnEmbeddingThatIsTooSmall() throws {
        let tokenizer = try Tokenizer(directory: "\(Locations.fixtures)/gpt-neox")
        #expect(tokenizer.largestID == 569)
        #expect(tokenizer.vocabularySize == 570)
        try tokenizer.requireFit(embeddingRows: 570)
        #expect(throws: TokenizerError.self) { try tokenizer.requireFit(embeddingRows: 569) }
    }
}
