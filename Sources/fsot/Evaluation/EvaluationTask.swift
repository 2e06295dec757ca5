import Checkpoints
import Foundation
import LanguageModels
import Training

/// A thing to measure, and the file it is measured on.
struct EvaluationTask {
    enum Kind {
        /// Perplexity of running text.
        case perplexity
        /// Grade-school mathematics by exact match (arXiv 2110.14168).
        case gsm8k
        /// Multiple choice by log-likelihood.
        case multipleChoice
        /// Perplexity of the answers of records.
        case answers
    }

    let name: String
    let kind: Kind
    let path: String

    /// Where the known tasks' files are found under `--task-data`, and where they come from.
    private static let known: [(name: String, kind: Kind, files: [String], origin: String)] = [
        (
            "perplexity", .perplexity,
            ["perplexity.txt", "perplexity.jsonl", "wikitext-2/test.txt", "wikitext-2.txt"],
            "any text file will do, such as WikiText-2's test set"
        ),
        (
            "gsm8k", .gsm8k, ["gsm8k.jsonl", "gsm8k/test.jsonl", "gsm8k.test.jsonl"],
            "test.jsonl of github.com/openai/grade-school-math"
        ),
        (
            "arc_easy", .multipleChoice,
            ["arc_easy.jsonl", "arc_easy/test.jsonl", "arc_easy.test.jsonl", "eval-mc/arc_easy.test.jsonl"],
            "ARC from allenai.org/data/arc, one {\"question\", \"choices\", \"label\"} a line"
        ),
    ]

    /// Reads `--tasks`: names, `name=FILE` or files, with commas.
    ///
    /// - Throws: `CommandFailure` for a name that is no task, or whose file is not given.
    static func parse(_ list: String, directory: String?) throws -> [EvaluationTask] {
        let items = list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        guard !items.isEmpty else { throw CommandFailure("--tasks is empty; name a task or a file.") }
        return try items.map { try one($0, directory: directory) }
    }

    private static func one(_ item: String, directory: String?) throws -> EvaluationTask {
        let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
        if let task = known.first(where: { $0.name == parts[0] }) {
            if parts.count == 2 { return EvaluationTask(name: task.name, kind: task.kind, path: parts[1]) }
            guard let directory else {
                throw CommandFailure(
                    "The task \(task.name) needs its data, which fsot does not ship (\(task.origin)); give --tasks "
                        + "\(task.name)=FILE, or --task-data DIR."
                )
            }
            let paths = task.files.map { directory + "/" + $0 }
            guard let path = paths.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
                throw CommandFailure(
                    "\(directory) holds no \(task.files.joined(separator: ", no ")); get the data (\(task.origin)) or "
                        + "give --tasks \(task.name)=FILE."
                )
            }
            return EvaluationTask(name: task.name, kind: task.kind, path: path)
        }
        guard FileManager.default.fileExists(atPath: item) else {
            let names = known.map(\.name).joined(separator: ", ")
            throw CommandFailure("\(item) is neither a task (\(names)) nor a file; correct --tasks.")
        }
        let isChoices = isJSONL(item) ? try JSONLines.read(item).first?.value["choices"] != nil : false
        return EvaluationTask(
            name: (item as NSString).lastPathComponent,
            kind: !holdsRecords(item) ? .perplexity : isChoices ? .multipleChoice : .answers,
            path: item
        )
    }

    /// Whether a file holds records; anything else is running text.
    static func holdsRecords(_ path: String) -> Bool {
        isJSONL(path) || [".csv", ".csv.gz"].contains { path.hasSuffix($0) }
    }

    private static func isJSONL(_ path: String) -> Bool {
        [".jsonl", ".jsonl.gz", ".json", ".json.gz"].contains { path.hasSuffix($0) }
    }
}

/// One figure of a task with its standard error.
struct EvaluationFigure: Encodable {
    var task: String
    var metric: String
    var value: Double
    var standardError: Double
    var items: Int

    /// A share of right answers; the error of a mean of n draws that are 0 or 1.
    static func share(_ task: String, _ metric: String, correct: Int, of count: Int) -> EvaluationFigure {
        let share = Double(correct) / Double(max(count, 1))
        let error = count < 2 ? 0 : (share * (1 - share) / Double(count - 1)).squareRoot()
        return EvaluationFigure(task: task, metric: metric, value: share, standardError: error, items: count)
    }

    /// A perplexity over records or windows.
    static func perplexity(_ task: String, _ metric: String, _ figures: RecordPerplexity) -> EvaluationFigure {
        EvaluationFigure(
            task: task,
            metric: metric,
            value: figures.perplexity,
            standardError: figures.perplexityError,
            items: figures.records
        )
    }
}
