import ArgumentParser
import Foundation
import Training

/// `fsot eval`: how good a model is, with standard errors.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure perplexity, multiple choice and GSM8K, with standard errors.",
        discussion: """
            A task is a name, NAME=FILE or a file:
              perplexity  perplexity of running text, in windows of --window tokens
              gsm8k       exact match of the number after "The answer is", greedy
              arc_easy    multiple choice by log-likelihood, also divided by the choice's length in bytes
              FILE.jsonl  records: perplexity of the answers; {"question", "choices", "label"}: multiple choice
            Data sets are not shipped: give NAME=FILE, or the directory that holds them with --task-data.

            Example:
              fsot eval model.gguf --tasks held-out.jsonl
              fsot eval model.gguf --adapter run/adapter --tasks gsm8k=test.jsonl,arc_easy=arc.jsonl --limit 200
            """
    )

    @OptionGroup var source: ModelOptions

    @Option(help: "Tasks, with commas.")
    var tasks: String

    @Option(help: "A directory with gsm8k.jsonl, arc_easy.jsonl, perplexity.txt.")
    var taskData: String?

    @Option(help: "Use the first N items of each task.")
    var limit: Int?

    @Option(help: "How records become prompts: alpaca, chatml or plain.")
    var template: PromptTemplate = .alpaca

    @Option(help: "Longest record in tokens.")
    var maxLength = 1024

    @Option(help: "Which CSV column feeds which key: instruction=Question,output=Answer.")
    var columns: String?

    @Option(help: "Window of the perplexity task, in tokens.")
    var window = 1024

    @Option(help: "New tokens at most for a GSM8K answer.")
    var maxTokens = 256

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var model: String
        var adapter: String?
        var figures: [EvaluationFigure]
    }

    func validate() throws {
        for (name, value, least) in [
            ("--limit", limit ?? 1, 1), ("--max-length", maxLength, 2), ("--window", window, 2),
            ("--max-tokens", maxTokens, 1),
        ] where value < least {
            throw ValidationError("\(name) \(value) must be at least \(least)")
        }
    }

    func run() throws {
        let console = options.console
        let mapping = try columns.map { try ColumnMapping(parsing: $0) }
        let list = try EvaluationTask.parse(tasks, directory: taskData)
        let loaded = try source.load(for: console)
        let progress = console.progress()
        var figures: [EvaluationFigure] = []
        for task in list {
            let perplexity = PerplexityEvaluation(loaded: loaded, progress: progress.handler)
            switch task.kind {
            case .perplexity:
                figures.append(try perplexity.ofText(task, window: window, limit: limit))
            case .answers:
                figures.append(
                    try perplexity.ofAnswers(
                        task,
                        template: template,
                        maximumLength: maxLength,
                        columns: mapping,
                        limit: limit
                    )
                )
            case .multipleChoice:
                let evaluation = MultipleChoiceEvaluation(loaded: loaded, progress: progress.handler)
                figures += try evaluation.run(task, limit: limit)
            case .gsm8k:
                let evaluation = GSM8KEvaluation(
                    loaded: loaded,
                    progress: progress.handler,
                    template: template,
                    maximumTokens: maxTokens
                )
                figures.append(try evaluation.run(task, limit: limit))
            }
        }
        progress.finish()
        var table = Table(["task", "measure", "value", "standard error", "items"])
        for figure in figures {
            table.add([
                figure.task, figure.metric, String(format: "%.4f", figure.value),
                String(format: "%.4f", figure.standardError), "\(figure.items)",
            ])
        }
        try console.result(table.text, json: Result(model: source.model, adapter: source.adapter, figures: figures))
    }
}
