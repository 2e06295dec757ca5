import Checkpoints
import Emulators
import Foundation
import LanguageModels
import TestSupport
import Testing
import Tokenizers
import Training

/// Text to distil on: read from files, held out, and made up by the model.
@Suite struct PublicTextTests {
    private let folder: TemporaryFolder
    private let tokenizer: Tokenizer

    init() throws {
        folder = try TemporaryFolder()
        let fixtures = URL(fileURLWithPath: Golden.committedRoot).deletingLastPathComponent().path + "/commands"
        let model = Golden.committedRoot + "/tiny/llama/model"
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder.file("model"), withIntermediateDirectories: true)
        for path in ["\(model)/config.json", "\(model)/model.safetensors", "\(fixtures)/tokenizer.json"] {
            let name = URL(fileURLWithPath: path).lastPathComponent
            try manager.copyItem(atPath: path, toPath: folder.file("model/\(name)"))
        }
        tokenizer = try Tokenizer.load(from: Checkpoint.open(folder.file("model")))
    }

    private func read(_ text: String, _ name: String, length: Int = 8) throws -> PublicText {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
        return try PublicText.read(folder.file(name), tokenizer: tokenizer, length: length)
    }

    @Test func plainTextIsCutIntoWindows() throws {
        let text = try read("abcdefghijklmnopqrst", "a.txt")
        #expect(text.sequences.map(\.count) == [8, 8, 4])
        #expect(text.sequences.flatMap { $0 }.map { tokenizer.decode([$0]) }.joined() == "abcdefghijklmnopqrst")
        #expect(text.source == "a.txt" && text.tokenCount == 20)
        #expect(try read("abcdefghi", "b.TXT").sequences.map(\.count) == [8], "one token alone predicts nothing")
    }

    @Test func licencesOfProjectGutenbergStayOut() throws {
        let book = "Licence\n*** START OF THE BOOK ***\nOnce upon a time\n*** END OF THE BOOK ***\nMore licence\n"
        let text = try read(book, "book.txt", length: 100)
        #expect(text.sequences.map { tokenizer.decode($0) } == ["\nOnce upon a time\n"])
        let odd = "*** END OF *** START OF"
        #expect(try read(odd, "odd.txt", length: 100).sequences.map { tokenizer.decode($0) } == [odd])
    }

    @Test func recordsAreOneSequenceEach() throws {
        let text = try read("{\"text\":\"first one\"}\n{\"text\":\"second <|im_end|>\"}\n", "r.jsonl", length: 12)
        #expect(text.sequences.map { tokenizer.decode($0) } == ["first one", "second <|im_"])
        let special = try #require(tokenizer.id(of: "<|im_end|>"))
        #expect(!text.sequences.joined().contains(special), "text became a special token")
    }

    @Test func nothingToReadIsSaid() throws {
        #expect(throws: EmulatorError.self) { try read("", "empty.txt") }
        #expect(throws: EmulatorError.self) { try read("a", "one.txt") }
        #expect(throws: TrainingError.self) { try read("", "empty.jsonl") }
        #expect(throws: TrainingError.self) {
            try PublicText.read(folder.file("none.txt"), tokenizer: tokenizer, length: 8)
        }
        try Data([0x61, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: folder.file("bytes.txt")))
        #expect(throws: TrainingError.self) {
            try PublicText.read(folder.file("bytes.txt"), tokenizer: tokenizer, length: 8)
        }
    }

    @Test func holdingOutParts() {
        let text = PublicText(sequences: (0..<25).map { [$0, $0] }, source: "x")
        let (rest, heldOut) = text.holdingOut(every: 10)
        #expect(heldOut.sequences == [[9, 9], [19, 19]])
        #expect(rest.sequences.count == 23 && Set(rest.sequences + heldOut.sequences) == Set(text.sequences))
    }

    @Test func theModelMakesUpTextThatTheSeedDecides() throws {
        let model = try Golden.committedModel("llama")
        func make(_ seed: UInt64) throws -> PublicText {
            try PublicText.generated(by: model, start: 2, tokens: 200, length: 16, seed: seed) { _ in true }
        }
        let first = try make(1)
        #expect(first.sequences.allSatisfy { (2...16).contains($0.count) && !$0.contains(2) })
        #expect((150...200).contains(first.tokenCount))
        #expect(try make(1).sequences == first.sequences)
        #expect(try make(2).sequences != first.sequences)
        #expect(throws: CancellationError.self) {
            try PublicText.generated(by: model, start: 2, tokens: 200, length: 16, seed: 1) { _ in false }
        }
    }
}
