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
        let parts = try names.map { name in
            let own = examples.indices.filter {
                holders[$0] == name && isIncluded[$0] && examples[$0].labelledTokenCount > 0
            }
            if own.isEmpty { throw AuditError.oneSidedHolder(name: name) }
            return RepeatedFederation.Holder(
                name: name,
                examples: own.map { examples[$0] },
                source: ExampleSource(path: name)
            )
        }
        var site = site
        site.seed = seed
        var federation = federation
        federation.seed = seed
        let tokens = TokenCount()
        let repeated = try await RepeatedFederation(
            loading: load,
            holders: parts,
            metadata: metadata,
            site: site,
            federation: federation,
            noiseSeed: seed,
            logger: logger,
            progress: { task, event in
                let total = tokens.reach(event.completed, in: "\(task.round) \(task.holder)")
                progress?(total)
            },
            isCancelled: isCancelled
        )
        return (try await repeated.run(rounds: 1...federation.rounds, from: initial), tokens.total)
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
