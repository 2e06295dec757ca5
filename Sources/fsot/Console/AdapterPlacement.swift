import Emulators
import Federation
import Foundation
import LanguageModels
import PEFT

/// Where an adapter's blocks go in a model: as numbered, or from the emulator's numbers to the full model's.
struct AdapterPlacement {
    /// The adapter directory itself.
    let directory: String
    /// From the numbers in the files to those of the model; nil: they are the same.
    let renumbering: [Int: Int]?

    /// Decides by the number of layers: `emulator.json` beside the adapter, or its run, says for how many it is numbered.
    ///
    /// - Parameters:
    ///   - path: an adapter directory, or a run directory with an `adapter` in it.
    ///   - modelPath: for errors only.
    /// - Throws: `CommandFailure` when there is no adapter or the model's layer count fits neither the emulator nor the
    ///   full model that it was cut from; `EmulatorError` for a damaged `emulator.json`.
    init(_ path: String, model: LanguageModel, modelPath: String) throws {
        func hasFile(_ directory: String, _ name: String) -> Bool {
            FileManager.default.fileExists(atPath: directory + "/" + name)
        }
        let candidates = [path, path + "/adapter"]
        guard let directory = candidates.first(where: { hasFile($0, "adapter_config.json") }) else {
            throw CommandFailure(
                "\(path) holds no adapter_config.json; give the adapter directory that fsot tune or peft wrote."
            )
        }
        self.directory = directory
        guard let emulator = try Self.emulator(of: directory) else {
            renumbering = nil
            return
        }
        switch model.blocks.count {
        case emulator.emulatorLayers:
            renumbering = nil
        case emulator.fullLayers:
            let map = emulator.layerMap
            renumbering = Dictionary(
                uniqueKeysWithValues: emulator.adapterLayers.compactMap { layer in
                    map.fullLayer(forEmulatorLayer: layer).map { (layer, $0) }
                }
            )
        default:
            throw CommandFailure(
                "The adapter \(directory) is for an emulator of \(emulator.emulatorLayers) layers or its full model of "
                    + "\(emulator.fullLayers), but \(modelPath) has \(model.blocks.count); give one of these two."
            )
        }
    }

    /// The emulator that an adapter was tuned on: named beside it, or by the run that it lies in.
    static func emulator(of directory: String) throws -> EmulatorMetadata? {
        if FileManager.default.fileExists(atPath: directory + "/" + EmulatorMetadata.fileName) {
            return try EmulatorMetadata.read(directory: directory)
        }
        return try run(of: directory)?.metadata
    }

    /// The run that the adapter lies in; nil: none.
    ///
    /// - Throws: `FederationError.invalidRun`.
    var run: RunDescription? { get throws { try Self.run(of: directory) } }

    private static func run(of directory: String) throws -> RunDescription? {
        let url = URL(fileURLWithPath: directory).standardizedFileURL
        let run = url.deletingLastPathComponent().path
        guard url.lastPathComponent == "adapter", FileManager.default.fileExists(atPath: run + "/run.json") else {
            return nil
        }
        return try RunDirectory.description(at: run)
    }

    /// Reads the adapter onto the model.
    ///
    /// - Throws: `PEFTError`, and what reading the files throws.
    func load(onto model: LanguageModel) throws -> any Adapter {
        do {
            return try AdapterDirectory.load(from: directory, onto: model, renumbering: renumbering)
        } catch let error as PEFTError {
            let text = "\(error)"
            throw text.contains(directory) ? error : CommandFailure("The adapter \(directory) does not fit: \(text)")
        }
    }
}
