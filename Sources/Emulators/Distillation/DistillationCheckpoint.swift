import AtomicFiles
import Checkpoints
import Foundation
import TensorEngine
import Training

/// A distillation on disk, so that a killed run goes on where it last looked at held-out text.
public struct DistillationCheckpoint: Sendable {
    /// A directory of the owner's; made when missing.
    public var directory: String
    /// What the emulator was cut from and how: a state of another one is refused.
    public var origin: String

    /// Makes a location.
    public init(directory: String, origin: String) {
        self.directory = directory
        self.origin = origin
    }

    private static let stateName = "distillation.json"

    private struct State: Codable {
        var origin: String
        var configuration: DistillationConfiguration
        var report: DistillationReport
        var misses: Int
        var bestStep: Int?
        var bestLoss: Double?
        var bestFile: String?
    }

    /// Writes trainer, report and the best weights so far; `distillation.json` last, so that a crash leaves the former state.
    ///
    /// - Throws: `AtomicFileError`, `CheckpointError`.
    func save(
        _ trainer: Trainer,
        report: DistillationReport,
        watch: EarlyStopping?,
        configuration: DistillationConfiguration
    ) throws {
        let step = trainer.step
        let slot = directory + "/step-\(step)"
        try trainer.checkpoint().save(to: slot)
        var state = State(origin: origin, configuration: configuration, report: report, misses: watch?.misses ?? 0)
        if let best = watch?.best {
            state.bestStep = best.step
            state.bestLoss = best.loss
            state.bestFile = "step-\(step)/best.safetensors"
            try SafetensorsWriter.write(
                zip(trainer.parameters, best.values).map { SafetensorsWriter.Entry(name: $0.name, tensor: $1) },
                to: directory + "/step-\(step)/best.safetensors"
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try AtomicFile.write(try encoder.encode(state), to: directory + "/" + Self.stateName)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names where name.hasPrefix("step-") && name != "step-\(step)" {
            try? FileManager.default.removeItem(atPath: directory + "/" + name)
        }
    }

    /// Puts a saved state into a trainer that was made the same way.
    ///
    /// - Returns: the report so far; nil when nothing is saved.
    /// - Throws: `TrainingError.checkpointMismatch` when it was made with other settings or other text.
    func restore(
        _ trainer: Trainer,
        watch: EarlyStopping?,
        configuration: DistillationConfiguration
    ) throws -> DistillationReport? {
        let path = directory + "/" + Self.stateName
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path),
            let state = try? JSONDecoder().decode(State.self, from: data)
        else { throw TrainingError.checkpointMismatch(path: path, reason: "it is damaged") }
        guard state.origin == origin else {
            throw TrainingError.checkpointMismatch(
                path: path,
                reason: "it was made from another model, or with another split, thinning or arithmetic"
            )
        }
        guard state.configuration == configuration else {
            throw TrainingError.checkpointMismatch(path: path, reason: "it was made with other distillation settings")
        }
        try trainer.restore(
            TrainerCheckpoint.load(from: directory + "/step-\(state.report.losses.count)"),
            path: directory
        )
        if let watch, let step = state.bestStep, let loss = state.bestLoss, let name = state.bestFile,
            !name.contains("..")
        {
            let file = try SafetensorsFile(path: directory + "/" + name)
            watch.restore(
                history: state.report.heldOut,
                misses: state.misses,
                best: (step, loss, try trainer.parameters.map { try file.tensor($0.name) })
            )
        }
        return state.report
    }
}
