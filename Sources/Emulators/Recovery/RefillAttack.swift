import LanguageModels
import TensorEngine

/// A1: fills the dropped layers in from those that were shipped, without any data. A width-thinned emulator of full depth has
/// nothing to fill: there the attack is the identity.
public enum RefillAttack {
    /// Where the weights of a missing layer come from.
    public enum Rule: String, CaseIterable, Sendable {
        /// The nearest kept layer, of two the right one: CRaSh's sharing (arXiv 2310.15477, 3.3).
        case nearest
        /// On the line between the shipped layers to the left and to the right, by distance; nearest where their shapes
        /// differ.
        case interpolation
    }

    /// A model of the full depth.
    ///
    /// - Returns: nil when no layer is missing.
    public static func replica(of released: ReleasedEmulator, by rule: Rule) throws -> LanguageModel? {
        if released.missingLayers.isEmpty { return nil }
        // With an empty middle the ends are all there is to share.
        let kept = released.keptLayers.isEmpty ? released.sourceLayers : released.keptLayers
        let replica = try released.model.assembled(
            from: (0..<released.fullLayerCount).compactMap { layer in
                let source = released.sourceLayers.contains(layer) ? layer : nearest(to: layer, among: kept)
                return source.flatMap { released.block(ofFullLayer: $0) }.map { BlockSource(released.model, block: $0) }
            }
        )
        if rule == .interpolation { interpolate(replica, released) }
        return replica
    }

    /// The layer with the smallest distance, of two the right one.
    package static func nearest(to layer: Int, among kept: [Int]) -> Int? {
        kept.min { (abs($0 - layer), -$0) < (abs($1 - layer), -$1) }
    }

    private static func interpolate(_ replica: LanguageModel, _ released: ReleasedEmulator) {
        for layer in released.missingLayers {
            guard let left = released.sourceLayers.last(where: { $0 < layer }),
                let right = released.sourceLayers.first(where: { $0 > layer })
            else { continue }
            let (before, after) = (replica.blocks[left].parameters, replica.blocks[right].parameters)
            let targets = replica.blocks[layer].parameters
            let shapes = targets.map(\.value.shape)
            guard before.map(\.value.shape) == shapes, after.map(\.value.shape) == shapes else { continue }
            let share = Float(layer - left) / Float(right - left)
            for (target, (a, b)) in zip(targets, zip(before, after)) {
                let mixed = a.value.copy()
                Elementwise.scale(mixed, by: 1 - share)
                Elementwise.axpy(share, b.value, into: mixed)
                target.value = mixed
            }
        }
    }
}
