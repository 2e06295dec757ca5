/// RMIA (Zarifzadeh et al. 2024, online): how often the record gained more from the training, against models of the same kind,
/// than records that nobody trained on.
public struct RMIAAttack: Attack {
    /// `RMIA`.
    public let name = "RMIA"
    /// One sentence for the report.
    public let explanation =
        "How often the record is likelier, against the average of models with and without it, than records that nobody trained on."
    /// What the attacker has.
    public let assumption =
        "The attacker has the emulator, knows how the run was tuned, and has the candidate records to train models of its own "
        + "with and without each."
    /// What it works on.
    public let needs: Set<Evidence> = [.shadows]
    private let gamma: Double

    /// - Parameter gamma: γ; the published code takes 1, the paper 2.
    public init(gamma: Double = 1) { self.gamma = gamma }

    /// Pr_z[LR(x, z) ≥ γ] with p(x) = (mean p_in + mean p_out)/2, and for z, which no shadow trained on, the mean over all.
    ///
    /// - Throws: `AuditError.unusableObservation` for a record without shadows on either side.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        let ranking = PopulationRanking(gamma: gamma) { inside, outside in
            let without = PopulationRanking.mean(outside)
            return inside.isEmpty ? without : (PopulationRanking.mean(inside) + without) / 2
        }
        return try ranking.scores(of: observations, inside: 1)
    }
}
