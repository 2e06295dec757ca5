import LanguageModels
import PEFT
import Progress
import TensorEngine
import Training

/// One of a probe's two models with its adapter blocks: measures it, and tunes a trial adapter on it.
final class ProbedModel {
    /// The model, never changed for good.
    let model: LanguageModel
    private let layers: [Int]
    private let task: ProbeTask
    private let configuration: ProbeConfiguration
    private let meter: WorkMeter
    private let isCancelled: () -> Bool
    /// What lies below the lowest trained block is the same for all seeds.
    private var prefix: FrozenPrefix?

    init(
        _ model: LanguageModel,
        layers: [Int],
        probe: Probe,
        meter: WorkMeter,
        isCancelled: @escaping () -> Bool
    ) {
        self.model = model
        self.layers = layers
        task = probe.task
        configuration = probe.configuration
        self.meter = meter
        self.isCancelled = isCancelled
    }

    /// The losses of the held-out records.
    func losses(_ stage: String) throws -> RecordLosses {
        let tokens = task.heldOut.reduce(0) { $0 + $1.ids.count }
        let operations = task.evaluationOperations(of: model)
        meter.begin(stage)
        return try RecordLosses.measure(
            model,
            on: task.heldOut,
            onBatch: { [meter] in meter.advance(stage, by: operations * Double($0) / Double(tokens)) },
            isCancelled: isCancelled
        )
    }

    /// The first matrices of LoRA, which follow from layer names: those names differ between the two models, and both must
    /// begin alike. Nil where the blocks themselves are trained: each model begins with its own.
    func beginning(seed: UInt64) throws -> [Tensor]? {
        guard case .lora = configuration.method else { return nil }
        let adapter = try attach(seed: seed)
        defer { adapter.detach() }
        return adapter.weights
    }

    /// An adapter that holds weights tuned elsewhere, frozen; it stays on the model until it is detached.
    func plug(_ weights: [Tensor], seed: UInt64) throws -> ProbeAdapter {
        let adapter = try attach(seed: seed)
        do {
            try adapter.load(weights)
        } catch {
            adapter.detach()
            throw error
        }
        adapter.freeze()
        return adapter
    }

    /// Tunes an adapter; it stays on the model, frozen, until it is detached.
    func tune(from beginning: [Tensor]?, seed: UInt64, stage: String) throws -> ProbeAdapter {
        let adapter = try attach(seed: seed)
        do {
            if let beginning { try adapter.load(beginning.map { $0.copy() }) }
            if prefix == nil { prefix = FrozenPrefix(of: model) }
            let trainer = try Trainer(
                model: model,
                parameters: adapter.parameters,
                examples: task.training,
                source: task.source,
                configuration: TrainerConfiguration(
                    batchSize: configuration.batch,
                    schedule: LearningRateSchedule(.constant, peak: configuration.learningRate),
                    optimizer: .adamW(weightDecay: 0),
                    clippingNorm: 1,
                    seed: seed
                ),
                hooks: configuration.proximal > 0 ? [ProximalTerm(strength: configuration.proximal)] : [],
                prefix: prefix.map { (states: $0, owner: "probe") }
            )
            let operations = task.tuningOperations(of: model, layers: layers, configuration: configuration)
            meter.begin(stage)
            let report = try trainer.fit(
                steps: configuration.steps,
                progress: meter.trainerProgress(stage, operations: operations),
                isCancelled: isCancelled
            )
            if report.wasCancelled { throw CancellationError() }
        } catch {
            adapter.detach()
            throw error
        }
        adapter.freeze()
        return adapter
    }

    private func attach(seed: UInt64) throws -> ProbeAdapter {
        try ProbeAdapter(configuration.method, on: model, layers: layers, seed: seed)
    }
}

extension ProbeTask {
    /// Operations of measuring a model on the held-out records.
    func evaluationOperations(of model: LanguageModel) -> Double {
        model.forwardOperations(
            lengths: heldOut.map(\.ids.count),
            labelled: heldOut.reduce(0) { $0 + $1.labelledTokenCount }
        )
    }

    /// Operations of one tuning.
    func tuningOperations(of model: LanguageModel, layers: [Int], configuration: ProbeConfiguration) -> Double {
        let mean = training.reduce(0) { $0 + $1.ids.count } / training.count
        return model.trainingOperations(
            of: layers.flatMap { model.blocks[$0].parameters },
            tokens: Double(mean * configuration.batch * configuration.steps),
            length: mean
        )
    }
}
