import LanguageModels
import TensorEngine

/// What of the full model an emulator carries bit for bit.
enum VerbatimShare {
    /// Parameters of the emulator that are the full model's own numbers: whole tensors, and of a pruned feed-forward layer
    /// the rows or columns that are left as they were.
    static func count(emulator: LanguageModel, full: LanguageModel, split: OffsiteSplit) -> Int {
        var count = 0
        for (index, source) in split.sourceLayers.enumerated() {
            let originals = Dictionary(
                uniqueKeysWithValues: full.blocks[source].parameters.map {
                    ($0.name.dropFirst(full.blockPrefix(source).count), $0.value)
                }
            )
            for shipped in emulator.blocks[index].parameters {
                guard let original = originals[shipped.name.dropFirst(emulator.blockPrefix(index).count)] else {
                    continue
                }
                count += common(shipped.value, original)
            }
        }
        let blocks = emulator.blocks.flatMap(\.parameters).reduce(0) { $0 + $1.value.count }
        return count + emulator.parameterCount - blocks
    }

    private static func common(_ shipped: Tensor, _ original: Tensor) -> Int {
        if shipped === original { return shipped.count }
        if shipped.shape == original.shape { return bits(shipped) == bits(original) ? shipped.count : 0 }
        if shipped.columns == original.columns {
            let known = Set(rows(original))
            return rows(shipped).filter(known.contains).count * shipped.columns
        }
        guard shipped.rows == original.rows else { return 0 }
        let known = Set(columns(original))
        return columns(shipped).filter(known.contains).count * shipped.rows
    }

    private static func bits(_ tensor: Tensor) -> [UInt32] {
        tensor.withUnsafeBufferPointer { $0.map(\.bitPattern) }
    }

    private static func rows(_ tensor: Tensor) -> [[UInt32]] {
        let (all, n) = (bits(tensor), tensor.columns)
        return (0..<tensor.rows).map { Array(all[$0 * n..<($0 + 1) * n]) }
    }

    private static func columns(_ tensor: Tensor) -> [[UInt32]] {
        let (all, n) = (bits(tensor), tensor.columns)
        return (0..<n).map { column in (0..<tensor.rows).map { all[$0 * n + column] } }
    }
}
