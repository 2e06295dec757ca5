import LanguageModels
import TensorEngine

/// A4: holders of several releases of one model put their layers together. A layer in several releases is taken where it has
/// the most parameters, of equals from the release that is judged; what none of them holds is filled in from the nearest layer.
public enum CollusionAttack {
    /// A model of the full depth.
    ///
    /// - Parameter others: releases of the same full model.
    /// - Returns: nil without any other release.
    public static func replica(of released: ReleasedEmulator, with others: [ReleasedEmulator]) throws -> LanguageModel?
    {
        if others.isEmpty { return nil }
        let all = [released] + others
        var sources: [Int: BlockSource] = [:]
        for layer in 0..<released.fullLayerCount {
            sources[layer] = best(of: all, layer: layer)
        }
        let held = sources.keys.sorted()
        return try released.model.assembled(
            from: (0..<released.fullLayerCount).compactMap { layer in
                sources[layer] ?? RefillAttack.nearest(to: layer, among: held).flatMap { sources[$0] }
            }
        )
    }

    private static func best(of releases: [ReleasedEmulator], layer: Int) -> BlockSource? {
        var best: (source: BlockSource, size: Int)?
        for release in releases {
            guard let block = release.block(ofFullLayer: layer) else { continue }
            let size = release.model.blocks[block].parameters.reduce(0) { $0 + $1.value.count }
            if size > best?.size ?? 0 { best = (BlockSource(release.model, block: block), size) }
        }
        return best?.source
    }
}
