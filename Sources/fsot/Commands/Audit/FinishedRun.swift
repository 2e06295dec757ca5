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
    /// The plan's directory.
    let plan: String
    let drawn: DrawnPlan
    let source: EmulatorSource
    /// The emulator's files.
    let files: ModelFiles
    let encoder: RecordEncoder

    /// - Throws: `CommandFailure` for a run that is not finished, has no plan, or whose emulator is another one by now.
    init(_ path: String, opening: OpeningOptions, console: Console) throws {
        self.path = path
        description = try RunDirectory.description(at: path)
        guard FileManager.default.fileExists(atPath: path + "/adapter/adapter_config.json") else {
            throw CommandFailure("\(path) is not finished; continue it with fsot tune … --resume before auditing it.")
        }
        guard let plan = description.plan else {
            throw CommandFailure(
                "\(path) was not tuned under a plan: who was trained on was not drawn by a coin, so no comparison is fair; "
                    + "run fsot audit plan, then fsot tune --plan."
            )
        }
        self.plan = plan
        drawn = try DrawnPlan.load(from: plan)
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

    /// SHA-256 of the plan, in hexadecimal.
    func planDigest() throws -> String { try FileDigest.hexadecimal(of: plan + "/" + DrawnPlan.planFile) }

    /// The emulator as it was shipped.
    func emulator() throws -> LanguageModel { try LanguageModel.load(emulator: source) }

    /// Records as the run's model sees them, none left out.
    func examples(of records: [Record]) throws -> [EncodedExample] {
        try records.enumerated().map { try encoder.encode($1, index: $0) }
    }

    /// Each data holder's part of something that there is for every record of the plan.
    func byHolder<Value>(_ values: [Value], where isTaken: (AuditPlan.Entry) -> Bool) -> [[Value]] {
        drawn.plan.holders.indices.map { holder in
            values.indices.filter { index in
                let entry = drawn.plan.records[index]
                return entry.holder == holder && isTaken(entry)
            }.map { values[$0] }
        }
    }

    /// - Throws: `CommandFailure` for a run whose emulator changed between rounds, which nobody can train on again.
    func requireOneEmulator() throws {
        guard description.realignment == nil else {
            throw CommandFailure(
                "\(path) re-aligned its emulator between rounds, and training cannot be repeated on what is gone; "
                    + "tune without --realign-every."
            )
        }
    }

    /// The floating-point operations of the run's training, from the lengths of its records.
    ///
    /// - Parameter model: the emulator with the adapter attached as it was tuned.
    func trainingOperations(of model: LanguageModel) throws -> Double {
        TrainingWork.run(
            byHolder(try examples(of: drawn.records)) { $0.isIncluded },
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
