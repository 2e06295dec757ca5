import LanguageModels
import Progress
import TensorEngine
import Training

/// A2: trains all that was shipped on the attacker's own public text by next-token loss. The from-scratch controls are trained
/// in the very same way.
package enum HealAttack {
    /// A training within a budget.
    package struct Plan {
        /// Tokens to train on, at least one sequence's.
        package var tokens: Int
        /// Peak rate of AdamW (no decay; cosine after a tenth of the steps).
        package var learningRate: Double
        /// Decides the data order.
        package var seed: UInt64

        package init(tokens: Int, learningRate: Double, seed: UInt64) {
            self.tokens = tokens
            self.learningRate = learningRate
            self.seed = seed
        }

        /// Steps that a small budget is cut into, by taking fewer sequences a step.
        static let steps = 8
        /// Sequences of a step of a large budget.
        static let batch = 4
    }

    /// Trains a replica in place.
    ///
    /// - Returns: tokens that were seen.
    /// - Throws: `EmulatorError.diverged`, `TrainingError`; `CancellationError`.
    @discardableResult
    package static func heal(
        _ replica: LanguageModel,
        on text: PublicText,
        plan: Plan,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> Int {
        guard plan.tokens > 0 else { return 0 }
        let examples = text.sequences.enumerated().map { EncodedExample(ids: $1, labels: $1, recordIndex: $0) }
        let mean = Double(text.tokenCount) / Double(max(1, examples.count))
        let batch = min(Plan.batch, max(1, Int(Double(plan.tokens) / (mean * Double(Plan.steps)))))
        let steps = steps(of: batch, seeing: plan.tokens, examples: examples, seed: plan.seed)
        for parameter in replica.parameters { parameter.isTrainable = true }
        defer { for parameter in replica.parameters { parameter.isTrainable = false } }
        let trainer = try Trainer(
            model: replica,
            examples: examples,
            source: ExampleSource(path: text.source),
            configuration: TrainerConfiguration(
                batchSize: batch,
                schedule: LearningRateSchedule(
                    .cosine,
                    peak: plan.learningRate,
                    warmupSteps: steps / 10,
                    totalSteps: steps
                ),
                optimizer: .adamW(weightDecay: 0),
                clippingNorm: 1,
                seed: plan.seed
            )
        )
        let report = try trainer.fit(steps: steps, progress: progress, isCancelled: isCancelled)
        if report.wasCancelled { throw CancellationError() }
        return report.tokens
    }

    /// The fewest steps that see the budget's tokens; the last batch of an epoch may be small.
    private static func steps(of batch: Int, seeing tokens: Int, examples: [EncodedExample], seed: UInt64) -> Int {
        guard !examples.isEmpty else { return 1 }
        var order = DataOrder(count: examples.count, generator: SeededGenerator(seed: seed))
        var (steps, seen) = (0, 0)
        while seen < tokens {
            seen += order.next(batch).reduce(0) { $0 + examples[$1].ids.count }
            steps += 1
        }
        return steps
    }
}
