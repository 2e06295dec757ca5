import ArgumentParser
import Foundation
import LanguageModels
import Progress
import Tokenizers

/// `fsot generate`: continue a prompt.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a prompt, or answer a question with --chat.",
        discussion: """
            The text appears as it is generated. Without --chat the prompt is continued as it stands: special tokens in \
            it are parsed, and a begin token is added only with --bos.

            Example:
              fsot generate model.gguf --prompt "The capital of France is" --greedy --max-tokens 16
              fsot generate model.gguf --chat --prompt "What is gravity?" --temperature 0.7 --seed 1
              fsot generate model.gguf --adapter run/adapter --prompt "Dear Dr Weiss," --greedy
            """
    )

    @OptionGroup var source: ModelOptions

    @Option(help: "What to continue.")
    var prompt: String

    @Flag(help: "Ask as a user, in the model's own chat template.")
    var chat = false

    @Option(help: "With --chat: the system message; without it the template's own.")
    var system: String?

    @Flag(help: "Begin with the model's begin-of-sequence token.")
    var bos = false

    @Option(help: "New tokens at most.")
    var maxTokens = 128

    @Flag(help: "Take the likeliest token every time.")
    var greedy = false

    @Option(help: "Divides the logits: below 1 is bolder, above 1 more varied; 0 is greedy (default: 0.8).")
    var temperature: Double?

    @Option(help: "Draw from the K likeliest tokens only.")
    var topK: Int?

    @Option(help: "Draw from the likeliest tokens that together reach this probability (default: 0.95).")
    var topP: Double?

    @Option(help: "Decides the draws.")
    var seed: UInt64 = 0

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var text: String
        var ids: [Int32]
        var promptTokens: Int
        var newTokens: Int
        var stopped: String
        var tokensPerSecond: Double
    }

    func validate() throws {
        if greedy && (temperature != nil || topK != nil || topP != nil) {
            throw ValidationError("--greedy leaves nothing to draw; leave --temperature, --top-k and --top-p out")
        }
        if maxTokens < 1 { throw ValidationError("--max-tokens \(maxTokens) must be at least 1") }
        if let temperature, !(temperature >= 0 && temperature.isFinite) {
            throw ValidationError("--temperature \(temperature) must be 0 or a positive number")
        }
        if let topK, topK < 1 { throw ValidationError("--top-k \(topK) must be at least 1") }
        if let topP, !(topP > 0 && topP <= 1) {
            throw ValidationError("--top-p \(topP) must be above 0 and at most 1")
        }
        if system != nil && !chat { throw ValidationError("--system needs --chat") }
    }

    func run() throws {
        let console = options.console
        let loaded = try source.load(for: console)
        let ids = try promptIDs(loaded)
        try loaded.model.validate(ids)
        let sampling =
            greedy
            ? Sampling.greedy : Sampling(temperature: temperature ?? 0.8, topK: topK, topP: topP ?? 0.95, seed: seed)
        if !chat && !options.json { Self.write(prompt) }
        var stream = TextStream(loaded.tokenizer)
        let start = ContinuousClock.now
        let new = try loaded.model.generate(
            ids,
            maximumTokens: maxTokens,
            sampling: sampling,
            stopIDs: loaded.stopIDs
        ) { token in
            let text = stream.append(token)
            if !options.json { Self.write(text) }
            return !Interruption.isRequested
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let rest = stream.finish()
        if !options.json { Self.write(rest + "\n") }
        let isFull = new.count == maxTokens || ids.count + new.count > loaded.maximumTokens
        let stopped = Interruption.isRequested ? "interrupted" : isFull ? "length" : "end"
        let speed = Double(new.count) / max(elapsed, 1e-9)
        if options.json {
            console.print(
                try Console.encode(
                    Result(
                        text: stream.text,
                        ids: new,
                        promptTokens: ids.count,
                        newTokens: new.count,
                        stopped: stopped,
                        tokensPerSecond: speed
                    )
                )
            )
        }
        console.note(
            "\(ids.count) prompt tokens, \(new.count) new, \(ProgressMeter.rate(speed, "tokens")), stopped by \(stopped)"
        )
        if Interruption.isRequested { throw ExitStatus.interrupted }
    }

    private func promptIDs(_ loaded: LoadedModel) throws -> [Int32] {
        var ids: [Int32]
        if chat {
            guard let template = try loaded.tokenizer.recognizedChatTemplate() else {
                throw CommandFailure("\(source.model) has no chat template; leave --chat out.")
            }
            var messages = [ChatMessage(role: "user", content: prompt)]
            if let system { messages.insert(ChatMessage(role: "system", content: system), at: 0) }
            ids = try loaded.tokenizer.encode(messages, template: template, addsGenerationPrompt: true).ids
        } else {
            ids = loaded.tokenizer.encode(prompt, parsesSpecialTokens: true)
        }
        if bos {
            guard let begin = loaded.tokenizer.beginID else {
                throw CommandFailure("\(source.model) has no begin-of-sequence token; leave --bos out.")
            }
            ids.insert(begin, at: 0)
        }
        return ids
    }

    private static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

/// Decodes tokens as they come, holding back characters whose bytes have not all arrived.
struct TextStream {
    private let tokenizer: Tokenizer
    private var ids: [Int32] = []
    private var shown = 0
    /// All text so far, special tokens left out.
    private(set) var text = ""

    init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// Adds a token; returns what can be shown now.
    mutating func append(_ id: Int32) -> String {
        ids.append(id)
        text = tokenizer.decode(ids, skipsSpecialTokens: true)
        return text.hasSuffix("\u{FFFD}") ? "" : advance()
    }

    /// What was held back.
    mutating func finish() -> String { advance() }

    private mutating func advance() -> String {
        let bytes = Array(text.utf8)
        defer { shown = max(shown, bytes.count) }
        return bytes.count > shown ? String(decoding: bytes[shown...], as: UTF8.self) : ""
    }
}
