import TensorEngine

extension Trainer {
    /// One step of DP-SGD: θ ← θ − lr · (Σ clip(gᵢ, C) + N(0, σ²C²)) / (q·n) over Poisson-drawn records i; the update rule
    /// sees the noised gradient only. An empty draw is a step of noise alone.
    ///
    /// The loss of a record is its mean over its own labelled tokens: a function of that record alone, so that what others
    /// are drawn with it changes nothing but the last bits of float32 sums, and C means the same for short records and long
    /// ones. Records go through the model in groups of bounded size, whose gradients are clipped one by one all the same
    /// (``PerExampleGradients``); one at a time where the trained parameters do not allow that (``clippingObstacle``).
    func takePrivateStep(_ privateSteps: PrivateSteps, _ report: inout FitReport) throws {
        let batch = try privateSteps.batch(at: step).map { examples[$0] }
        context.examples = batch
        context.loss = 0
        context.learningRate = configuration.schedule.rate(at: step)
        privateSteps.begin(parameters)
        for group in PrivateSteps.groups(of: batch) {
            let losses = try lossesAfterClipping(group, privateSteps)
            context.loss += losses / Double(batch.count)
            report.tokens += group.reduce(0) { $0 + $1.ids.count }
            report.labelledTokens += group.reduce(0) { $0 + $1.labelledTokenCount }
        }
        try privateSteps.finish(parameters, step: step)
        context.gradientNorm = GradientNorm.global(parameters)
        optimizer.step(parameters, learningRate: context.learningRate, gradientScale: 1)
        report.losses.append(context.loss)
        report.gradientNorms.append(context.gradientNorm)
        report.examples += batch.count
        context.step += 1
    }

    /// Why the records of a private step go through the model one at a time; nil while groups of them do.
    public var clippingObstacle: String? { privateSteps?.obstacle }

    /// Adds the clipped gradients of some records to the step's sum and gives the sum of their losses.
    private func lossesAfterClipping(_ group: [EncodedExample], _ privateSteps: PrivateSteps) throws -> Double {
        // A group of one too: how a record is scaled must not depend on what was drawn with it.
        if let losses = try lossesOfGroup(group, privateSteps) { return losses }
        return try group.reduce(0) { try $0 + lossOfOne($1, privateSteps) }
    }

    /// All records of a group in one pass; nil when their gradients cannot be told apart.
    private func lossesOfGroup(_ group: [EncodedExample], _ privateSteps: PrivateSteps) throws -> Double? {
        guard privateSteps.obstacle == nil else { return nil }
        let gradients = PerExampleGradients(
            of: parameters,
            layout: SequenceLayout(lengths: group.map(\.ids.count)),
            divisors: group.map { Float($0.labelledTokenCount) }
        )
        let tape = Tape(examples: gradients)
        let loss = objective(group, tape, 1)
        privateSteps.obstacle = gradients.obstacle
        guard privateSteps.obstacle == nil else { return nil }
        let losses = try finiteLoss(loss, of: group)
        tape.backward(from: loss)
        let norms = gradients.norms()
        guard norms.allSatisfy(\.bound.isFinite) else {
            throw notFinite("gradient norm", among: group, findingWithGradient: true)
        }
        privateSteps.add(gradients, norms: norms)
        return losses
    }

    private func lossOfOne(_ example: EncodedExample, _ privateSteps: PrivateSteps) throws -> Double {
        for parameter in parameters { parameter.zeroGradient() }
        let tape = Tape()
        let loss = objective([example], tape, Float(example.labelledTokenCount))
        let value = try finiteLoss(loss, of: [example])
        tape.backward(from: loss)
        let norm = GradientNorm.global(parameters)
        guard norm.isFinite else {
            throw notFinite("gradient norm", among: [example], findingWithGradient: true)
        }
        privateSteps.add(parameters, norm: norm)
        return value
    }

    private func finiteLoss(_ loss: Tensor, of group: [EncodedExample]) throws -> Double {
        let value = Double(loss.values.first ?? .nan)
        guard value.isFinite else { throw notFinite("loss", among: group, findingWithGradient: false) }
        return value
    }
}
