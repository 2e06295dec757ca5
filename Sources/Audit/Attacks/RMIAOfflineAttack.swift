import Foundation

/// RMIA-OFFLINE (Zarifzadeh et al. 2024): RMIA by shadows that did not train on the record.
public struct RMIAOfflineAttack: Attack {
    /// `RMIA-OFFLINE`.
    public let name = "RMIA-OFFLINE"
    /// One sentence for the report.
    public let explanation =
        "How often the record is likelier, against models that did not train on it, than records that nobody trained on."
    /// What the attacker has.
    public let assumption =
        "The attacker has the emulator, knows how the run was tuned, and trained models of its own before it met the record."
    /// What it works on.
    public let needs: Set<Evidence> = [.shadows]
    private let gamma: Double
    private let offlineA: Double?

    /// Takes the parameters.
    ///
    /// - Parameters:
    ///   - gamma: γ; the published code takes 1, the paper 2.
    ///   - offlineA: the a that makes p(x) of the models without x; nil: chosen on the shadows, whose coins the attacker knows.
    public init(gamma: Double = 1, offlineA: Double? = nil) {
        self.gamma = gamma
        self.offlineA = offlineA
    }

    /// Pr_z[LR(x, z) ≥ γ] with p(x) = (1 + a)/2 · mean p_out + (1 − a)/2.
    ///
    /// - Throws: `AuditError.unusableObservation` for a record that no shadow left out.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        let a = try offlineA ?? Self.tuned(on: observations.map { try $0.shadowEvidence(inside: 0) })
        return try PopulationRanking(gamma: gamma) { _, outside in
            Self.marginal(PopulationRanking.mean(outside), a: a)
        }.scores(of: observations, inside: 0)
    }

    private static func marginal(_ without: Double, a: Double) -> Double { (1 + a) / 2 * without + (1 - a) / 2 }

    /// The a of 0, 0.1 … 1 with which the other shadows tell best what each shadow trained on, by the mean of the AUCs.
    static func tuned(on evidence: [ShadowEvidence]) -> Double {
        let shadows = evidence.first?.isIncluded.count ?? 0
        let grid = (0...10).map { Double($0) / 10 }
        let sums = grid.map { a in
            (0..<shadows).reduce(0.0) { sum, target in
                let usable = evidence.filter { record in
                    record.isIncluded.indices.contains { $0 != target && !record.isIncluded[$0] }
                }
                let ratios = usable.map { record in
                    let outside = record.isIncluded.indices.filter { $0 != target && !record.isIncluded[$0] }
                    return record.logLikelihoods[target]
                        - log(marginal(PopulationRanking.mean(outside.map { exp(record.logLikelihoods[$0]) }), a: a))
                }
                let sample = try? LabelledScores(scores: ratios, isMember: usable.map { $0.isIncluded[target] })
                return sum + (sample.map { AUC.value(of: $0) } ?? 0.5)
            }
        }
        // The first of equals: the smallest a, which trusts the shadows least.
        return zip(grid, sums).max { $0.1 < $1.1 || ($0.1 == $1.1 && $0.0 > $1.0) }?.0 ?? 0.5
    }
}
