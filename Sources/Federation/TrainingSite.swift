import DifferentialPrivacy
import Emulators
import Foundation
import LanguageModels
import PEFT
import Progress
import TensorEngine
import Training

/// How a site trains.
public struct SiteConfiguration: Codable, Sendable, Equatable {
    /// What is trained.
    public var method: TuningMethod
    /// Sequences on the tape at once.
    public var batch: Int
    /// Micro-batches of one optimizer step.
    public var accumulation: Int
    /// The update rule; its state begins anew each round, as in FS-LLM.
    public var optimizer: OptimizerConfiguration
    /// The largest gradient norm; nil: no clipping. Private steps clip each record's gradient instead.
    public var clippingNorm: Double?
    /// In which arithmetic products are computed: part of what decides the bits of a run.
    public var precision: ComputePrecision
    /// Decides data order and initial LoRA matrices.
    public var seed: UInt64
    /// DP-SGD instead of ordinary steps; nil: no privacy of records is promised.
    public var privacy: RecordPrivacy?

    /// Makes a configuration.
    public init(
        method: TuningMethod = .blocks,
        batch: Int = 4,
        accumulation: Int = 1,
        optimizer: OptimizerConfiguration = .adamW(weightDecay: 0),
        clippingNorm: Double? = 1,
        precision: ComputePrecision = .float32,
        seed: UInt64 = 0,
        privacy: RecordPrivacy? = nil
    ) {
        self.method = method
        self.batch = batch
        self.accumulation = accumulation
        self.optimizer = optimizer
        self.clippingNorm = clippingNorm
        self.precision = precision
        self.seed = seed
        self.privacy = privacy
    }
}

extension SiteConfiguration {
    /// Reads a configuration; one from before there was a choice of precision means float32.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            method: try values.decode(TuningMethod.self, forKey: .method),
            batch: try values.decode(Int.self, forKey: .batch),
            accumulation: try values.decode(Int.self, forKey: .accumulation),
            optimizer: try values.decode(OptimizerConfiguration.self, forKey: .optimizer),
            clippingNorm: try values.decodeIfPresent(Double.self, forKey: .clippingNorm),
            precision: try values.decodeIfPresent(ComputePrecision.self, forKey: .precision) ?? .float32,
            seed: try values.decode(UInt64.self, forKey: .seed),
            privacy: try values.decodeIfPresent(RecordPrivacy.self, forKey: .privacy)
        )
    }
}

/// One emulator in memory and the records of the holders that train on it here.
public actor TrainingSite: LocalTrainer {
    private let executor = TensorExecutor(label: "fsot.training")
    /// Tensor work runs on a thread of its own.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// The adapter's tensors.
    public nonisolated let schema: AdapterSchema
    /// The untuned adapter.
    public nonisolated let initialState: AdapterState

    private let tuned: TunedModel
    private var prefix: FrozenPrefix?
    private let middle: ThinnedMiddle
    private var adopted: Int?
    private var noiseKey: NoiseKey?
    private let configuration: SiteConfiguration
    private let examples: [String: (examples: [EncodedExample], source: ExampleSource)]
    private let progress: (@Sendable (LocalTask, ProgressEvent) -> Void)?
    private let isCancelled: @Sendable () -> Bool

    /// Opens an emulator for training.
    ///
    /// - Parameters:
    ///   - load: gives the emulator; called once.
    ///   - metadata: `emulator.json`.
    ///   - configuration: how to train.
    ///   - examples: each holder's encoded records.
    ///   - progress: told tokens and loss of each step of a task.
    ///   - isCancelled: asked between steps.
    /// - Throws: what `load` throws; `PEFTError`.
    public init(
        loading load: () throws -> LanguageModel,
        metadata: EmulatorMetadata,
        configuration: SiteConfiguration,
        examples: [String: (examples: [EncodedExample], source: ExampleSource)],
        progress: (@Sendable (LocalTask, ProgressEvent) -> Void)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws {
        let model = try load()
        let adapter = try configuration.method.attach(
            to: model,
            layers: metadata.adapterLayers,
            seed: configuration.seed
        )
        let tuned = TunedModel(model: model, adapter: adapter) { $0 }
        model.compute(in: configuration.precision, releasingFloat32: true)
        self.tuned = tuned
        prefix = FrozenPrefix(of: model)
        middle = ThinnedMiddle(of: model, metadata)
        schema = tuned.schema
        initialState = tuned.state
        self.configuration = configuration
        self.examples = examples
        self.progress = progress
        self.isCancelled = isCancelled
    }

    /// Trains from `state` on one holder's records; the same task and state give the same bits.
    ///
    /// - Throws: `TrainingError`; `CancellationError` when asked to stop; `FederationError` for an unknown holder.
    public func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        guard let own = examples[task.holder] else {
            throw FederationError.invalidConfiguration(
                reason: "There are no records of \(task.holder) here",
                remedy: "check --data"
            )
        }
        tuned.state = state
        let trainer = try Trainer(
            model: tuned.model,
            parameters: tuned.adapter.parameters,
            examples: own.examples,
            source: own.source,
            configuration: TrainerConfiguration(
                batchSize: configuration.batch,
                accumulation: configuration.accumulation,
                schedule: LearningRateSchedule(.constant, peak: task.learningRate),
                optimizer: configuration.optimizer,
                clippingNorm: configuration.privacy == nil ? configuration.clippingNorm : nil,
                seed: SeededGenerator(seed: configuration.seed).derive(task.holder).firstWord,
                privacy: configuration.privacy
            ),
            noiseKey: try noiseKey?.derive("holder/\(task.holder)"),
            prefix: prefix.map { (states: $0, owner: task.holder) }
        )
        trainer.skip(steps: (task.round - 1) * task.localSteps)
        var tell: ProgressHandler?
        if let progress { tell = { progress(task, $0) } }
        let report = try trainer.fit(
            steps: task.localSteps,
            progress: tell,
            isCancelled: isCancelled
        )
        if report.wasCancelled { throw CancellationError() }
        return tuned.state
    }

    /// Takes the key that coins and noise of private steps follow from; each holder's are derived from it.
    public func use(_ key: NoiseKey) { noiseKey = key }

    /// Puts a re-aligned middle in place; holders who share this site all tell it, and once is enough.
    ///
    /// - Throws: `FederationError.wrongLength`.
    public func adopt(_ middle: RealignedMiddle) async throws {
        if adopted == middle.round { return }
        try self.middle.set(middle.values, from: "the coordinator")
        tuned.model.compute(in: configuration.precision, releasingFloat32: true)
        prefix = FrozenPrefix(of: tuned.model)
        adopted = middle.round
    }

    /// The mean loss in nats a labelled token of the emulator with `state` on some examples.
    public func loss(of examples: [EncodedExample], with state: AdapterState) throws -> RecordPerplexity {
        tuned.state = state
        return try RecordPerplexity.measure(tuned.model, on: examples)
    }

    /// Writes the adapter with `state` as a directory that peft or `fsot plug` reads, with `emulator.json` beside it.
    ///
    /// - Throws: `PEFTError`, `AtomicFileError`.
    public func save(_ state: AdapterState, metadata: EmulatorMetadata, to directory: String) throws {
        tuned.state = state
        try tuned.adapter.save(to: directory)
        try metadata.write(directory: directory)
    }
}

extension SeededGenerator {
    /// A number that follows from the generator's state, for seeding something else.
    var firstWord: UInt64 {
        var copy = self
        return copy.next()
    }
}
