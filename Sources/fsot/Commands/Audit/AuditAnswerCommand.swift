import ArgumentParser
import AtomicFiles
import Audit
import Checkpoints
import Foundation
import LanguageModels
import Sealing
import Training

/// `fsot audit answer`: the owner scores a data holder's records on the plugged-in and the plain full model.
struct AuditAnswerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer",
        abstract: "At the model's owner: score a data holder's query on the full model, within a daily limit.",
        discussion: """
            The query shows you the text of the holder's records, and not which of them were trained on. The answer has one \
            number a record and attack, none of single tokens, and is sealed to the holder. The limit is counted for the card \
            that the answer is sealed to and for one day (UTC); every answer is logged before it is written.

            Example:
              fsot audit answer north.query.age --identity owner.identity --model model.gguf --adapter run \\
                --to north.card --log answers.jsonl --limit 500 -o north.answer.age
            """
    )

    @Argument(help: "The sealed query.")
    var query: String

    @Option(help: "Your identity: opens the query and signs the answer.")
    var identity: String

    @OptionGroup var passphrase: PassphraseOptions

    @Option(help: "The full model.")
    var model: String

    @Option(help: "The adapter that was broadcast: a run directory or an adapter directory in the emulator's numbers.")
    var adapter: String

    @Option(help: "The data holder's card, which alone opens the answer.")
    var to: String

    @Option(help: "Records that one data holder may have scored a day.")
    var limit = 1000

    @Option(help: "The log of answers: one line each, appended to.")
    var log: String

    @Option(help: "Records of the same kind that nobody trained on, for RECALL and QUANTILE.")
    var population: String?

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Option(name: .shortAndLong, help: "The sealed answer, such as north.answer.age; its signature goes to OUTPUT.p7s.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var output: String
        var holder: String
        var records: Int
        var query: String
        var adapter: String
    }

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit \(limit) is not positive") }
    }

    mutating func run() throws {
        let owner = try IdentityFile.load(identity, passphrase: passphrase)
        let holder = try IdentityCard(path: to)
        let asked = try ScoreQuery(json: SealedExchange.open(query, identity: owner), path: query)
        let records = try asked.records(path: query)
        guard records.count == asked.lines.count else {
            throw CommandFailure("\(query) has lines that are no record; ask its sender to make it again.")
        }
        guard let template = PromptTemplate(rawValue: asked.template), asked.maximumLength > 1 else {
            throw CommandFailure(
                "\(query) asks for the template \(asked.template) of \(asked.maximumLength) tokens, which this version does not know; update fsot."
            )
        }
        let adapterDigest = try AuditedRun.adapterDigest(adapter)
        let entry = AnswerLog.Entry(
            time: Date().formatted(.iso8601),
            holder: holder.name,
            fingerprint: holder.fingerprint,
            query: try asked.digest(),
            adapter: adapterDigest,
            records: records.count
        )
        let answers = AnswerLog(path: log)
        // Twice: before the work, which may be long, and for certain when it is appended.
        try answers.check(entry, limit: limit)
        let (observations, parameters) = try observe(records, asked, template)
        let answer = try ScoreAnswer(
            to: asked,
            records: records,
            owner: observations,
            adapterDigest: adapterDigest,
            fullParameters: parameters
        )
        try answers.append(entry, limit: limit)
        try SealedExchange.write(answer.json(), to: output, for: holder)
        try CMSSignature.sign(file: output, by: owner)
        try options.console.result(
            """
            answered          \(records.count) records of \(holder.name), one number a record and attack
            fingerprint       \(holder.fingerprint)
            log               \(log)
            answer            \(output), sealed to \(holder.name), signed by \(owner.name)
            """,
            json: Result(
                output: output,
                holder: holder.name,
                records: records.count,
                query: entry.query,
                adapter: adapterDigest
            )
        )
    }

    private func observe(
        _ records: [Record],
        _ asked: ScoreQuery,
        _ template: PromptTemplate
    ) throws -> (VantageObservations, parameters: Int) {
        let files = try ModelFiles(path: model)
        let scoring = try RecordScoring(
            files,
            template: template,
            maximumLength: asked.maximumLength,
            wanted: Set(try asked.suite.makeAttacks().flatMap(\.needs)),
            population: population,
            precision: compute.precision()
        )
        let full = try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: model)
        let parameters = full.parameterCount
        full.compute(in: scoring.precision)
        let display = options.console.progress()
        let collector = try scoring.collector(records)
        let untuned = try scoring.untuned(full, collector, "full model", display)
        let view = try scoring.view(
            from: .owner,
            full,
            modelPath: model,
            adapter: adapter,
            collector: collector,
            untuned: untuned,
            name: "plugged-in model",
            display: display
        )
        display.finish()
        return (view.observations, parameters)
    }
}
