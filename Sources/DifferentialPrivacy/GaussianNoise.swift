import Foundation

/// Independent normal noise from a cryptographic stream (Box and Muller 1958), in float64.
///
/// The guarantees are about real numbers: sums are rounded to Float32 after the noise, which no accountant here covers
/// (Mironov 2012, "On significance of the least significant bits for differential privacy").
public struct GaussianNoise {
    private let key: NoiseKey
    private let standardDeviation: Double

    /// Noise of one purpose. A key serves one vector: two vectors of one key would have the same noise.
    public init(_ key: NoiseKey, standardDeviation: Double) {
        self.key = key
        self.standardDeviation = standardDeviation
    }

    /// Hands the noise of each of `count` coordinates to `body`, in order.
    ///
    /// - Throws: `CryptographyError`.
    public func forEach(_ count: Int, _ body: (_ index: Int, _ noise: Double) -> Void) throws {
        var radius = 0.0
        try key.forEachUniform(count + count % 2) { index, uniform in
            if index % 2 == 0 {
                // 1 − u lies in (0, 1]: the logarithm is finite.
                radius = standardDeviation * (-2 * log(1 - uniform)).squareRoot()
            } else {
                let angle = 2 * Double.pi * uniform
                body(index - 1, radius * cos(angle))
                if index < count { body(index, radius * sin(angle)) }
            }
        }
    }
}
