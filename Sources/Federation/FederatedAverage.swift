/// How updates are weighted in the mean.
public enum AveragingWeights: String, Codable, Sendable, CaseIterable {
    /// Every data holder counts the same; no holder's number of records is disclosed.
    case uniform
    /// By number of records, as McMahan et al. 2017 (FedAvg, Algorithm 1).
    case records
}

/// FedAvg: the weighted mean of updates (McMahan et al. 2017, Algorithm 1), summed in float64 in the order given.
public enum FederatedAverage {
    /// Σ wᵢ·δᵢ / Σ wᵢ.
    ///
    /// - Parameters:
    ///   - updates: δᵢ, all of one length.
    ///   - weights: wᵢ > 0, one an update.
    public static func mean(_ updates: [[Float]], weights: [Double]) -> [Float] {
        precondition(!updates.isEmpty && updates.count == weights.count, "one weight an update, at least one update")
        let total = weights.reduce(0, +)
        precondition(total > 0, "weights are positive")
        return updates[0].indices.map { index in
            var sum = 0.0
            for (update, weight) in zip(updates, weights) { sum += weight * Double(update[index]) }
            return Float(sum / total)
        }
    }
}
