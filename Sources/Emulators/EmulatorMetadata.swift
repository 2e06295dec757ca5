import AtomicFiles
import Checkpoints
import Foundation
import LanguageModels

/// `emulator.json`: what a data holder has to know of an emulator. It never holds source layer indices.
public struct EmulatorMetadata: Codable, Sendable, Equatable {
    /// Trainable blocks at the input end.
    public var bottom: Int
    /// Trainable blocks at the output end.
    public var top: Int
    /// Blocks of the middle that were kept.
    public var kept: Int
    /// Blocks of the full model.
    public var fullLayers: Int
    /// The shapes of the middle's blocks where they are thinner than `config.json` says; nil: none is.
    public var blocks: [BlockShape]?
    /// Identifies the release in the owner's ledger.
    public var releaseID: String

    enum CodingKeys: String, CodingKey {
        case bottom
        case top
        case kept
        case fullLayers = "full_layers"
        case blocks
        case releaseID = "release_id"
    }

    /// The file's name beside `config.json`.
    public static let fileName = "emulator.json"

    /// Describes a split.
    public init(split: OffsiteSplit, shapes: [BlockShape]? = nil, releaseID: String) {
        blocks = shapes
        bottom = split.bottom
        top = split.top
        kept = split.keptLayers.count
        fullLayers = split.fullLayerCount
        self.releaseID = releaseID
    }

    /// Blocks of the emulator.
    public var emulatorLayers: Int { bottom + kept + top }

    /// The emulator's adapter blocks.
    public var adapterLayers: [Int] { Array(0..<bottom) + Array((bottom + kept)..<emulatorLayers) }

    /// Where adapter blocks go in the full model.
    public var layerMap: LayerMap {
        LayerMap(bottom: bottom, top: top, emulatorLayerCount: emulatorLayers, fullLayerCount: fullLayers)
    }

    /// The configuration of the emulator's blocks: that of `config.json` with the middle as thin as it is.
    ///
    /// - Throws: `LanguageModelError` when a shape does not fit.
    public func thinned(_ configuration: ModelConfiguration) throws -> ModelConfiguration {
        guard let blocks else { return configuration }
        return try configuration.thinned(
            Dictionary(uniqueKeysWithValues: blocks.enumerated().map { ($0 + bottom, $1) })
        )
    }

    /// Reads and checks `emulator.json` in a directory.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func read(directory: String) throws -> EmulatorMetadata {
        try read(CheckpointDirectory(path: directory))
    }

    /// Reads and checks `emulator.json` of a directory on disk or in memory.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func read(_ directory: CheckpointDirectory) throws -> EmulatorMetadata {
        let path = directory.path + "/" + fileName
        guard let data = try? directory.data(fileName) else {
            throw EmulatorError.invalidDescription(path: path, reason: "it is missing")
        }
        guard let metadata = try? JSONDecoder().decode(EmulatorMetadata.self, from: data) else {
            throw EmulatorError.invalidDescription(
                path: path,
                reason: "it must hold bottom, top, kept, full_layers and release_id"
            )
        }
        let limit = 0..<100_000
        guard limit.contains(metadata.bottom), limit.contains(metadata.top), limit.contains(metadata.kept),
            limit.contains(metadata.fullLayers), metadata.bottom + metadata.top > 0,
            metadata.emulatorLayers <= metadata.fullLayers, !metadata.releaseID.isEmpty,
            metadata.blocks.map({ $0.count == metadata.kept }) ?? true
        else {
            throw EmulatorError.invalidDescription(path: path, reason: "its numbers contradict each other")
        }
        return metadata
    }

    /// Reads `emulator.json` where there is one; nil for a directory without, or a file.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func ifPresent(directory: String) throws -> EmulatorMetadata? {
        try ifPresent(CheckpointDirectory(path: directory))
    }

    /// Reads `emulator.json` of a directory on disk or in memory where there is one.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func ifPresent(_ directory: CheckpointDirectory) throws -> EmulatorMetadata? {
        directory.contains(fileName) ? try read(directory) : nil
    }

    /// Writes `emulator.json` into a directory.
    ///
    /// - Throws: `AtomicFileError`.
    public func write(directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(try encoder.encode(self), to: directory + "/" + Self.fileName)
    }
}
