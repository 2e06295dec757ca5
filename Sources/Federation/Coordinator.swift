import DifferentialPrivacy
import Foundation
import Logging
import Progress
import SecureAggregation
import TensorEngine

/// Runs the rounds: draws data holders, sends the adapter, gathers updates, averages, lets the owner judge, keeps books.
public actor Coordinator {
    private let transport: any Transport
    private let configuration: FederationConfiguration
    let schema: AdapterSchema
    private let masking: CoordinatorMasking?
    private let judge: (any AggregateJudge)?
    private let store: (any RoundStore)?
    private let realignment: RealignmentSchedule?
    private let observer: (any RoundObserver)?
    private let noiseKey: NoiseKey?
    private(set) var middle: RealignedMiddle?
    /// Who has the middle of the moment.
    var informed: Set<String> = []
    let logger: Logger
    private(set) var state: AdapterState
    private var best: AdapterState
    private(set) var progressState: RunProgress

    /// Makes a coordinator at the beginning of a run, or where an earlier one stopped.
    ///
    /// - Parameters:
    ///   - transport: reaches the participants.
    ///   - configuration: how to run.
    ///   - schema: the adapter's tensors.
    ///   - state: the adapter to start from.
    ///   - best: the best adapter so far, when resuming.
    ///   - progress: rounds already done, when resuming.
    ///   - masking: keys and roster of the secure aggregation; nil: updates travel in the clear.
    ///   - judge: the owner's check; nil when the owner is not here.
    ///   - store: keeps every round.
    ///   - realignment: when the emulator is distilled again; nil: never.
    ///   - middle: what was distilled last, when resuming.
    ///   - observer: keeps what could be seen of each round, for an audit; nil: nothing is kept.
    ///   - noiseKey: what the noise of ``ClientPrivacy`` follows from; secret to the coordinator.
    ///   - logger: the coordinator's log.
    public init(
        transport: any Transport,
        configuration: FederationConfiguration,
        schema: AdapterSchema,
        state: AdapterState,
        best: AdapterState? = nil,
        progress: RunProgress = RunProgress(),
        masking: CoordinatorMasking? = nil,
        judge: (any AggregateJudge)? = nil,
        store: (any RoundStore)? = nil,
        realignment: RealignmentSchedule? = nil,
        middle: RealignedMiddle? = nil,
        observer: (any RoundObserver)? = nil,
        noiseKey: NoiseKey? = nil,
        logger: Logger
    ) {
        self.noiseKey = noiseKey
        self.observer = observer
        self.realignment = realignment
        self.middle = middle
        self.transport = transport
        self.configuration = configuration
        self.schema = schema
        self.state = state
        self.best = best ?? state
        progressState = progress
        self.masking = masking
        self.judge = judge
        self.store = store
        self.logger = logger
    }

    /// Where the run stands.
    public var progress: RunProgress { progressState }

    /// The adapter that the run should hand over: the best by validation when the owner judged, else the last.
    public var result: AdapterState { judge == nil ? state : best }

    /// The adapter after the last accepted round.
    public var latest: AdapterState { state }

    /// Runs the rounds that are left.
    ///
    /// - Parameters:
    ///   - progress: told after each round.
    ///   - isCancelled: asked before each round and after each exchange; a round that is cut short leaves no trace.
    /// - Throws: `FederationError`; `CancellationError` when cancelled.
    public func run(
        progress report: ProgressHandler? = nil,
        isCancelled: @Sendable () -> Bool = { false }
    ) async throws {
        try checkPrivacy()
        if progressState.completedRounds == 0, progressState.bestRound == nil, let judge {
            let first = try await judge.judge(state, round: 0)
            progressState.bestRound = 0
            progressState.bestValidationLoss = first.validationLoss
        }
        if let middle { try await realignment?.realigner.resume(from: middle) }
        while progressState.completedRounds < configuration.rounds {
            if isCancelled() { throw CancellationError() }
            let record = try await runRound(progressState.completedRounds + 1, isCancelled: isCancelled)
            if let realignment, realignment.isDue(after: record.round, of: configuration.rounds) {
                if let made = try await realignment.realigner.realign(to: state, after: record.round) {
                    try store?.save(made)
                    middle = made
                    informed = []
                } else {
                    logger.warning(
                        "round \(record.round): re-alignment brought the emulator no nearer; it stays as it is"
                    )
                }
            }
            var reached = progressState
            reached.completedRounds = record.round
            reached.traffic += record.traffic
            try store?.save(record, state: state, progress: reached)
            progressState = reached
            report?(
                ProgressEvent(
                    phase: "rounds",
                    completed: record.round,
                    total: configuration.rounds,
                    unit: "rounds",
                    figures: record.figures.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                )
            )
        }
    }

    private func runRound(_ round: Int, isCancelled: @Sendable () -> Bool) async throws -> RoundRecord {
        let start = ContinuousClock.now
        var traffic = TrafficCount()
        let invited = draw(round)
        try await deliverMiddle(to: invited, traffic: &traffic)
        var gathered: Gathered
        if let masking {
            gathered = try await gatherMasked(
                round: round,
                from: invited,
                masking: masking,
                traffic: &traffic,
                isCancelled: isCancelled
            )
        } else {
            gathered = try await gather(round: round, from: invited, traffic: &traffic, isCancelled: isCancelled)
        }
        gathered.mean = try noised(gathered, round: round, invited: invited.count)
        guard gathered.mean.allSatisfy(\.isFinite) else {
            throw FederationError.notFinite(round: round, what: "The aggregate")
        }
        try await observer?.observe(round: round, broadcast: state, aggregate: gathered.mean)
        let candidate = state.moved(by: gathered.mean)
        var record = RoundRecord(
            round: round,
            invited: invited,
            included: gathered.included,
            isMasked: masking != nil,
            view: gathered.view,
            updateNorm: gathered.mean.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot(),
            traffic: traffic,
            seconds: 0,
            figures: [:],
            isAccepted: true,
            rejection: nil
        )
        if let judge, round % configuration.judgeEvery == 0 || round == configuration.rounds {
            let judgement = try await judge.judge(candidate, round: round)
            record.figures = judgement.figures
            record.rejection =
                judgement.rejection ?? (judgement.validationLoss.isFinite ? nil : "its loss is not finite")
            record.isAccepted = record.rejection == nil
            if record.isAccepted, judgement.validationLoss < progressState.bestValidationLoss ?? .infinity {
                progressState.bestRound = round
                progressState.bestValidationLoss = judgement.validationLoss
                best = candidate
            }
        }
        if record.isAccepted {
            state = candidate
        } else {
            logger.warning("round \(round): the aggregate was rejected: \(record.rejection ?? "")")
        }
        try await announce(to: gathered.included, traffic: &traffic)
        record.traffic = traffic
        let elapsed = ContinuousClock.now - start
        record.seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        return record
    }

    /// Who is asked in a round: everybody, or a draw without replacement that follows from the seed and the round.
    private func draw(_ round: Int) -> [String] {
        let all = transport.participants
        guard let count = configuration.participantsPerRound, count < all.count else { return all }
        var generator = SeededGenerator(seed: configuration.seed).derive("participants-\(round)")
        let drawn = Set(all.shuffled(using: &generator).prefix(count))
        return all.filter(drawn.contains)
    }

    private func gather(
        round: Int,
        from invited: [String],
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool
    ) async throws -> Gathered {
        let opening = try openingFrame(round: round, isMasked: false)
        var updates: [[Float]] = []
        var weights: [Double] = []
        var included: [String] = []
        for name in invited {
            guard let ready = await exchange(opening, with: name, traffic: &traffic), ready.kind == .ready else {
                continue
            }
            guard let answer = await exchange(Frame(.train), with: name, traffic: &traffic) else { continue }
            if isCancelled() { throw CancellationError() }
            guard answer.kind == .update else {
                note(answer, of: name, round: round)
                continue
            }
            let header = try answer.header(UpdateHeader.self, from: name)
            let update = try AdapterState(decoding: answer.payload, count: schema.count, from: name)
            guard update.isFinite, header.weight.isFinite, header.weight > 0 else {
                logger.warning("round \(round): the update of \(name) is not finite and was left out")
                continue
            }
            updates.append(configuration.privacy?.clipped(update.values) ?? update.values)
            weights.append(configuration.weights == .records ? header.weight : 1)
            included.append(name)
        }
        guard included.count >= configuration.minimumUpdates else {
            throw FederationError.tooFewParticipants(
                round: round,
                alive: included,
                needed: configuration.minimumUpdates
            )
        }
        return Gathered(mean: FederatedAverage.mean(updates, weights: weights), included: included, view: nil)
    }

    /// Refuses privacy that could not be kept.
    private func checkPrivacy() throws {
        guard let privacy = configuration.privacy else { return }
        guard noiseKey != nil else {
            throw FederationError.invalidConfiguration(
                reason: "The coordinator has no key for the noise",
                remedy: "give it one"
            )
        }
        if let masking, masking.clip != privacy.clippingNorm {
            throw FederationError.invalidConfiguration(
                reason: "Masked updates are clipped to \(masking.clip), but the noise is for \(privacy.clippingNorm)",
                remedy: "give --clip and --client-dp-clip the same value"
            )
        }
    }

    /// The mean as it leaves the coordinator: with noise where the configuration asks for it.
    private func noised(_ gathered: Gathered, round: Int, invited: Int) throws -> [Float] {
        guard let privacy = configuration.privacy, let noiseKey else { return gathered.mean }
        return try privacy.noised(
            gathered.mean,
            count: gathered.included.count,
            excess: gathered.roundingExcess,
            sampler: ClientPrivacy.sampler(
                population: transport.participants.count,
                perRound: configuration.participantsPerRound
            ),
            invited: invited,
            key: noiseKey.derive("coordinator/round/\(round)")
        )
    }

    /// What one round gave: the mean update, whose updates are in it, and what the coordinator saw of a masked round.
    struct Gathered {
        var mean: [Float]
        var included: [String]
        var view: CoordinatorView?
        /// By how much rounding to the secure sum's integers may lengthen one update.
        var roundingExcess = 0.0
    }

    /// The frame that begins a round.
    func openingFrame(round: Int, isMasked: Bool) throws -> Frame {
        let instruction = RoundInstruction(
            round: round,
            localSteps: configuration.localSteps,
            learningRate: configuration.learningRate,
            isMasked: isMasked,
            realignedAfter: middle?.round
        )
        return try Frame(.instruct, header: instruction, payload: state.encoded)
    }

    /// Logs why a participant left.
    func note(_ answer: Frame, of name: String, round: Int) {
        let code = (try? answer.header(FailureHeader.self, from: name))?.code.rawValue ?? "unexpected answer"
        logger.warning("round \(round): \(name) left (\(code))")
    }

    private func announce(to names: [String], traffic: inout TrafficCount) async throws {
        for name in names { _ = await exchange(Frame(.result, payload: state.encoded), with: name, traffic: &traffic) }
    }

    /// One request and its answer; nil when the participant cannot be reached or answers nonsense.
    func exchange(_ frame: Frame, with name: String, traffic: inout TrafficCount) async -> Frame? {
        let request = frame.encoded
        traffic.down += request.count
        do {
            let answer = try await transport.exchange(request, with: name)
            traffic.up += answer.count
            return try Frame(decoding: answer, from: name)
        } catch {
            logger.warning("\(name) does not answer: \(error)")
            return nil
        }
    }

}
