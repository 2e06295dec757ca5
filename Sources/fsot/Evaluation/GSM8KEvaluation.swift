import Foundation
import LanguageModels
import Progress
import Tokenizers
import Training

/// GSM8K (arXiv 2110.14168): the model reasons freely, and what counts is the number after "The answer is".
struct GSM8KEvaluation {
    let loaded: LoadedModel
    let progress: ProgressHandler
    let template: PromptTemplate
    let maximumTokens: Int

    /// The share of questions whose number is exactly right. Greedy, no worked examples in the prompt.
    func run(_ task: EvaluationTask, limit: Int?) throws -> EvaluationFigure {
        let records = Array(try RecordFile.read(task.path).prefix(limit ?? .max))
        let chatTemplate = template == .chatml ? try loaded.tokenizer.recognizedChatTemplate() : nil
        var correct = 0
        progress(ProgressEvent(phase: task.name, completed: 0, total: records.count, unit: "questions"))
        for (index, record) in records.enumerated() {
            guard let expected = Self.answer(in: record.answer) else {
                throw CommandFailure(
                    "\(task.path) record \(index + 1) has no number after \"####\" or \"The answer is\"; give GSM8K's file."
                )
            }
            if try answer(to: record, chatTemplate: chatTemplate) == expected { correct += 1 }
            progress(
                ProgressEvent(
                    phase: task.name,
                    completed: index + 1,
                    total: records.count,
                    unit: "questions",
                    figures: [("right", Double(correct) / Double(index + 1))]
                )
            )
            if Interruption.isRequested { throw CancellationError() }
        }
        return .share(task.name, "exact match (\(template.rawValue))", correct: correct, of: records.count)
    }

    private func answer(to record: Record, chatTemplate: ChatTemplate?) throws -> Decimal? {
        let text = template.prompt(instruction: record.instruction ?? "", input: record.input)
        let prompt: [Int32]
        if let chatTemplate {
            prompt = try loaded.tokenizer.encode(
                [ChatMessage(role: "user", content: text)],
                template: chatTemplate,
                addsGenerationPrompt: true
            ).ids
        } else {
            prompt = loaded.tokenizer.encode(text, parsesSpecialTokens: false)
        }
        var stream = TextStream(loaded.tokenizer)
        _ = try loaded.model.generate(prompt, maximumTokens: maximumTokens, stopIDs: loaded.stopIDs) { token in
            _ = stream.append(token)
            return !Self.isAnswered(stream.text) && !Interruption.isRequested
        }
        return Self.answer(in: stream.text)
    }

    /// Whether the number after the phrase is complete, so that nothing that follows can change it.
    private static func isAnswered(_ text: String) -> Bool {
        guard let rest = afterPhrase(text), answer(in: text) != nil, let last = rest.last else { return false }
        return last == "\n" || last == " " && rest.dropLast().last?.isWhitespace == false
    }

    private static func afterPhrase(_ text: String) -> Substring? {
        text.range(of: "The answer is", options: .caseInsensitive).map { text[$0.upperBound...] }
    }

    /// The first number after "The answer is"; thousands separators and currency signs do not matter.
    static func answer(in text: String) -> Decimal? {
        guard let rest = afterPhrase(text) else { return nil }
        let line = rest.split(separator: "\n", omittingEmptySubsequences: true).first ?? ""
        guard let match = line.firstMatch(of: #/-?\$?-?[0-9][0-9,]*(?:\.[0-9]+)?|-?\.[0-9]+/#) else { return nil }
        let digits = match.output.filter { $0 != "," && $0 != "$" }
        return Decimal(string: String(digits), locale: Locale(identifier: "en_US_POSIX"))
    }
}
