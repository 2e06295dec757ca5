import AtomicFiles
import Checkpoints
import Foundation
import TensorEngine

extension TrainerCheckpoint {
    private static let stateName = "trainer.json"
    private static let parameterPrefix = "parameter/"
    private static let momentPrefix = "moment/"

    private struct Stored: Codable {
        var version = 1
        var identity: Identity
        var step: Int
        var order: DataOrder
        var generator: SeededGenerator
        var rule: String
        var optimizerSteps: [String: Int]
        var tensors: String
    }

    /// Writes `trainer.json` and, named in it, the tensors as `trainer-STEP.safetensors` (`parameter/NAME` and
    /// `moment/MOMENT/NAME`, F32) into `directory`, which is made when missing.
    ///
    /// The tensors are complete on disk before `trainer.json` points to them, and the former ones are removed only after
    /// that: a crash at any moment leaves a whole checkpoint.
    ///
    /// - Throws: `AtomicFileError`, for example on a full disk; the former checkpoint then still stands.
    public func save(to directory: String) throws {
        let manager = FileManager.default
        do {
            try manager.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: directory,
                reason: (error as NSError).localizedDescription
            )
        }
        // Never the name that a standing trainer.json points to, even when the same step is saved twice.
        let former = (try? Self.stored(in: directory))?.tensors
        var name = "trainer-\(step).safetensors"
        if name == former { name = "trainer-\(step)-again.safetensors" }
        var entries = parameters.sorted { $0.key < $1.key }.map {
            SafetensorsWriter.Entry(name: Self.parameterPrefix + $0.key, tensor: $0.value)
        }
        for (moment, tensors) in optimizer.moments.sorted(by: { $0.key < $1.key }) {
            entries += tensors.sorted { $0.key < $1.key }.map {
                SafetensorsWriter.Entry(name: "\(Self.momentPrefix)\(moment)/\($0.key)", tensor: $0.value)
            }
        }
        try SafetensorsWriter.write(entries, to: "\(directory)/\(name)")
        let stored = Stored(
            identity: identity,
            step: step,
            order: order,
            generator: generator,
            rule: optimizer.rule,
            optimizerSteps: optimizer.steps,
            tensors: name
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(try encoder.encode(stored), to: "\(directory)/\(Self.stateName)")
        if let former { try? manager.removeItem(atPath: "\(directory)/\(former)") }
    }

    /// Whether `directory` holds a checkpoint.
    public static func exists(in directory: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(directory)/\(stateName)")
    }

    /// Reads what ``save(to:)`` wrote.
    ///
    /// - Throws: `TrainingError.checkpointMismatch` when the state is missing, damaged or of another version;
    ///   `CheckpointError` for damaged tensors.
    public static func load(from directory: String) throws -> TrainerCheckpoint {
        let stored = try stored(in: directory)
        let file = try SafetensorsFile(path: "\(directory)/\(stored.tensors)")
        var parameters: [String: Tensor] = [:]
        var moments: [String: [String: Tensor]] = [:]
        for name in file.tensorNames {
            if name.hasPrefix(parameterPrefix) {
                parameters[String(name.dropFirst(parameterPrefix.count))] = try file.tensor(name)
            } else if name.hasPrefix(momentPrefix) {
                let parts = name.dropFirst(momentPrefix.count).split(separator: "/", maxSplits: 1).map(String.init)
                if parts.count == 2 { moments[parts[0], default: [:]][parts[1]] = try file.tensor(name) }
            }
        }
        return TrainerCheckpoint(
            identity: stored.identity,
            step: stored.step,
            order: stored.order,
            generator: stored.generator,
            optimizer: OptimizerState(rule: stored.rule, steps: stored.optimizerSteps, moments: moments),
            parameters: parameters
        )
    }

    private static func stored(in directory: String) throws -> Stored {
        let path = "\(directory)/\(stateName)"
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
            throw TrainingError.checkpointMismatch(path: path, reason: "it cannot be read")
        }
        guard let stored = try? JSONDecoder().decode(Stored.self, from: data), stored.step >= 0 else {
            throw TrainingError.checkpointMismatch(path: path, reason: "it is damaged")
        }
        guard stored.version == 1 else {
            throw TrainingError.checkpointMismatch(path: path, reason: "it has the unknown version \(stored.version)")
        }
        // A path in a damaged or foreign file must not lead out of the directory.
        guard !stored.tensors.contains("/") else {
            throw TrainingError.checkpointMismatch(path: path, reason: "it names tensors outside its directory")
        }
        return stored
    }
}
