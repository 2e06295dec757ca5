import Audit
import Checkpoints
import Cryptography
import Emulators
import Federation
import Foundation
import LanguageModels
import Training

/// A finished run under a plan and the emulator that it was tuned on: where every command of the audit starts.
struct FinishedRun {
    let path: String
    let description: RunDescription
    /// The plans' directories, one or one a data holder.
    let plans: [String]
    let drawn: DrawnPlan
    let source: EmulatorSource
    /// The emulator's files.
    let files: ModelFiles
    let encoder: RecordEncoder

    /// - Throws: `CommandFailure` for a run that is not finished, has no plan, or whose plan or emulator is another one by now.
    init(_ path: String, opening: OpeningOptions, console: Console) throws {
        self.path = path
        description = try RunDirectory.description(at: path)
        guard FileManager.default.fileExists(atPath: path + "/adapter/adapter_config.json") else {
            throw CommandFailure("\(path) is not finished; continue it with fsot tune … --resume before auditing it.")
        }
        plans = description.planDirectories
        guard !plans.isEmpty else {
            throw CommandFailure(
                "\(path) was not tuned under a plan: who was trained on was not drawn by a coin, so no comparison is fair; "
                    + "run fsot audit plan, then fsot tune --plan."
            )
        }
        let description = description
        drawn = try DrawnPlan.joining(
            plans.map { directory in
                let plan = try DrawnPlan.load(from: directory)
                // Runs of before commitments recorded no root.
                if description.commitments != nil { try description.requireRoot(of: plan, at: directory, run: path) }
                return plan
            }
        )
        source = try EmulatorSource(path: description.emulator, opening: opening, console: console)
        guard source.hexadecimalDigest == description.emulatorDigest else {
            throw CommandFailure(
                "\(description.emulator) is not the emulator that \(path) was tuned on; put that one back before auditing."
            )
        }
        files = try ModelFiles(source.directory)
        encoder = try RecordEncoder(
            files.tokenizer,
            template: description.template,
            maximumLength: description.maximumLength,
            configuration: files.configuration
        )
    }

    /// What reports call it.
    var name: String { ((path as NSString).standardizingPath as NSString).lastPathComponent }

    /// SHA-256 of the plan, in hexadecimal; of several, one after the other.
    func planDigest() throws -> String {
        try plans.map { try FileDigest.hexadecimal(of: $0 + "/" + DrawnPlan.planFile) }.joined(separator: "+")
    }

    /// What each data holder trained on.
    func includedRecords() throws -> [HolderRecords] {
        try plans.flatMap { plan in
            try DrawnPlan.load(from: plan).plan.holders.map {
                HolderRecords(
                    name: $0.name,
                    file: try RecordFile.open(plan + "/" + DrawnPlan.includedFile(of: $0.name))
                )
            }
        }
    }

    /// The emulator as it was shipped.
    func emulator() throws -> LanguageModel { try LanguageModel.load(emulator: source) }

    /// Records as the run's model sees them, none left out.
    func examples(of records: [Record]) throws -> [EncodedExample] {
        try records.enumerated().map { try encoder.encode($1, index: $0) }
    }

    /// Each data holder's part of something that there is for every record of the plan.
    ///
    /// - Parameter times: how often a record's is taken.
    func byHolder<Value>(_ values: [Value], times: (AuditPlan.Entry) -> Int) -> [[Value]] {
        drawn.plan.holders.indices.map { holder in
            values.indices.flatMap { index in
                let entry = drawn.plan.records[index]
                return Array(repeating: values[index], count: entry.holder == holder ? times(entry) : 0)
            }
        }
    }

    /// - Throws: `CommandFailure` for a run whose emulator changed between rounds, which nobody can train on again, and for one with
    ///   canary clients, with which another training has nothing in common.
    func requireRepeatable() throws {
        guard description.canaryClients == nil else {
            throw CommandFailure(
                "The updates of \(path) were averaged with those of canary clients, and what is trained without them cannot be "
                    + "compared with it; tune without --one-shot-canaries."
            )
        }
        guard description.realignment == nil else {
            throw CommandFailure(
                "\(path) re-aligned its emulator between rounds, and training cannot be repeated on what is gone; "
                    + "tune without --realign-every."
            )
        }
    }

    /// The floating-point operations of the run's training, from the lengths of its records.
    ///
    /// - Parameter model: the emulator with the adapter attached as it was tuned; nil: it is loaded for this.
    func trainingOperations(of model: LanguageModel? = nil) throws -> Double {
        let model =
            try model
            ?? TunedModel(
                emulator: emulator(),
                metadata: description.metadata,
                method: description.site.method,
                seed: description.site.seed
            ).model
        return try operations(of: model)
    }

    private func operations(of model: LanguageModel) throws -> Double {
        TrainingWork.run(
            byHolder(try examples(of: drawn.records)) { $0.isIncluded ? $0.copies : 0 },
            of: model,
            site: description.site,
            federation: description.federation
        )
    }
}

extension LanguageModel {
    /// The model of an emulator.
    static func load(emulator source: EmulatorSource) throws -> LanguageModel {
        let files = try ModelFiles(source.directory)
        return try load(files.checkpoint.tensors, configuration: files.configuration, path: source.path)
    }
}

extension ScoredSequence {
    /// The tokens of an example, those scored that it was trained on.
    init(_ example: EncodedExample) { self.init(ids: example.ids, labels: example.labels) }
}
