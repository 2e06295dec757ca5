import AtomicFiles
import Foundation

/// A model in several safetensors files under one `model.safetensors.index.json`.
public final class ShardedSafetensors: TensorSource, Sendable {
    /// The index file.
    public let path: String
    /// All names, sorted.
    public let tensorNames: [String]

    private let shardOf: [String: SafetensorsFile]

    /// Opens the index and every shard that it names, and checks that each shard holds what the index promises.
    ///
    /// - Throws: `CheckpointError.missingShard`, `.missingTensor` naming the shard, `.badMetadata`, and what
    ///   `SafetensorsFile` throws.
    public init(indexPath: String) throws(CheckpointError) {
        path = indexPath
        guard let map = try JSONValue.read(indexPath)["weight_map"]?.object, !map.isEmpty else {
            throw .badMetadata(path: indexPath, key: "weight_map", reason: "is absent or empty")
        }
        let directory = AtomicFile.directory(of: indexPath)
        var files: [String: SafetensorsFile] = [:]
        var shardOf: [String: SafetensorsFile] = [:]
        for (name, value) in map.sorted {
            // A path that leads out of the directory would open files that the model's author cannot know.
            guard let shard = value.string, !shard.isEmpty, !shard.contains("/"), shard != "..", shard != "." else {
                throw .badMetadata(path: indexPath, key: name, reason: "names no file beside the index")
            }
            let shardPath = directory + "/" + shard
            let file: SafetensorsFile
            if let opened = files[shard] {
                file = opened
            } else {
                guard FileManager.default.fileExists(atPath: shardPath) else {
                    throw .missingShard(path: indexPath, shard: shard)
                }
                file = try SafetensorsFile(path: shardPath)
                files[shard] = file
            }
            _ = try file.info(name)
            if shardOf.updateValue(file, forKey: name) != nil {
                throw .badMetadata(path: indexPath, key: name, reason: "occurs twice")
            }
        }
        self.shardOf = shardOf
        tensorNames = shardOf.keys.sorted()
    }

    private func shard(_ name: String) throws(CheckpointError) -> SafetensorsFile {
        guard let file = shardOf[name] else { throw .missingTensor(path: path, tensor: name) }
        return file
    }

    /// The shape and type of one tensor.
    public func info(_ name: String) throws(CheckpointError) -> TensorInfo { try shard(name).info(name) }

    /// Reads one tensor as Float32.
    public func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
        try shard(name).read(name, into: buffer)
    }
}
