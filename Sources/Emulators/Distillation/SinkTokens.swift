import TensorEngine

/// Attention sinks: tokens that carry almost all the energy of the hidden states and nothing of the text. On SmolLM2 the
/// first token holds nine tenths of the middle's output.
public enum SinkTokens {
    /// A token whose norm exceeds this many times the median's is a sink, wherever it stands.
    public static let normRatio = 10.0

    /// Which rows are not sinks: false for the first token of each sequence and for every one of outstanding norm.
    ///
    /// - Parameter states: hidden states `[layout.rows, hidden]`.
    public static func mask(_ states: Tensor, layout: SequenceLayout) -> [Bool] {
        let energies = TokenEnergy.of(states)
        let sorted = energies.sorted()
        let limit = sorted.isEmpty ? 0 : sorted[sorted.count / 2] * normRatio * normRatio
        var mask = energies.map { $0 <= limit }
        for offset in layout.offsets { mask[offset] = false }
        return mask
    }
}
