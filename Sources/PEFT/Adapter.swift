import AtomicFiles
import Checkpoints
import Foundation
import LanguageModels
import TensorEngine

/// What a PEFT method adds to a model: some parameters, and a directory to keep them in.
public protocol Adapter: AnyObject {
    /// What is trained and travels in an update, in a fixed order.
    var parameters: [Parameter] { get }
    /// Writes `adapter_config.json` and `adapter_model.safetensors` into `directory`, making it if need be.
    func save(to directory: String) throws
}

/// The directory of an adapter, of whichever method.
public enum AdapterDirectory {
    static let configurationFile = "adapter_config.json"
    static let weightsFile = "adapter_model.safetensors"

    /// Reads an adapter onto a model: LoRA branches are attached, whole blocks overwrite the model's values.
    ///
    /// - Parameters:
    ///   - directory: as `save(to:)` or peft's `save_pretrained` wrote it.
    ///   - renumbering: from the layer numbers in the files to those of `model`, where they differ (an emulator's
    ///     adapter on the full model); nil: they are the same.
    /// - Throws: `PEFTError`, and what reading the files throws.
    public static func load(
        from directory: String,
        onto model: LanguageModel,
        renumbering: [Int: Int]? = nil
    ) throws -> any Adapter {
        let json = try JSONValue.read(directory + "/" + configurationFile)
        if json["method"]?.string == WholeBlocks.methodName {
            return try WholeBlocks.load(from: directory, onto: model, renumbering: renumbering)
        }
        return try LoRA.load(from: directory, onto: model, renumbering: renumbering)
    }

    static func write(
        _ configuration: JSONValue,
        _ parameters: [(name: String, value: Tensor)],
        to directory: String
    ) throws {
        for (name, value) in parameters where Elementwise.hasNonFinite(value) {
            throw PEFTError.notFinite(path: directory, tensor: name)
        }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try SafetensorsWriter.write(
            parameters.sorted { $0.name < $1.name }.map { SafetensorsWriter.Entry(name: $0.name, tensor: $0.value) },
            metadata: ["format": "pt"],
            to: directory + "/" + weightsFile
        )
        try AtomicFile.write(configuration.prettyText + "\n", to: directory + "/" + configurationFile)
    }

    /// Reads exactly the tensors `expected` (name and shape) of an adapter.
    ///
    /// - Throws: `PEFTError.tensorSet`, `.wrongShape`, `.notFinite`; what the file format throws.
    static func read(_ expected: [(name: String, shape: [Int])], from directory: String) throws -> [String: Tensor] {
        let file = try SafetensorsFile(path: directory + "/" + weightsFile)
        let present = Set(file.tensorNames)
        let wanted = Set(expected.map(\.name))
        guard present == wanted else {
            throw PEFTError.tensorSet(
                path: directory,
                missing: wanted.subtracting(present).sorted(),
                extra: present.subtracting(wanted).sorted()
            )
        }
        var tensors: [String: Tensor] = [:]
        for (name, shape) in expected {
            let found = try file.info(name).shape
            guard found == shape else {
                throw PEFTError.wrongShape(path: directory, tensor: name, found: found, expected: shape)
            }
            let tensor = try file.tensor(name)
            if Elementwise.hasNonFinite(tensor) { throw PEFTError.notFinite(path: directory, tensor: name) }
            tensors[name] = tensor
        }
        return tensors
    }

    /// The layer numbers in a file by those of the model: the inverse of a renumbering.
    ///
    /// - Throws: `PEFTError.badSetting` when two layers of the file would become one.
    static func inverse(_ renumbering: [Int: Int]) throws -> [Int: Int] {
        try Dictionary(renumbering.map { ($0.value, $0.key) }) { first, second in
            throw PEFTError.badSetting(
                key: "renumbering",
                value: "\(first) and \(second) to one layer",
                expected: "one to one"
            )
        }
    }
}
