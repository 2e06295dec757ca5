import ArgumentParser
import AtomicFiles
import Checkpoints
import Foundation
import LanguageModels
import Tokenizers

/// `fsot tokenize`: texts to token ids and back.
struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the token ids of texts, and what they decode to.",
        discussion: """
            The input has {"text": …} or {"ids": […]} on each line; the output has "ids" and "decoded". No begin token \
            is added; special tokens in the text are parsed. The weights are not read.

            Example:
              fsot tokenize model.gguf --input texts.jsonl --output ids.jsonl
            """
    )

    @Argument(help: "A Hugging Face directory or a .gguf file.")
    var model: String

    @Option(help: "JSONL, optionally gzip.")
    var input: String

    @Option(name: [.short, .long], help: "The JSONL to write.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var output: String
        var texts: Int
        var tokens: Int
    }

    func run() throws {
        let files = try ModelFiles(path: model)
        let lines = try TextLines(
            path: input,
            tokenizer: files.tokenizer,
            vocabularySize: files.configuration.vocabularySize
        )
        let writer = try AtomicFileWriter(path: output)
        for entry in lines.entries {
            let json: JSONValue = [
                "ids": .array(entry.ids.map { .int(Int($0)) }),
                "decoded": .string(files.tokenizer.decode(entry.ids)),
            ]
            try writer.write(Data((json.canonicalText + "\n").utf8))
        }
        try writer.commit()
        let tokens = lines.entries.reduce(0) { $0 + $1.ids.count }
        try options.console.result(
            "\(output): \(lines.entries.count) texts, \(tokens) tokens",
            json: Result(output: output, texts: lines.entries.count, tokens: tokens)
        )
    }
}
