import Foundation

/// EZ (EZ-MIA, 2026): at the tokens where the tuned model is still wrong, how much likelihood the tuning pushed up against
/// how much it pushed down.
///
/// The published code divides P by N and returns 0 when N is 0 or fewer than two tokens are wrong, so that a record which
/// was memorised word for word gets the *lowest* score. Here the ratio is smoothed, and such records rank above all others,
/// among themselves by RATIO.
public struct EZAttack: Attack {
    /// `EZ`.
    public let name = "EZ"
    /// One sentence for the report.
    public let explanation =
        "Where the tuned model still errs, whether tuning moved it towards the record rather than away from it."
    /// Compares with the untuned model.
    public let needs: Set<Evidence> = [.reference]
    /// The a in log((P + a)/(N + a)), in nats.
    public let smoothing: Double

    /// - Parameter smoothing: positive, 0.01 by default.
    public init(smoothing: Double = 0.01) { self.smoothing = smoothing }

    /// log((P + a)/(N + a)) over the error tokens E; where |E| < 2, the largest such score plus the RATIO rank in (0, 1).
    public func scores(of observations: [RecordObservation]) -> [Double] {
        let smoothed = observations.map(score)
        let highest = smoothed.compactMap { $0 }.max() ?? 0
        let missing = smoothed.indices.filter { smoothed[$0] == nil }
        let ratios = RatioAttack().scores(of: missing.map { observations[$0] })
        var scores = smoothed.map { $0 ?? highest }
        for (index, rank) in zip(missing, MidRanks.of(ratios)) { scores[index] += rank / Double(missing.count + 1) }
        return scores
    }

    private func score(_ observation: RecordObservation) -> Double? {
        var pushedUp = 0.0
        var pushedDown = 0.0
        var errors = 0
        for (tuned, reference) in zip(observation.tuned, observation.reference) where !tuned.isArgmax {
            errors += 1
            let gain = tuned.logProbability - reference.logProbability
            if gain > 0 { pushedUp += gain } else { pushedDown -= gain }
        }
        return errors < 2 ? nil : log((pushedUp + smoothing) / (pushedDown + smoothing))
    }
}
