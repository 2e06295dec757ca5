import Checkpoints
import Foundation
import LanguageModels

/// What an emulator's files may hold: exactly what its configuration calls for, and nothing of the owner's.
///
/// The owner checks this before sealing, and a data holder after decrypting and before the files get their name.
public enum EmulatorContents {
    /// Checks the files of an emulator, on disk or in memory, without reading a weight.
    ///
    /// - Throws: `EmulatorError.invalidDescription` when `emulator.json` has an unknown key or contradicts `config.json`;
    ///   `EmulatorError.unexpectedMetadata` for text in the weights' header; `LanguageModelError` when a tensor is missing,
    ///   additional or of another shape; `CheckpointError` for damaged files.
    public static func check(_ directory: CheckpointDirectory) throws {
        let metadata = try EmulatorMetadata.read(directory)
        try requireKnownKeys(directory)
        let configuration = try metadata.thinned(
            try ModelConfiguration(json: try Checkpoint.open(directory).configuration)
        )
        guard configuration.layerCount == metadata.emulatorLayers else {
            throw EmulatorError.invalidDescription(
                path: directory.path(of: EmulatorMetadata.fileName),
                reason: "it describes \(metadata.emulatorLayers) blocks, but config.json \(configuration.layerCount)"
            )
        }
        // Not through the checkpoint, which leaves out what old versions saved among the weights.
        let weights = try directory.safetensors("model.safetensors")
        if let key = weights.metadata.keys.sorted().first(where: { weights.metadata[$0] != Self.metadata[$0] }) {
            throw EmulatorError.unexpectedMetadata(path: weights.path, key: key)
        }
        try LanguageModel.requireTensors(weights, configuration: configuration, path: weights.path)
    }

    /// What every writer of safetensors for PyTorch puts there.
    private static let metadata = ["format": "pt"]

    /// A key that this version does not know could carry anything.
    private static func requireKnownKeys(_ directory: CheckpointDirectory) throws {
        let data = try directory.data(EmulatorMetadata.fileName)
        let known = try JSONEncoder().encode(try JSONDecoder().decode(EmulatorMetadata.self, from: data))
        let found = try JSONSerialization.jsonObject(with: data) as? NSDictionary
        guard let found, found.isEqual(try JSONSerialization.jsonObject(with: known)) else {
            throw EmulatorError.invalidDescription(
                path: directory.path(of: EmulatorMetadata.fileName),
                reason: "it has a key that this version does not know"
            )
        }
    }
}
