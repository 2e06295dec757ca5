import LanguageModels
import TensorEngine

/// Attention projections as two factors each: selective rank compression (ScaleOT, arXiv 2412.09812), weighted by what the
/// layers take in text.
enum AttentionFactors {
    /// The factors of one projection, by name within the block; nil when the decomposition fails.
    ///
    /// - Parameter moment: Σ n nᵀ of what the layer takes; nil: the plain truncated decomposition.
    static func weights(
        of layer: Linear,
        rank: Int,
        moment: SecondMoment?,
        localName: String
    ) -> [String: Tensor]? {
        let (out, width) = (layer.outputSize, layer.inputSize)
        let isRows = layer.layout == .outputByInput
        let weight = layer.weight.value.values
        guard
            let factors = LowRankFactors(
                of: isRows ? weight : weight.transposed(rows: width, columns: out),
                rows: out,
                columns: width,
                rank: rank,
                moment: moment?.values
            )
        else { return nil }
        guard factors.expand.allSatisfy(\.isFinite), factors.reduce.allSatisfy(\.isFinite) else { return nil }
        let expand = Tensor(
            shape: isRows ? [out, rank] : [rank, out],
            values: isRows ? factors.expand : factors.expand.transposed(rows: out, columns: rank)
        )
        let reduce = Tensor(
            shape: isRows ? [rank, width] : [width, rank],
            values: isRows ? factors.reduce : factors.reduce.transposed(rows: rank, columns: width)
        )
        return [localName + ".expand.weight": expand, localName + ".reduce.weight": reduce]
    }
}
