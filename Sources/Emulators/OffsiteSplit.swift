/// How a model of L blocks is cut into bottom, middle and top, and which middle blocks the emulator keeps.
public struct OffsiteSplit: Sendable, Equatable {
    /// Blocks of the full model.
    public let fullLayerCount: Int
    /// Trainable blocks at the input end.
    public let bottom: Int
    /// Trainable blocks at the output end.
    public let top: Int
    /// The kept middle blocks, as indices of the full model, ascending. A secret of the owner.
    public let keptLayers: [Int]

    /// Cuts a model by a selection that looks at no text.
    ///
    /// - Parameters:
    ///   - fullLayerCount: L.
    ///   - bottom: blocks of the adapter at the input end; `bottom + top` is at least 1.
    ///   - top: blocks of the adapter at the output end.
    ///   - keep: share of the middle that is kept, in 0 ... 1; `round(keep · n)` blocks.
    ///   - selection: which of them.
    /// - Throws: `EmulatorError.invalidSplit` when the numbers do not fit the model, `.selectionNeedsText`.
    public init(fullLayerCount: Int, bottom: Int, top: Int, keep: Double, selection: LayerSelection) throws {
        let middle = try Self.middle(fullLayerCount: fullLayerCount, bottom: bottom, top: top)
        let count = try Self.keptCount(keep, of: middle)
        guard let kept = selection.indices(keeping: count, of: middle.count) else {
            throw EmulatorError.selectionNeedsText(selection)
        }
        try self.init(fullLayerCount: fullLayerCount, bottom: bottom, top: top, keptMiddle: kept)
    }

    /// Cuts a model where the kept blocks are known.
    ///
    /// - Parameter keptMiddle: 0-based within the middle, ascending.
    /// - Throws: `EmulatorError.invalidSplit` when the numbers do not fit the model.
    public init(fullLayerCount: Int, bottom: Int, top: Int, keptMiddle: [Int]) throws {
        let middle = try Self.middle(fullLayerCount: fullLayerCount, bottom: bottom, top: top)
        precondition(
            zip(keptMiddle, keptMiddle.dropFirst()).allSatisfy { $0 < $1 }
                && keptMiddle.allSatisfy { (0..<middle.count).contains($0) },
            "\(keptMiddle) are not ascending blocks of a middle of \(middle.count)"
        )
        self.fullLayerCount = fullLayerCount
        self.bottom = bottom
        self.top = top
        keptLayers = keptMiddle.map { $0 + bottom }
    }

    /// The blocks between the ends.
    ///
    /// - Throws: `EmulatorError.invalidSplit` when there is none, or none at the ends.
    public static func middle(fullLayerCount: Int, bottom: Int, top: Int) throws -> Range<Int> {
        guard bottom >= 0, top >= 0, bottom < fullLayerCount, top < fullLayerCount, bottom + top >= 1,
            bottom + top < fullLayerCount
        else {
            throw EmulatorError.invalidSplit(
                reason: "--bottom \(bottom) and --top \(top) do not fit a model of \(fullLayerCount) blocks",
                remedy: "choose numbers that leave at least one block in the middle and one in the adapter"
            )
        }
        return bottom..<(fullLayerCount - top)
    }

    /// How many blocks of the middle a share is: `round(keep · n)`, halves to even.
    ///
    /// - Throws: `EmulatorError.invalidSplit` when it is no share.
    public static func keptCount(_ keep: Double, of middle: Range<Int>) throws -> Int {
        guard keep >= 0, keep <= 1 else {
            throw EmulatorError.invalidSplit(
                reason: "--keep \(keep) is not a share",
                remedy: "give a number between 0 and 1, such as 0.5"
            )
        }
        return Int((keep * Double(middle.count)).rounded(.toNearestOrEven))
    }

    /// Blocks of the emulator.
    public var emulatorLayerCount: Int { bottom + keptLayers.count + top }

    /// Blocks of the full model's middle.
    public var middleCount: Int { fullLayerCount - bottom - top }

    /// The full model's middle.
    public var middle: Range<Int> { bottom..<(fullLayerCount - top) }

    /// The full model's block behind each emulator block, in order.
    public var sourceLayers: [Int] {
        Array(0..<bottom) + keptLayers + Array((fullLayerCount - top)..<fullLayerCount)
    }

    /// The emulator's adapter blocks.
    public var adapterLayers: [Int] {
        Array(0..<bottom) + Array((emulatorLayerCount - top)..<emulatorLayerCount)
    }

    /// The emulator's thinned middle.
    public var thinnedMiddle: Range<Int> { bottom..<(bottom + keptLayers.count) }
}

/// Where an emulator's adapter block goes in the full model: bottom by index, top by distance from the end.
///
/// This needs only what `emulator.json` says, so a data holder can do it as well as the owner.
public struct LayerMap: Sendable, Equatable {
    /// Trainable blocks at the input end.
    public let bottom: Int
    /// Trainable blocks at the output end.
    public let top: Int
    /// Blocks of the emulator.
    public let emulatorLayerCount: Int
    /// Blocks of the full model.
    public let fullLayerCount: Int

    /// Makes the map of an emulator.
    public init(bottom: Int, top: Int, emulatorLayerCount: Int, fullLayerCount: Int) {
        self.bottom = bottom
        self.top = top
        self.emulatorLayerCount = emulatorLayerCount
        self.fullLayerCount = fullLayerCount
    }

    /// The full model's index of an adapter block; nil for a block of the thinned middle or out of range.
    public func fullLayer(forEmulatorLayer layer: Int) -> Int? {
        if layer >= 0 && layer < bottom { return layer }
        let fromEnd = emulatorLayerCount - 1 - layer
        if fromEnd >= 0 && fromEnd < top { return fullLayerCount - 1 - fromEnd }
        return nil
    }

    /// The inverse of ``fullLayer(forEmulatorLayer:)``.
    public func emulatorLayer(forFullLayer layer: Int) -> Int? {
        if layer >= 0 && layer < bottom { return layer }
        let fromEnd = fullLayerCount - 1 - layer
        if fromEnd >= 0 && fromEnd < top { return emulatorLayerCount - 1 - fromEnd }
        return nil
    }

    /// Rewrites the block number in a tensor name such as `model.layers.16.mlp.up_proj.weight`.
    ///
    /// - Returns: nil when the name holds no block number or the block is not part of the adapter.
    public func fullName(forEmulatorName name: String) -> String? {
        TensorName.replacingLayer(in: name) { fullLayer(forEmulatorLayer: $0) }
    }
}

/// Block numbers in Hugging Face tensor names: the first path component that is a number.
public enum TensorName {
    /// The block number in a name; nil for embeddings, norm and head.
    public static func layer(of name: String) -> Int? {
        name.split(separator: ".").lazy.compactMap { Int($0) }.first
    }

    /// The name with its block number replaced; nil when there is none or `transform` gives nil.
    public static func replacingLayer(in name: String, by transform: (Int) -> Int?) -> String? {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let position = parts.firstIndex(where: { Int($0) != nil }), let layer = Int(parts[position]),
            let replacement = transform(layer)
        else { return nil }
        parts[position] = Substring(String(replacement))
        return parts.joined(separator: ".")
    }
}
