import DifferentialPrivacy
import Emulators
import Federation
import LanguageModels
import Logging
import Progress
import Synchronization
import TensorEngine
import Training

/// Trains an adapter as an audited run was tuned, data holders, rounds, averaging and noise and all, on other records of its
/// plan: the algorithm is the federation's own. Updates are not masked, which changes their sum in the last bits only.
public struct ShadowTraining: Sendable {
    private let metadata: EmulatorMetadata
    private let site: SiteConfiguration
    private let federation: FederationConfiguration
    private let examples: [EncodedExample]
    private let holders: [String]
    private let logger: Logger

    /// Takes what all shadows share.
    ///
    /// - Parameters:
    ///   - metadata: `emulator.json`.
    ///   - site: how each holder of the audited run trained.
    ///   - federation: how its rounds ran.
    ///   - examples: all records of the plan, in its order.
    ///   - holders: whose each record is.
    ///   - logger: takes the participants' remarks.
    public init(
        metadata: EmulatorMetadata,
        site: SiteConfiguration,
        federation: FederationConfiguration,
        examples: [EncodedExample],
        holders: [String],
        logger: Logger
    ) {
        self.metadata = metadata
        self.site = site
        self.federation = federation
        self.examples = examples
        self.holders = holders
        self.logger = logger
    }

    /// Trains one shadow.
    ///
    /// - Parameters:
    ///   - load: gives the emulator.
    ///   - isIncluded: `[records]`.
    ///   - initial: the adapter that the audited run began with, which every participant was sent.
    ///   - seed: decides data order, sampling of holders, and noise.
    ///   - progress: told the tokens trained on so far.
    ///   - isCancelled: asked between steps.
    /// - Returns: the adapter and the tokens that it was trained on.
    /// - Throws: `AuditError.oneSidedHolder` when a holder has nothing to train on; `TrainingError`; `CancellationError`.
    public func train(
        loading load: @Sendable () throws -> LanguageModel,
        isIncluded: [Bool],
        from initial: AdapterState,
        seed: UInt64,
        progress: (@Sendable (Int) -> Void)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) async throws -> (adapter: AdapterState, tokens: Int) {
        var names: [String] = []
        for holder in holders where !names.contains(holder) { names.append(holder) }
        var parts: [String: (examples: [EncodedExample], source: ExampleSource)] = [:]
        for name in names {
            let own = examples.indices.filter {
                holders[$0] == name && isIncluded[$0] && examples[$0].labelledTokenCount > 0
            }
            if own.isEmpty { throw AuditError.oneSidedHolder(name: name) }
            parts[name] = (own.map { examples[$0] }, ExampleSource(path: name))
        }
        var site = site
        site.seed = seed
        var federation = federation
        federation.seed = seed
        let tokens = TokenCount()
        let trainer = try TrainingSite(
            loading: load,
            metadata: metadata,
            configuration: site,
            examples: parts,
            progress: { task, event in
                let total = tokens.reach(event.completed, in: "\(task.round) \(task.holder)")
                progress?(total)
            },
            isCancelled: isCancelled
        )
        var noiseKey: NoiseKey?
        if site.privacy != nil || federation.privacy != nil {
            let key = try NoiseKey(simulationSeed: seed)
            await trainer.use(key)
            noiseKey = key
        }
        let participants = names.map { name in
            Participant(
                name: name,
                adapterCount: trainer.schema.count,
                weight: federation.weights == .records ? Double(parts[name]?.examples.count ?? 1) : 1,
                trainer: trainer,
                logger: logger
            )
        }
        let coordinator = Coordinator(
            transport: try InMemoryTransport(participants),
            configuration: federation,
            schema: trainer.schema,
            state: initial,
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
        return (await coordinator.latest, tokens.total)
    }
}

/// Tokens trained on, over the fits of all holders and rounds.
private final class TokenCount: Sendable {
    private let fits = Mutex<[String: Int]>([:])

    /// Notes how far one fit is.
    ///
    /// - Returns: the tokens of all fits.
    func reach(_ tokens: Int, in fit: String) -> Int {
        fits.withLock {
            $0[fit] = tokens
            return $0.values.reduce(0, +)
        }
    }

    var total: Int { fits.withLock { $0.values.reduce(0, +) } }
}
