/// A two-sided interval; 95 % unless its maker says otherwise.
public struct ConfidenceInterval: Codable, Sendable, Equatable {
    /// Lower end.
    public var lower: Double
    /// Upper end.
    public var upper: Double

    /// Keeps the two ends.
    public init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }

    /// Whether `value` lies inside, ends included.
    public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

extension ConfidenceInterval {
    /// A bootstrap interval of a rate of 0 or 1 may shrink to that point, as if few records could prove it; the exact
    /// binomial interval of as many coins is added to it.
    func widened(for rate: Double, trials: Int) -> ConfidenceInterval {
        guard rate == 0 || rate == 1 else { return self }
        let exact = ClopperPearson.interval(successes: rate == 0 ? 0 : trials, trials: trials)
        return ConfidenceInterval(lower: min(lower, exact.lower), upper: max(upper, exact.upper))
    }
}
