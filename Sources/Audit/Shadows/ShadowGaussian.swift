import Foundation

/// What a record's score would be, had the model trained on it (or not): a Student distribution fitted to few shadows.
///
/// The variance is shrunk towards the one pooled over all records, v = (ν₀·v_pool + (n − 1)·v̂)/(ν₀ + n − 1), with
/// ν₀ + n − 1 degrees of freedom (BaVarIA, arXiv 2603.11799). Few shadows alone would give variances near zero by chance, and
/// with them extreme scores.
struct ShadowGaussian {
    let mean: Double
    let variance: Double
    let degrees: Double

    /// Fits one distribution a record.
    ///
    /// - Parameters:
    ///   - samples: `[records][shadows]`, none empty, of the same side (trained on the record, or not).
    ///   - priorDegrees: ν₀.
    static func fit(_ samples: [[Double]], priorDegrees: Double) -> [ShadowGaussian] {
        let means = samples.map { $0.reduce(0, +) / Double($0.count) }
        let squares = zip(samples, means).map { sample, mean in
            sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        }
        let freedom = samples.reduce(0.0) { $0 + Double($1.count - 1) }
        let pooled = freedom > 0 ? squares.reduce(0, +) / freedom : 1
        return samples.indices.map { index in
            let degrees = priorDegrees + Double(samples[index].count - 1)
            let variance = degrees > 0 ? (priorDegrees * pooled + squares[index]) / degrees : pooled
            // Shadows that agree to the last bit would make any other score infinitely strange.
            return ShadowGaussian(mean: means[index], variance: max(variance, 1e-12), degrees: max(degrees, 1))
        }
    }

    /// The distance from the mean in standard deviations.
    func standardised(_ score: Double) -> Double { (score - mean) / variance.squareRoot() }

    /// Natural logarithm of the density.
    func logDensity(_ score: Double) -> Double {
        let z = standardised(score)
        return lgamma((degrees + 1) / 2) - lgamma(degrees / 2) - 0.5 * log(degrees * Double.pi * variance)
            - (degrees + 1) / 2 * log1p(z * z / degrees)
    }

    /// log(p/(1 − p)) of p = exp(LL), the scale on which scores are near normal (Carlini et al. 2022, section IV-C).
    static func logit(logLikelihood: Double) -> Double {
        // At p = 1 the logit is infinite; the cut lies beyond what float32 probabilities tell apart.
        let bounded = min(logLikelihood, -1e-7)
        return bounded - log(-expm1(bounded))
    }
}
