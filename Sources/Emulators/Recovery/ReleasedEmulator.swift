import LanguageModels

/// An emulator as an attacker on the owner's model sees it, at its best informed: the selection rules are public, so it is
/// taken to know which layers it holds.
public struct ReleasedEmulator {
    /// The shipped model.
    public let model: LanguageModel
    /// Adapter blocks at the input end.
    public let bottom: Int
    /// Adapter blocks at the output end.
    public let top: Int
    /// The full model's block behind each block of the thinned middle, ascending.
    public let keptLayers: [Int]
    /// Blocks of the full model, which `emulator.json` tells everybody.
    public let fullLayerCount: Int

    /// An emulator that was just made.
    public init(_ model: LanguageModel, split: OffsiteSplit) {
        self.init(
            model: model,
            bottom: split.bottom,
            top: split.top,
            keptLayers: split.keptLayers,
            fullLayerCount: split.fullLayerCount
        )
    }

    /// An emulator that was read from a directory, with what its owner noted in `release.json`.
    ///
    /// - Throws: `EmulatorError.invalidDescription` when the two do not belong together.
    public init(_ model: LanguageModel, release: OwnerReport, fullLayerCount: Int, path: String) throws {
        let middle = release.bottom..<(fullLayerCount - release.top)
        guard model.blocks.count == release.bottom + release.sourceLayers.count + release.top,
            release.sourceLayers.allSatisfy({ middle.contains($0) }),
            zip(release.sourceLayers, release.sourceLayers.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw EmulatorError.invalidDescription(path: path, reason: "it is not about this emulator and full model")
        }
        self.init(
            model: model,
            bottom: release.bottom,
            top: release.top,
            keptLayers: release.sourceLayers,
            fullLayerCount: fullLayerCount
        )
    }

    private init(model: LanguageModel, bottom: Int, top: Int, keptLayers: [Int], fullLayerCount: Int) {
        self.model = model
        self.bottom = bottom
        self.top = top
        self.keptLayers = keptLayers
        self.fullLayerCount = fullLayerCount
    }

    /// The full model's middle.
    var middle: Range<Int> { bottom..<(fullLayerCount - top) }

    /// Middle blocks of the full model that were not shipped.
    var missingLayers: [Int] { middle.filter { !keptLayers.contains($0) } }

    /// The full model's block behind each block of the emulator.
    var sourceLayers: [Int] {
        Array(0..<bottom) + keptLayers + Array((fullLayerCount - top)..<fullLayerCount)
    }

    /// The emulator's block that came from a block of the full model; nil when that was dropped.
    func block(ofFullLayer layer: Int) -> Int? { sourceLayers.firstIndex(of: layer) }

    /// Where adapter blocks go in the full model.
    public var layerMap: LayerMap {
        LayerMap(
            bottom: bottom,
            top: top,
            emulatorLayerCount: model.blocks.count,
            fullLayerCount: fullLayerCount
        )
    }
}
