import Checkpoints
import Foundation
import Testing
import Tokenizers

/// SmolLM2's tokenizer from the model's own GGUF against the golden set. Skipped unless FSOT_MODEL names the GGUF and
/// FSOT_GOLDEN the set.
@Suite(.enabled(if: Locations.model != nil && Locations.golden != nil, "set FSOT_MODEL and FSOT_GOLDEN to run these"))
struct RealTokenizerTests {
    private let tokenizer: Tokenizer
    private let golden: String

    init() throws {
        tokenizer = try Tokenizer(gguf: GGUFFile(path: try #require(Locations.model)))
        golden = try #require(Locations.golden)
    }

    @Test func encodesAndDecodesTheGoldenTexts() throws {
        let cases = try ReferenceCase.read("\(golden)/tokenizer/cases.json")
        try #require(!cases.isEmpty)
        for example in cases {
            #expect(
                tokenizer.encode(example.text, parsesSpecialTokens: true) == example.ids,
                "\(example.text.debugDescription)"
            )
            #expect(tokenizer.decode(example.ids).isExactly(example.decoded))
            let skipping = tokenizer.decode(example.ids, skipsSpecialTokens: true)
            #expect(skipping.isExactly(example.decodedSkippingSpecial))
        }
    }

    @Test func rendersAndEncodesTheGoldenChats() throws {
        let chat = try JSONValue.read("\(golden)/tokenizer/chat.json")
        let cases = try #require(chat["cases"]?.array)
        try #require(!cases.isEmpty)
        let template = try ChatTemplate.recognize(try #require(chat["template"]?.string))
        #expect(try tokenizer.recognizedChatTemplate() == template)
        for example in cases {
            let messages = try (example["messages"]?.array ?? []).map {
                ChatMessage(
                    role: try #require($0["role"]?.string),
                    content: try #require($0["content"]?.string)
                )
            }
            let addsPrompt = example["add_generation_prompt"]?.bool ?? false
            let rendered = try template.render(messages, addsGenerationPrompt: addsPrompt)
            #expect(rendered.isExactly(example["rendered"]?.string))
            let encoded = try tokenizer.encode(messages, template: template, addsGenerationPrompt: addsPrompt)
            #expect(encoded.ids == ReferenceCase.ids(example["ids"]))
        }
    }

    @Test func knowsItsSpecialTokens() {
        #expect(tokenizer.vocabularySize == 49152)
        #expect(tokenizer.beginID == 1)
        #expect(tokenizer.endID == 2)
        #expect(tokenizer.padID == 2)
        #expect(tokenizer.token(of: 2) == "<|im_end|>")
    }

    @Test func encodesAMegabyteInLinearTime() throws {
        let cases = try ReferenceCase.read("\(golden)/tokenizer/cases.json")
        var text = ""
        while text.utf8.count < 1 << 20 { for example in cases { text += example.text + " \(text.utf8.count)\n" } }
        let clock = ContinuousClock()
        let elapsed = clock.measure { _ = tokenizer.encode(text, parsesSpecialTokens: true) }
        // A tenth of a second on an idle machine; quadratic merging would take minutes on any.
        #expect(elapsed < .seconds(10))
    }
}
