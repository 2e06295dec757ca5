/// The exact binomial interval (Clopper & Pearson 1934).
public enum ClopperPearson {
    /// One-sided lower bound of a proportion at level `alpha`.
    ///
    /// - Parameters:
    ///   - successes: 0 … trials.
    ///   - trials: at least 1.
    public static func lower(successes: Int, trials: Int, alpha: Double) -> Double {
        successes <= 0 ? 0 : IncompleteBeta.quantile(alpha, Double(successes), Double(trials - successes + 1))
    }

    /// One-sided upper bound of a proportion at level `alpha`.
    ///
    /// - Parameters:
    ///   - successes: 0 … trials.
    ///   - trials: at least 1.
    public static func upper(successes: Int, trials: Int, alpha: Double) -> Double {
        successes >= trials ? 1 : IncompleteBeta.quantile(1 - alpha, Double(successes + 1), Double(trials - successes))
    }

    /// The two-sided interval with at least the given coverage.
    public static func interval(successes: Int, trials: Int, confidence: Double = 0.95) -> ConfidenceInterval {
        let alpha = (1 - confidence) / 2
        return ConfidenceInterval(
            lower: lower(successes: successes, trials: trials, alpha: alpha),
            upper: upper(successes: successes, trials: trials, alpha: alpha)
        )
    }
}
