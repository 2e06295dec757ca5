import DifferentialPrivacy
import Emulators
import Federation
import LanguageModels
import Logging
import Progress
import Training

/// The data holders of an audited run once more, in this process, on records that the caller picks: rounds, averaging and noise
/// and all are the federation's own. Updates are not masked, which changes their sum in the last bits only.
public struct RepeatedFederation: Sendable {
    /// One data holder.
    public struct Holder: Sendable {
        /// Its name, which its data order follows from.
        public let name: String
        /// What it trains on.
        public let examples: [EncodedExample]
        /// Where its records come from, for errors.
        public let source: ExampleSource

        /// Keeps the values.
        public init(name: String, examples: [EncodedExample], source: ExampleSource) {
            self.name = name
            self.examples = examples
            self.source = source
        }
    }

    private let trainer: TrainingSite
    private let holders: [Holder]
    private let federation: FederationConfiguration
    private let noiseKey: NoiseKey?
    private let logger: Logger
    private let isCancelled: @Sendable () -> Bool

    /// Opens an emulator for all holders.
    ///
    /// - Parameters:
    ///   - load: gives the emulator; called once.
    ///   - holders: in the order in which their updates are added.
    ///   - metadata: `emulator.json`.
    ///   - site: how each holder trains; its seed decides data order.
    ///   - federation: how rounds run; its seed decides who is drawn.
    ///   - noiseSeed: what the noise of differential privacy follows from, where there is any.
    ///   - logger: takes the participants' remarks.
    ///   - progress: told the tokens of each fit.
    ///   - isCancelled: asked between steps.
    /// - Throws: what `load` throws; `PEFTError`; `CryptographyError`.
    public init(
        loading load: @Sendable () throws -> LanguageModel,
        holders: [Holder],
        metadata: EmulatorMetadata,
        site: SiteConfiguration,
        federation: FederationConfiguration,
        noiseSeed: UInt64,
        logger: Logger,
        progress: (@Sendable (LocalTask, ProgressEvent) -> Void)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) async throws {
        trainer = try TrainingSite(
            loading: load,
            metadata: metadata,
            configuration: site,
            examples: Dictionary(
                holders.map { ($0.name, (examples: $0.examples, source: $0.source)) },
                uniquingKeysWith: { first, _ in first }
            ),
            progress: progress,
            isCancelled: isCancelled
        )
        if site.privacy != nil || federation.privacy != nil {
            let key = try NoiseKey(simulationSeed: noiseSeed)
            await trainer.use(key)
            noiseKey = key
        } else {
            noiseKey = nil
        }
        self.holders = holders
        self.federation = federation
        self.logger = logger
        self.isCancelled = isCancelled
    }

    /// Runs some of the rounds.
    ///
    /// - Parameters:
    ///   - rounds: which; a round's number decides the order of the data in it.
    ///   - initial: the adapter that the first of them is broadcast with.
    ///   - keep: takes what could be seen of each; nil: nothing is kept.
    /// - Returns: the adapter after the last.
    /// - Throws: `TrainingError`; `FederationError`; `CancellationError`.
    public func run(
        rounds: ClosedRange<Int>,
        from initial: AdapterState,
        keep: (@Sendable (RoundObservation) throws -> Void)? = nil
    ) async throws -> AdapterState {
        let observed = keep.map { ObservedTraining(trainer, keep: $0) }
        let participants = holders.map { holder in
            Participant(
                name: holder.name,
                adapterCount: trainer.schema.count,
                weight: federation.weights == .records ? Double(holder.examples.count) : 1,
                trainer: observed ?? trainer,
                logger: logger
            )
        }
        var configuration = federation
        configuration.rounds = rounds.upperBound
        var progress = RunProgress()
        progress.completedRounds = rounds.lowerBound - 1
        let coordinator = Coordinator(
            transport: try InMemoryTransport(participants),
            configuration: configuration,
            schema: trainer.schema,
            state: initial,
            progress: progress,
            observer: observed,
            noiseKey: noiseKey,
            logger: logger
        )
        do {
            try await coordinator.run(isCancelled: isCancelled)
        } catch {
            if isCancelled() { throw CancellationError() }
            // The coordinator got a code only; the holder's own error says why.
            for participant in participants {
                if let cause = await participant.failure { throw cause }
            }
            throw error
        }
        return await coordinator.latest
    }
}
