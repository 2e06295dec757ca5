import LanguageModels
import Progress
import Training

/// Scores replicas, and trains them within budgets.
final class RecoveryBench {
    let fidelity: Fidelity
    /// Losses of the shipped ends without any middle.
    var floor: RecordLosses
    private let recovery: Recovery
    private let meter: WorkMeter
    private let isCancelled: () -> Bool

    init(recovery: Recovery, fidelity: Fidelity, meter: WorkMeter, isCancelled: @escaping () -> Bool) {
        self.recovery = recovery
        self.fidelity = fidelity
        self.meter = meter
        self.isCancelled = isCancelled
        floor = fidelity.fullLosses
    }

    /// Compares a replica with the full model.
    func score(_ stage: String, _ replica: LanguageModel) throws -> ReplicaScore {
        meter.begin(stage)
        let score = try fidelity.score(replica, isCancelled: isCancelled)
        meter.advance(stage, by: replica.forwardOperations(lengths: recovery.heldOut.map(\.count)))
        return score
    }

    /// An attempt that trains nothing.
    func attempt(_ name: String, scores: [ReplicaScore]) -> RecoveryReport.Attempt {
        RecoveryReport.Attempt(name, scores: scores, full: fidelity.fullLosses, floor: floor)
    }

    /// Trains from the same beginning within each budget. The learning rate of a budget is the one that does best on the
    /// held-out text itself: an attacker's best case.
    ///
    /// - Parameter begin: a fresh model for a seed.
    func curve(
        _ name: String,
        of subject: ReportCache.Subject,
        rates: [Double],
        begin: (_ seed: UInt64) throws -> LanguageModel
    ) throws -> [RecoveryReport.Attempt] {
        let configuration = recovery.configuration
        return try configuration.shares.sorted().compactMap { share in
            func trained(_ rate: Double, _ seed: UInt64) throws -> ReplicaScore {
                let plan = HealAttack.Plan(tokens: configuration.tokens(share), learningRate: rate, seed: seed)
                return try recovery.cache.piece(Self.fileName(name, plan), of: subject) {
                    try heal("\(name), \(plan.tokens) tokens", try begin(seed), plan)
                }
            }
            let tried = try rates.map { (rate: $0, score: try trained($0, 0)) }
            guard let best = tried.min(by: { $0.score.losses.perplexity.loss < $1.score.losses.perplexity.loss })
            else { return nil }
            return RecoveryReport.Attempt(
                name,
                share: share,
                tokens: configuration.tokens(share),
                learningRate: best.rate,
                scores: try (0..<UInt64(configuration.seeds)).map { try trained(best.rate, $0) },
                full: fidelity.fullLosses,
                floor: floor
            )
        }
    }

    private func heal(_ stage: String, _ replica: LanguageModel, _ plan: HealAttack.Plan) throws -> ReplicaScore {
        let operations = replica.trainingOperations(
            of: replica.parameters,
            tokens: Double(plan.tokens),
            length: recovery.text.tokenCount / max(1, recovery.text.sequences.count)
        )
        meter.begin(stage)
        do {
            try HealAttack.heal(
                replica,
                on: recovery.text,
                plan: plan,
                progress: meter.trainerProgress(stage, operations: operations),
                isCancelled: isCancelled
            )
        } catch TrainingError.notFinite {
            // Too high a rate: the weights are those before the step that failed, and another rate will be better.
        }
        return try score(stage, replica)
    }

    /// The name of a piece.
    static func fileName(_ name: String, _ plan: HealAttack.Plan? = nil) -> String {
        let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
        guard let plan else { return words }
        return "\(words)-\(plan.tokens)-tokens-rate-\(plan.learningRate)-seed-\(plan.seed)"
    }
}
