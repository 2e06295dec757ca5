import Foundation

/// A model on disk in Hugging Face terms, whatever file it comes from.
public struct Checkpoint {
    /// Where a checkpoint comes from.
    public enum Origin {
        /// A directory with `config.json` and safetensors files.
        case huggingFace(directory: CheckpointDirectory)
        /// A GGUF file.
        case gguf(GGUFFile)
    }

    /// The directory or file that was opened.
    public let path: String
    /// `config.json`; synthesised from the metadata of a GGUF file. Both `rope_theta` (transformers 4) and
    /// `rope_parameters` (transformers 5) are present when the file has either.
    public let configuration: JSONValue
    /// Tensors under the names and in the layouts that transformers saves for the architecture.
    public let tensors: any TensorSource
    /// The source.
    public let origin: Origin

    /// Opens a Hugging Face directory or a `.gguf` file.
    ///
    /// - Throws: `CheckpointError`: `.notACheckpoint` when there is no model, `.unsupportedArchitecture` for a GGUF model
    ///   other than llama, qwen2 or gpt2, and whatever its files are refused for.
    public static func open(_ path: String) throws -> Checkpoint {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CheckpointError.unreadable(path: path, reason: "there is no such file or directory")
        }
        return isDirectory.boolValue ? try open(CheckpointDirectory(path: path)) : try openFile(path)
    }

    private static func openFile(_ path: String) throws -> Checkpoint {
        if path.hasSuffix(".safetensors") || path.hasSuffix(".json") {
            throw CheckpointError.notACheckpoint(
                path: path,
                reason: "a model needs its configuration too; give the directory that the file is in"
            )
        }
        let file = try GGUFFile(path: path)
        let model = try GGUFModel(file)
        return Checkpoint(
            path: path,
            configuration: normalized(try model.configuration()),
            tensors: try model.tensors(),
            origin: .gguf(file)
        )
    }

    /// Opens a Hugging Face directory, on disk or in memory.
    ///
    /// - Throws: as ``open(_:)-(String)``.
    public static func open(_ directory: CheckpointDirectory) throws -> Checkpoint {
        let path = directory.path
        guard directory.contains("config.json") else {
            throw CheckpointError.notACheckpoint(path: path, reason: missingConfiguration(in: directory))
        }
        let configuration = try directory.json("config.json")
        guard configuration.object != nil else {
            throw CheckpointError.notACheckpoint(path: path, reason: "its config.json holds no object")
        }
        let tensors: any TensorSource
        if directory.contains("model.safetensors") {
            tensors = try SafetensorsFile(file: directory.file("model.safetensors"))
        } else if directory.contains("model.safetensors.index.json") {
            tensors = try ShardedSafetensors(indexPath: directory.path(of: "model.safetensors.index.json"))
        } else {
            let pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"].contains { directory.contains($0) }
            throw CheckpointError.notACheckpoint(
                path: path,
                reason: pickled
                    ? "pytorch_model.bin can run code when it is read; convert it to safetensors"
                    : "neither model.safetensors nor model.safetensors.index.json is there; add the weights"
            )
        }
        return Checkpoint(
            path: path,
            configuration: normalized(configuration),
            tensors: HubNames.canonical(tensors, architecture: configuration["model_type"]?.string),
            origin: .huggingFace(directory: directory)
        )
    }

    private static func missingConfiguration(in directory: CheckpointDirectory) -> String {
        let (path, files) = (directory.path, directory.names)
        if let gguf = files.first(where: { $0.hasSuffix(".gguf") }) {
            return "it has no config.json; to open the GGUF file in it, give \(path)/\(gguf)"
        }
        if files.contains("adapter_config.json") {
            return "it is an adapter; give it with --adapter beside the model that it was trained on"
        }
        return "it has no config.json; give a Hugging Face model directory or a .gguf file"
    }

    /// Makes both spellings of the rotary settings readable.
    private static func normalized(_ configuration: JSONValue) -> JSONValue {
        var result = configuration
        if let parameters = configuration["rope_parameters"], let theta = parameters["rope_theta"] {
            if configuration["rope_theta"] == nil { result["rope_theta"] = theta }
        } else if let theta = configuration["rope_theta"], theta.double != nil {
            var parameters = configuration["rope_scaling"] ?? .null
            if parameters.object == nil { parameters = ["rope_type": "default"] }
            parameters["rope_theta"] = theta
            result["rope_parameters"] = parameters
        }
        return result
    }
}
