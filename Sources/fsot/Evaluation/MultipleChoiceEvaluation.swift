import Checkpoints
import Foundation
import LanguageModels
import Progress
import Tokenizers

/// Multiple choice: the answer is the choice that the model finds likeliest after the question.
struct MultipleChoiceEvaluation {
    let loaded: LoadedModel
    let progress: ProgressHandler

    private struct Question {
        var prompt: String
        var choices: [String]
        var label: Int
    }

    /// Two shares of right answers, as EleutherAI's lm-evaluation-harness reports them for ARC: by the sum of the
    /// choice's log-probabilities, and by that sum divided by the choice's length in bytes.
    func run(_ task: EvaluationTask, limit: Int?) throws -> [EvaluationFigure] {
        let questions = Array(try read(task.path).prefix(limit ?? .max))
        var (bySum, byLength) = (0, 0)
        progress(ProgressEvent(phase: task.name, completed: 0, total: questions.count, unit: "questions"))
        for (index, question) in questions.enumerated() {
            let scores = try score(question)
            if Self.best(scores) == question.label { bySum += 1 }
            let normalized = zip(scores, question.choices).map { $0 / Double(max($1.utf8.count, 1)) }
            if Self.best(normalized) == question.label { byLength += 1 }
            progress(
                ProgressEvent(
                    phase: task.name,
                    completed: index + 1,
                    total: questions.count,
                    unit: "questions",
                    figures: [("accuracy", Double(bySum) / Double(index + 1))]
                )
            )
            if Interruption.isRequested { throw CancellationError() }
        }
        return [
            .share(task.name, "accuracy", correct: bySum, of: questions.count),
            .share(task.name, "accuracy, by byte", correct: byLength, of: questions.count),
        ]
    }

    /// Prompt and choice are tokenised as one text, and the tokens past the prompt's are the choice's.
    private func score(_ question: Question) throws -> [Double] {
        let prefix = loaded.tokenizer.encode(question.prompt, parsesSpecialTokens: false)
        let pairs = question.choices.map { choice in
            let whole = loaded.tokenizer.encode(question.prompt + " " + choice, parsesSpecialTokens: false)
            let shared = min(prefix.count, whole.count - 1)
            return (prefix: Array(whole[..<shared]), continuation: Array(whole[shared...]))
        }
        return try loaded.model.completionLogLikelihoods(pairs).map(\.logLikelihood)
    }

    private static func best(_ scores: [Double]) -> Int? {
        scores.indices.max { (scores[$0], $1) < (scores[$1], $0) }
    }

    private func read(_ path: String) throws -> [Question] {
        let questions = try JSONLines.read(path).map { line, value in
            func refuse(_ reason: String) -> CommandFailure {
                CommandFailure(
                    "\(path) line \(line): \(reason); each line must be {\"question\": \"…\", \"choices\": [\"…\", …], "
                        + "\"label\": 0}."
                )
            }
            guard let question = value["question"]?.string, !question.isEmpty else { throw refuse("no \"question\"") }
            let choices = value["choices"]?.array?.compactMap(\.string) ?? []
            guard choices.count > 1, choices.count == value["choices"]?.array?.count else {
                throw refuse("\"choices\" is not a list of two or more texts")
            }
            guard let label = value["label"]?.int, choices.indices.contains(label) else {
                throw refuse("\"label\" is not the number of a choice, counted from 0")
            }
            return Question(prompt: "Question: \(question)\nAnswer:", choices: choices, label: label)
        }
        guard !questions.isEmpty else { throw CommandFailure("\(path) holds no questions; give another file.") }
        return questions
    }
}
