import Foundation
import LanguageModels
import Progress
import Tokenizers
import Training

/// Perplexity: of running text in windows, or of the answers of records.
struct PerplexityEvaluation {
    let loaded: LoadedModel
    let progress: ProgressHandler

    /// Perplexity of a text file, or of the `text` (else the whole content) of records, in windows that do not overlap.
    ///
    /// Each window starts without context, so longer windows give lower figures: they are only comparable at one length.
    /// The standard error is over windows.
    func ofText(_ task: EvaluationTask, window: Int, limit: Int?) throws -> EvaluationFigure {
        let texts =
            EvaluationTask.holdsRecords(task.path)
            ? try RecordFile.read(task.path).map(\.fullText)
            : [String(decoding: try InputFile.data(task.path), as: UTF8.self)]
        let length = min(window, loaded.maximumTokens)
        var windows: [[Int32]] = []
        for text in texts {
            let ids = loaded.tokenizer.encode(text, parsesSpecialTokens: false)
            windows += stride(from: 0, to: ids.count, by: length).map { Array(ids[$0..<min($0 + length, ids.count)]) }
        }
        windows = Array(windows.filter { $0.count > 1 }.prefix(limit ?? .max))
        guard !windows.isEmpty else {
            throw CommandFailure("\(task.path) holds no text to predict; give a longer one.")
        }
        let examples = windows.enumerated().map { EncodedExample(ids: $1, labels: $1, recordIndex: $0) }
        let figures = try measure(task, examples)
        return .perplexity(task.name, "perplexity, windows of \(length) tokens", figures)
    }

    /// Perplexity of what the records' answers say, given their prompts; the standard error is over records.
    func ofAnswers(
        _ task: EvaluationTask,
        template: PromptTemplate,
        maximumLength: Int,
        columns: ColumnMapping?,
        limit: Int?
    ) throws -> EvaluationFigure {
        let encoder = try RecordEncoder(
            loaded.tokenizer,
            template: template,
            maximumLength: maximumLength,
            configuration: loaded.model.configuration
        )
        let records = Array(try RecordFile.read(task.path, columns: columns).prefix(limit ?? .max))
        let encoded = try encoder.encode(records)
        guard !encoded.examples.isEmpty else {
            throw CommandFailure(
                "No record of \(task.path) has any answer left within --max-length \(maximumLength); raise it."
            )
        }
        return .perplexity(task.name, "answer perplexity (\(template.rawValue))", try measure(task, encoded.examples))
    }

    private func measure(_ task: EvaluationTask, _ examples: [EncodedExample]) throws -> RecordPerplexity {
        let figures = try RecordPerplexity.measure(
            loaded.model,
            on: examples,
            phase: task.name,
            progress: progress,
            isCancelled: { Interruption.isRequested }
        )
        guard figures.perplexity.isFinite else {
            throw CommandFailure("\(task.name): the loss is not a finite number; check the adapter and the model.")
        }
        return figures
    }
}
