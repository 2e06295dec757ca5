import AtomicFiles
import Cryptography
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
    private let journal: (any RoundJournal)?
    let limits: LegLimits?
    private let attempts: Int
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
    ///   - journal: keeps the round of the moment, for a coordinator that may be killed; nil: nothing is kept.
    ///   - limits: how long a masked round's legs may take; nil: for ever.
    ///   - attempts: how often a round that too few finish is begun.
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
        journal: (any RoundJournal)? = nil,
        limits: LegLimits? = nil,
        attempts: Int = 1,
        logger: Logger
    ) {
        self.journal = journal
        self.limits = limits
        self.attempts = attempts
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
            try journal?.end()
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
        var (opening, gathered) = try await attempt(round, traffic: &traffic, isCancelled: isCancelled)
        let invited = opening.invited
        if gathered.included.isEmpty { return voidRound(round, invited: invited, traffic: traffic, since: start) }
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
        // Without noise the new adapter follows from the sum, which everybody has.
        let follows = masking != nil && configuration.privacy == nil
        let closing = try Frame(
            .result,
            header: RoundOutcome(isAccepted: record.isAccepted),
            payload: follows ? Data() : state.encoded
        ).encoded
        try await ask(
            gathered.included.map { ($0, closing) },
            opening.key(.result),
            deadline: soon,
            traffic: &traffic,
            isCancelled: isCancelled
        ) { _, _ in }
        record.traffic = traffic
        let elapsed = ContinuousClock.now - start
        record.seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        return record
    }

    /// A round without a sum: the adapter stays, and the next round has the next number.
    private func voidRound(
        _ round: Int,
        invited: [String],
        traffic: TrafficCount,
        since start: ContinuousClock.Instant
    ) -> RoundRecord {
        let elapsed = ContinuousClock.now - start
        return RoundRecord(
            round: round,
            invited: invited,
            included: [],
            isMasked: masking != nil,
            view: nil,
            updateNorm: 0,
            traffic: traffic,
            seconds: Double(elapsed.components.seconds),
            figures: [:],
            isAccepted: false,
            rejection: "too few shares came to unmask the sum"
        )
    }

    /// Gathers a round's updates, again from the beginning as long as attempts are left and too few participants finished.
    private func attempt(
        _ round: Int,
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool
    ) async throws -> (RoundOpening, Gathered) {
        var resumed = try journal?.unfinished(round: round)
        var left = attempts
        while true {
            let opening = if let resumed { resumed } else { try await open(round) }
            do {
                try await deliverMiddle(opening, traffic: &traffic, isCancelled: isCancelled)
                let gathered =
                    if let masking {
                        try await gatherMasked(opening, masking: masking, traffic: &traffic, isCancelled: isCancelled)
                    } else {
                        try await gather(opening, traffic: &traffic, isCancelled: isCancelled)
                    }
                return (opening, gathered)
            } catch SecureAggregationError.tooFew(.unmask, let count, let needed) {
                logger.warning("round \(round) is void: \(count) of \(needed) shares came, and it is not summed again")
                return (opening, Gathered(mean: [], included: [], view: nil))
            } catch  where Self.isLackOfParticipants(error) {
                // A round from before this process began may have failed for no other reason than the time in between.
                if resumed == nil { left -= 1 }
                try journal?.end()
                guard left > 0 else { throw error }
                logger.warning("round \(round) is begun again: \(error)")
                resumed = nil
            }
        }
    }

    private static func isLackOfParticipants(_ error: any Error) -> Bool {
        switch error {
        // Once somebody may have answered R4 the round is void: nobody unmasks it a second time.
        case SecureAggregationError.tooFew(let leg, _, _): leg < .unmask
        case FederationError.tooFewParticipants: true
        default: false
        }
    }

    /// Fixes what a round is about, and keeps it before anybody hears of it.
    private func open(_ round: Int) async throws -> RoundOpening {
        let invited = draw(round, from: try await transport.present())
        let opening = RoundOpening(
            round: round,
            attempt: journal == nil ? 0 : UInt64.random(in: 1...UInt64(UInt32.max)),
            invited: invited,
            header: try masking.map { try roundHeader(round: round, invited: invited, masking: $0) }
        )
        try journal?.begin(opening)
        return opening
    }

    /// Who is asked in a round: everybody, or a draw without replacement that follows from the seed and the round.
    private func draw(_ round: Int, from present: [String]) -> [String] {
        guard let count = configuration.participantsPerRound, count < present.count else { return present }
        var generator = SeededGenerator(seed: configuration.seed).derive("participants-\(round)")
        let drawn = Set(present.shuffled(using: &generator).prefix(count))
        return present.filter(drawn.contains)
    }

    private func gather(
        _ opening: RoundOpening,
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool
    ) async throws -> Gathered {
        let ready = try await instruct(opening, deadline: nil, traffic: &traffic, isCancelled: isCancelled)
        let request = Frame(.train).encoded
        var answers: [String: (update: [Float], weight: Double)] = [:]
        try await ask(
            ready.map { ($0, request) },
            opening.key(.train),
            traffic: &traffic,
            isCancelled: isCancelled
        ) { name, answer in
            guard answer.kind == .update else { return note(answer, of: name, round: opening.round) }
            let header = try answer.header(UpdateHeader.self, from: name)
            let update = try AdapterState(decoding: answer.payload, count: schema.count, from: name)
            guard update.isFinite, header.weight.isFinite, header.weight > 0 else {
                logger.warning("round \(opening.round): the update of \(name) is not finite and was left out")
                return
            }
            answers[name] = (configuration.privacy?.clipped(update.values) ?? update.values, header.weight)
        }
        // In the order of the invitation: a mean of floats depends on it.
        let included = opening.invited.filter { answers[$0] != nil }
        guard included.count >= configuration.minimumUpdates else {
            throw FederationError.tooFewParticipants(
                round: opening.round,
                alive: included,
                needed: configuration.minimumUpdates
            )
        }
        let updates = included.compactMap { answers[$0] }
        return Gathered(
            mean: FederatedAverage.mean(
                updates.map(\.update),
                weights: updates.map { configuration.weights == .records ? $0.weight : 1 }
            ),
            included: included,
            view: nil
        )
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

    /// Begins a round: by name only, and with the adapter for those who say that they do not have it.
    ///
    /// - Returns: those who are ready, in the order of the invitation.
    func instruct(
        _ opening: RoundOpening,
        deadline: UInt64?,
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool
    ) async throws -> [String] {
        var ready: Set<String> = []
        var needing: Set<String> = []
        for leg in [ExchangeLeg.instruct, .adapter] {
            let names = leg == .instruct ? opening.invited : opening.invited.filter(needing.contains)
            if names.isEmpty { continue }
            let request = try openingFrame(opening, carriesAdapter: leg == .adapter).encoded
            try await ask(
                names.map { ($0, request) },
                opening.key(leg),
                deadline: deadline,
                traffic: &traffic,
                isCancelled: isCancelled
            ) { name, answer in
                if answer.kind == .ready {
                    ready.insert(name)
                } else if (try? answer.header(FailureHeader.self, from: name))?.code == .adapterNeeded {
                    needing.insert(name)
                } else {
                    note(answer, of: name, round: opening.round)
                }
            }
        }
        return opening.invited.filter(ready.contains)
    }

    /// The frame that begins a round.
    private func openingFrame(_ opening: RoundOpening, carriesAdapter: Bool) throws -> Frame {
        let instruction = RoundInstruction(
            round: opening.round,
            localSteps: configuration.localSteps,
            learningRate: configuration.learningRate,
            isMasked: masking != nil,
            stateHash: state.hash.hexadecimal,
            realignedAfter: middle?.round
        )
        return try Frame(.instruct, header: instruction, payload: carriesAdapter ? state.encoded : Data())
    }

    /// Logs why a participant left.
    func note(_ answer: Frame, of name: String, round: Int) {
        let code = (try? answer.header(FailureHeader.self, from: name))?.code.rawValue ?? "unexpected answer"
        logger.warning("round \(round): \(name) left (\(code))")
    }

    /// The end of an exchange without training that begins now; nil: none.
    var soon: UInt64? {
        limits.map { UInt64((Date().timeIntervalSince1970 + $0.exchange) * 1000) }
    }

    /// Asks several participants, as many at once as the transport takes, and hands over what can be read, in the order of
    /// arrival. Who cannot be reached, answers nonsense, or makes `take` throw is left out.
    ///
    /// - Throws: `CancellationError` when cancelled; `AtomicFileError` when this side cannot keep what it must.
    func ask(
        _ questions: [(name: String, request: Data)],
        _ key: ExchangeKey,
        deadline: UInt64? = nil,
        traffic: inout TrafficCount,
        isCancelled: @Sendable () -> Bool,
        take: (String, Frame) throws -> Void
    ) async throws {
        let (transport, logger) = (transport, logger)
        try await withThrowingTaskGroup(of: (name: String, answer: Data?).self) { group in
            var waiting = questions[...]
            func askNext() {
                guard let (name, request) = waiting.popFirst() else { return }
                traffic.down += request.count
                let exchange = Exchange(key, request: request, deadline: deadline)
                group.addTask {
                    do {
                        return (name, try await transport.exchange(exchange, with: name))
                    } catch let error as AtomicFileError {
                        throw error
                    } catch {
                        logger.warning("\(name) does not answer: \(error)")
                        return (name, nil)
                    }
                }
            }
            if isCancelled() { throw CancellationError() }
            for _ in 0..<min(transport.width, questions.count) { askNext() }
            while let (name, answer) = try await group.next() {
                if isCancelled() { throw CancellationError() }
                if let answer {
                    traffic.up += answer.count
                    do {
                        try take(name, Frame(decoding: answer, from: name))
                    } catch {
                        logger.warning("\(name) is left out: \(error)")
                    }
                }
                askNext()
            }
        }
    }
}
