import Emulators
import LanguageModels
import PEFT
import Progress
import TensorEngine
import Training

/// The owner's check of each aggregate: plugs it into the full model and measures both models on the owner's own text.
public actor OwnerJudge: AggregateJudge {
    private let executor = TensorExecutor(label: "fsot.owner")
    /// Tensor work runs on a thread of its own.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let tuned: TunedModel
    let realigned: RealignedEmulator?
    let progress: ProgressHandler?
    let isCancelled: @Sendable () -> Bool
    private let site: TrainingSite
    private let probe: [EncodedExample]
    private let margin: Double
    private var reference: Double?

    /// Opens the full model.
    ///
    /// - Parameters:
    ///   - load: gives the full model; called once.
    ///   - metadata: of the emulator that is being tuned.
    ///   - method: what is trained.
    ///   - precision: in which arithmetic to compute products.
    ///   - seed: of the tuning, so that LoRA starts from the same matrices.
    ///   - site: measures the emulator.
    ///   - probe: the owner's validation text, never the test set.
    ///   - margin: in nats a token; an aggregate whose plugged-in loss exceeds the untuned model's by more is rejected.
    ///   - realigning: what re-aligning needs, and what gives the emulator, called once; nil: the emulator stays as it is.
    ///   - progress: told how re-aligning goes.
    ///   - isCancelled: asked while re-aligning.
    /// - Throws: what `load` throws; `FederationError.invalidConfiguration` when the model does not fit the emulator.
    public init(
        loading load: () throws -> LanguageModel,
        metadata: EmulatorMetadata,
        method: TuningMethod,
        precision: ComputePrecision = .float32,
        seed: UInt64,
        site: TrainingSite,
        probe: [EncodedExample],
        margin: Double = 0.5,
        realigning: (setup: Realignment, load: () throws -> LanguageModel)? = nil,
        progress: ProgressHandler? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws {
        let model = try load()
        let tuned = try TunedModel(full: model, metadata: metadata, method: method, seed: seed)
        try tuned.requireSchema(site.schema)
        model.compute(in: precision)
        self.tuned = tuned
        realigned = try realigning.map { realigning in
            try RealignedEmulator(
                realigning.setup,
                loading: realigning.load,
                metadata: metadata,
                method: method,
                seed: seed
            )
        }
        realigned?.tuned.model.compute(in: precision)
        self.progress = progress
        self.isCancelled = isCancelled
        self.site = site
        self.probe = probe
        self.margin = margin
    }

    /// Measures `emulator.loss` and `plugin.loss` on the owner's text.
    public func judge(_ state: AdapterState, round: Int) async throws -> Judgement {
        let emulator = try await site.loss(of: probe, with: state)
        let plugin = try measure(state)
        let untuned = try untunedLoss()
        let figures = [
            "emulator.loss": emulator.loss, "emulator.perplexity": emulator.perplexity,
            "plugin.loss": plugin.loss, "plugin.perplexity": plugin.perplexity,
        ]
        var rejection: String?
        if !plugin.loss.isFinite {
            rejection = "the plugged-in model's loss is not finite"
        } else if plugin.loss > untuned + margin {
            rejection =
                "the plugged-in model's loss \(plugin.loss) is more than \(margin) above the untuned \(untuned)"
        }
        return Judgement(figures: figures, validationLoss: plugin.loss, rejection: rejection)
    }

    /// The untuned adapter's loss, measured once; a resumed run begins without round 0 and needs it all the same.
    private func untunedLoss() throws -> Double {
        if let reference { return reference }
        let loss = try measure(site.initialState).loss
        reference = loss
        return loss
    }

    private func measure(_ state: AdapterState) throws -> RecordPerplexity {
        tuned.state = state
        return try RecordPerplexity.measure(tuned.model, on: probe)
    }
}
