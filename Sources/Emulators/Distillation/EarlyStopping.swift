import TensorEngine
import Training

/// Looks at held-out text in regular steps, remembers the best weights and says when it is enough.
final class EarlyStopping {
    /// Sequences of held-out text that are looked at, at the most.
    static let sequences = 32

    /// Steps between two looks.
    let interval: Int
    /// What was seen.
    private(set) var history: [DistillationReport.HeldOutLoss] = []

    private let examples: [EncodedExample]
    private let patience: Int
    /// While the learning rate rises, a look that is no better says nothing.
    private let warmup: Int
    private(set) var best: (step: Int, loss: Double, values: [Tensor])?
    private(set) var misses = 0

    /// - Returns: nil when there is nothing to look at, or nobody wants it.
    init?(_ examples: [EncodedExample], configuration: DistillationConfiguration, steps: Int) {
        guard !examples.isEmpty, configuration.evaluations > 0 else { return nil }
        self.examples = Array(examples.prefix(Self.sequences))
        patience = max(1, configuration.patience)
        warmup = steps / 10
        // A look after every step of a short run would end it at the first rise.
        interval = max(4, (steps + configuration.evaluations - 1) / configuration.evaluations)
    }

    /// Looks once.
    ///
    /// - Returns: whether nothing got better for as long as patience lasts.
    func look(at step: Int, parameters: [Parameter], loss: ([EncodedExample]) -> Double) throws -> Bool {
        if history.last?.step == step { return false }
        var (sum, tokens) = (0.0, 0)
        for example in examples {
            sum += loss([example]) * Double(example.ids.count)
            tokens += example.ids.count
        }
        let mean = sum / Double(max(tokens, 1))
        history.append(.init(step: step, loss: mean))
        if mean < best?.loss ?? .infinity {
            best = (step, mean, parameters.map { $0.value.copy() })
            misses = 0
        } else if step > warmup {
            misses += 1
        }
        return misses >= patience
    }

    /// Goes on from where an earlier run was.
    func restore(
        history: [DistillationReport.HeldOutLoss],
        misses: Int,
        best: (step: Int, loss: Double, values: [Tensor])
    ) {
        self.history = history
        self.misses = misses
        self.best = best
    }

    /// Puts the best weights that were seen in place.
    func restoreBest(to parameters: [Parameter]) {
        guard let best else { return }
        for (parameter, value) in zip(parameters, best.values) { parameter.value.values = value.values }
    }
}
