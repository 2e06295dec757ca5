import Progress
import TensorEngine

extension Trainer {
    /// Takes `steps` optimizer steps: the local steps of a federation's round.
    ///
    /// - Parameters:
    ///   - steps: how many, from where the last fit or the restored checkpoint ended.
    ///   - phase: what progress events call this.
    ///   - progress: told at the start and after every step how many of the fit's tokens are done.
    ///   - isCancelled: asked between steps; when it says yes the fit ends there and the trainer can be saved.
    /// - Throws: `TrainingError.notFinite` before any weight is changed by the offending batch; errors of hooks.
    @discardableResult
    public func fit(
        steps: Int,
        phase: String = "training",
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> FitReport {
        var report = FitReport()
        let total = progress == nil ? 0 : try upcomingTokens(steps: steps)
        progress?(ProgressEvent(phase: phase, completed: 0, total: total, unit: "tokens"))
        try run { try $0.onFitStart(context) }
        var isInEpoch = false
        for _ in 0..<max(0, steps) {
            if isCancelled() {
                report.wasCancelled = true
                break
            }
            if !isInEpoch {
                context.epoch = order.epoch
                try run { try $0.onEpochStart(context) }
                isInEpoch = true
            }
            if let privateSteps {
                try takePrivateStep(privateSteps, &report)
            } else {
                try takeStep(&report)
            }
            progress?(
                ProgressEvent(
                    phase: phase,
                    completed: report.tokens,
                    total: total,
                    unit: "tokens",
                    figures: [("loss", context.loss)]
                )
            )
            if privateSteps == nil, order.isAtEpochStart {
                try run { try $0.onEpochEnd(context) }
                isInEpoch = false
            }
        }
        if isInEpoch { try run { try $0.onEpochEnd(context) } }
        try run { try $0.onFitEnd(context) }
        return report
    }

    /// Goes through all examples `epochs` times, the rest of a begun epoch counting as one.
    ///
    /// - Throws: as ``fit(steps:phase:progress:isCancelled:)``.
    @discardableResult
    public func fit(
        epochs: Int,
        phase: String = "training",
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> FitReport {
        let size = configuration.batchSize * configuration.accumulation
        func steps(_ count: Int) -> Int { (count + size - 1) / size }
        let all = epochs < 1 ? 0 : steps(order.count - order.position) + (epochs - 1) * steps(order.count)
        return try fit(steps: all, phase: phase, progress: progress, isCancelled: isCancelled)
    }

    /// The tokens of the next `steps` steps, without taking them.
    ///
    /// - Throws: `CryptographyError` of the coins of private steps.
    public func upcomingTokens(steps: Int) throws -> Int {
        var tokens = 0
        if let privateSteps {
            for ahead in 0..<max(0, steps) {
                for index in try privateSteps.batch(at: step + ahead) { tokens += examples[index].ids.count }
            }
            return tokens
        }
        var preview = order
        for _ in 0..<max(0, steps) {
            for index in preview.next(configuration.batchSize * configuration.accumulation) {
                tokens += examples[index].ids.count
            }
        }
        return tokens
    }

    private func run(_ point: (any TrainerHook) throws -> Void) throws {
        for hook in hooks { try point(hook) }
    }

    private func takeStep(_ report: inout FitReport) throws {
        // A copy: when the batch fails, the trainer stands where it stood before.
        var following = order
        let batch = following.next(configuration.batchSize * configuration.accumulation).map { examples[$0] }
        let labelled = batch.reduce(0) { $0 + $1.labelledTokenCount }
        let microBatches = stride(from: 0, to: batch.count, by: configuration.batchSize).map {
            Array(batch[$0..<min(batch.count, $0 + configuration.batchSize)])
        }
        context.examples = batch
        context.loss = 0
        context.microBatch = 0
        context.microBatchCount = microBatches.count
        context.learningRate = configuration.schedule.rate(at: step)
        for parameter in parameters { parameter.zeroGradient() }
        try run { try $0.onBatchStart(context) }
        for (number, examples) in microBatches.enumerated() {
            context.microBatch = number
            let tape = Tape()
            let loss = objective(examples, tape, Float(labelled))
            let value = Double(loss.values.first ?? .nan)
            guard value.isFinite else { throw notFinite("loss", among: examples, findingWithGradient: false) }
            context.loss += value
            try run { try $0.onBatchForward(context) }
            tape.backward(from: loss)
            try run { try $0.onBatchBackward(context) }
        }
        let norm = GradientNorm.global(parameters)
        guard context.loss.isFinite else { throw notFinite("loss", among: batch, findingWithGradient: false) }
        guard norm.isFinite else { throw notFinite("gradient norm", among: batch, findingWithGradient: true) }
        context.gradientNorm = norm
        optimizer.step(
            parameters,
            learningRate: context.learningRate,
            gradientScale: GradientNorm.clippingScale(norm: norm, maximum: configuration.clippingNorm)
        )
        order = following
        report.losses.append(context.loss)
        report.gradientNorms.append(norm)
        report.tokens += batch.reduce(0) { $0 + $1.ids.count }
        report.labelledTokens += labelled
        report.examples += batch.count
        context.step += 1
        try run { try $0.onBatchEnd(context) }
    }

    /// Runs the suspects one at a time to name the guilty; if none fails alone, all are named.
    func notFinite(
        _ quantity: String,
        among examples: [EncodedExample],
        findingWithGradient: Bool
    ) -> TrainingError {
        var guilty: [EncodedExample] = []
        for example in examples where examples.count > 1 {
            let tape = Tape(isRecording: findingWithGradient)
            let loss = objective([example], tape, Float(example.labelledTokenCount))
            var isFinite = (loss.values.first ?? .nan).isFinite
            if isFinite && findingWithGradient {
                for parameter in parameters { parameter.zeroGradient() }
                tape.backward(from: loss)
                isFinite = GradientNorm.global(parameters).isFinite
            }
            if !isFinite { guilty.append(example) }
        }
        for parameter in parameters { parameter.zeroGradient() }
        let named = (guilty.isEmpty ? examples : guilty).map { source.name(of: $0.recordIndex) }
        return .notFinite(quantity: quantity, step: step, records: named, path: source.path)
    }
}
