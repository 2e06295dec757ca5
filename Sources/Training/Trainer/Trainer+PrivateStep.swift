import TensorEngine

extension Trainer {
    /// One step of DP-SGD: θ ← θ − lr · (Σ clip(gᵢ, C) + N(0, σ²C²)) / (q·n) over Poisson-drawn records i; the update rule
    /// sees the noised gradient only. An empty draw is a step of noise alone.
    ///
    /// The loss of a record is its mean over its own labelled tokens: a function of that record alone, so that what others
    /// are drawn with it changes nothing, and C means the same for short records and long ones. Records go through the
    /// model one at a time, so that gᵢ is exact whatever the architecture.
    func takePrivateStep(_ privateSteps: PrivateSteps, _ report: inout FitReport) throws {
        let batch = try privateSteps.batch(at: step).map { examples[$0] }
        context.examples = batch
        context.loss = 0
        context.learningRate = configuration.schedule.rate(at: step)
        privateSteps.begin(parameters)
        for example in batch {
            for parameter in parameters { parameter.zeroGradient() }
            let tape = Tape()
            let loss = objective([example], tape, Float(example.labelledTokenCount))
            let value = Double(loss.values.first ?? .nan)
            guard value.isFinite else { throw notFinite("loss", among: [example], findingWithGradient: false) }
            tape.backward(from: loss)
            let norm = GradientNorm.global(parameters)
            guard norm.isFinite else {
                throw notFinite("gradient norm", among: [example], findingWithGradient: true)
            }
            privateSteps.add(parameters, norm: norm)
            context.loss += value / Double(batch.count)
            report.tokens += example.ids.count
            report.labelledTokens += example.labelledTokenCount
        }
        try privateSteps.finish(parameters, step: step)
        context.gradientNorm = GradientNorm.global(parameters)
        optimizer.step(parameters, learningRate: context.learningRate, gradientScale: 1)
        report.losses.append(context.loss)
        report.gradientNorms.append(context.gradientNorm)
        report.examples += batch.count
        context.step += 1
    }
}
