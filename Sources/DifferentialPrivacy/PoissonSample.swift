/// Poisson sampling as the accountants mean it: each record is drawn by a coin of its own, so that the size of a sample is
/// random and may be zero. Shuffled batches are not this (Chua et al. 2024).
public enum PoissonSample {
    /// The drawn ones of `count` records, in their order.
    ///
    /// - Parameters:
    ///   - rate: the chance of each, in [0, 1].
    ///   - key: of this draw alone.
    /// - Throws: `CryptographyError`.
    public static func draw(from count: Int, rate: Double, key: NoiseKey) throws -> [Int] {
        var drawn: [Int] = []
        try key.forEachUniform(count) { index, uniform in
            if uniform < rate { drawn.append(index) }
        }
        return drawn
    }
}
