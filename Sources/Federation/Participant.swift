import Cryptography
import Foundation
import Logging
import SecureAggregation
import Training

/// A data holder's side: answers the coordinator's frames, trains, and sends an update, masked or in the clear.
public actor Participant: FrameHandler {
    /// The data holder's name.
    public nonisolated let name: String

    private let adapterCount: Int
    private let weight: Double
    private let trainer: any LocalTrainer
    private let logger: Logger
    private var instruction: RoundInstruction?
    private var global: AdapterState?
    private var lastFailure: (any Error)?
    private let masking: ParticipantMasking?
    private let memory: any RoundMemory
    private var masked: MaskedParticipant?
    private var middle: RealignedMiddle?
    private let agreement: FederationConfiguration?
    private let initial: AdapterState?
    private var chain: StateChain
    private let finishedRound: (@Sendable (Int, AdapterState) throws -> Void)?
    private var lastResult: (round: Int, state: AdapterState)?

    /// Makes a participant.
    ///
    /// - Parameters:
    ///   - name: unique within the federation.
    ///   - adapterCount: numbers in the adapter.
    ///   - weight: in the mean: 1, or the number of records.
    ///   - trainer: trains on this holder's records.
    ///   - masking: keys and policy of the secure aggregation; a holder that has them refuses rounds in the clear.
    ///   - memory: of rounds that were begun and answered; by default as long as this object.
    ///   - initial: the emulator's own adapter, with which the first round must begin; nil: whatever comes.
    ///   - finished: the last round that was finished before this process began, and the adapter after it.
    ///   - allowsUnchecked: whether a late first round is accepted, whose adapter cannot be checked.
    ///   - agreement: the rounds that were agreed on; others are refused. Nil: whatever is asked.
    ///   - finishedRound: told the adapter after each round that this holder finished.
    ///   - logger: the holder's own log; nothing in it travels.
    public init(
        name: String,
        adapterCount: Int,
        weight: Double,
        trainer: any LocalTrainer,
        masking: ParticipantMasking? = nil,
        memory: sending any RoundMemory = TransientRoundMemory(),
        initial: AdapterState? = nil,
        finished: (round: Int, state: AdapterState)? = nil,
        allowsUnchecked: Bool = true,
        agreement: FederationConfiguration? = nil,
        finishedRound: (@Sendable (Int, AdapterState) throws -> Void)? = nil,
        logger: Logger
    ) {
        self.masking = masking
        self.memory = memory
        self.agreement = agreement
        self.initial = initial
        self.finishedRound = finishedRound
        lastResult = finished
        chain = StateChain(
            initial: initial,
            // Without an agreement, in a simulation, nobody said that sums come without noise.
            isNoised: agreement.map { $0.privacy != nil } ?? true,
            finished: finished,
            allowsUnchecked: allowsUnchecked
        )
        self.name = name
        self.adapterCount = adapterCount
        self.weight = weight
        self.trainer = trainer
        self.logger = logger
    }

    /// The adapter after the last round that this participant finished.
    public var latest: (round: Int, state: AdapterState)? { lastResult }

    /// Why this participant last failed, for its own side only; the coordinator got a code.
    public var failure: (any Error)? { lastFailure }

    /// Answers one encoded frame; errors become a failure frame that holds a code and no text.
    public func handle(_ request: Data) async -> Data {
        do {
            return try await answer(Frame(decoding: request, from: "the coordinator")).encoded
        } catch {
            lastFailure = error
            // Who stopped it knows; everything else is news.
            if !(error is CancellationError) { logger.error("\(name): \(error)") }
            let header = FailureHeader(code: Self.code(of: error))
            // A header of one enum always encodes.
            return (try? Frame(.failure, header: header).encoded) ?? Frame(.failure).encoded
        }
    }

    private func answer(_ frame: Frame) async throws -> Frame {
        switch frame.kind {
        case .instruct:
            let instruction = try frame.header(RoundInstruction.self, from: "the coordinator")
            guard let state = try adapter(of: instruction, frame) else {
                return try Frame(.failure, header: FailureHeader(code: .adapterNeeded))
            }
            guard state.isFinite else {
                throw FederationError.notFinite(round: instruction.round, what: "The adapter sent by the coordinator")
            }
            guard instruction.isMasked == (masking != nil) else {
                throw FederationError.refused(
                    reason: instruction.isMasked
                        ? "this holder has no keys for masking" : "updates in the clear are refused"
                )
            }
            guard instruction.realignedAfter == middle?.round else {
                throw FederationError.refused(reason: "this holder has another emulator than the round is about")
            }
            try check(instruction)
            if try !chain.begin(instruction.round, with: state), agreement != nil {
                logger.warning(
                    "\(name): the adapter of round \(instruction.round) could not be checked: we missed a round"
                )
            }
            self.instruction = instruction
            global = state
            masked = masking.map {
                MaskedParticipant(
                    $0,
                    emulatorHash: middle?.emulatorHash(original: $0.emulatorHash) ?? $0.emulatorHash,
                    memory: memory,
                    state: state,
                    round: instruction.round
                )
            }
            return Frame(.ready)
        case .emulator:
            guard agreement == nil else {
                throw FederationError.refused(
                    reason: "a re-aligned emulator was not agreed on, and its owner signed none"
                )
            }
            let middle = try RealignedMiddle(frame, from: "the coordinator")
            guard middle.round > self.middle?.round ?? 0 else {
                throw FederationError.malformedMessage(
                    from: "the coordinator",
                    reason: "a re-aligned emulator that is no newer than the one before"
                )
            }
            // A holder that dropped out of a round never heard its end: this is the end of it.
            instruction = nil
            global = nil
            masked = nil
            try await trainer.adopt(middle)
            self.middle = middle
            return Frame(.acknowledge)
        case .train:
            guard let instruction, let global, !instruction.isMasked else {
                throw FederationError.malformedMessage(
                    from: "the coordinator",
                    reason: "training outside a round in the clear"
                )
            }
            let update = try await localUpdate(instruction, from: global)
            return try Frame(
                .update,
                header: UpdateHeader(weight: weight),
                payload: AdapterState(values: update).encoded
            )
        case .result:
            if let instruction {
                let state = try outcome(frame)
                try chain.check(state)
                lastResult = (instruction.round, state)
                try finishedRound?(instruction.round, state)
            }
            instruction = nil
            global = nil
            masked = nil
            return Frame(.acknowledge)
        case .secureAggregation:
            guard let instruction, let global, var masked = self.masked else {
                throw FederationError.malformedMessage(
                    from: "the coordinator",
                    reason: "aggregation before a round began"
                )
            }
            let answer = try await masked.answer(frame.payload, weight: UInt32(clamping: Int(weight))) {
                try await localUpdate(instruction, from: global)
            }
            if let mean = masked.mean { chain.finish(global, mean: mean) }
            self.masked = masked
            return answer.isEmpty ? Frame(.acknowledge) : Frame(.secureAggregation, payload: answer)
        case .ready, .update, .failure, .acknowledge:
            throw FederationError.malformedMessage(
                from: "the coordinator",
                reason: "a frame of kind \(frame.kind) is not for participants"
            )
        }
    }

    /// The adapter that a round begins with: sent with it, or kept from before; nil: it has to be sent.
    private func adapter(of instruction: RoundInstruction, _ frame: Frame) throws -> AdapterState? {
        if !frame.payload.isEmpty {
            return try AdapterState(decoding: frame.payload, count: adapterCount, from: "the coordinator")
        }
        return [lastResult?.state, global, initial].compactMap { $0 }.first {
            $0.hash.hexadecimal == instruction.stateHash
        }
    }

    /// The adapter that a round led to: sent, or worked out from the sum.
    private func outcome(_ frame: Frame) throws -> AdapterState {
        if !frame.payload.isEmpty {
            return try AdapterState(decoding: frame.payload, count: adapterCount, from: "the coordinator")
        }
        let outcome = try frame.header(RoundOutcome.self, from: "the coordinator")
        guard let global, let mean = masked?.mean else {
            throw FederationError.malformedMessage(from: "the coordinator", reason: "an outcome before its sum")
        }
        return outcome.isAccepted ? global.moved(by: mean) : global
    }

    /// Refuses other rounds than were agreed on.
    private func check(_ instruction: RoundInstruction) throws {
        guard let agreement else { return }
        guard (1...agreement.rounds).contains(instruction.round), instruction.localSteps == agreement.localSteps,
            instruction.learningRate == agreement.learningRate
        else {
            throw FederationError.refused(
                reason: "round \(instruction.round) of \(instruction.localSteps) steps at \(instruction.learningRate)"
                    + " is not what the invitation says (\(agreement.rounds) rounds of \(agreement.localSteps) steps at"
                    + " \(agreement.learningRate))"
            )
        }
    }

    private func localUpdate(_ instruction: RoundInstruction, from state: AdapterState) async throws -> [Float] {
        let task = LocalTask(
            holder: name,
            round: instruction.round,
            localSteps: instruction.localSteps,
            learningRate: instruction.learningRate
        )
        let trained = try await trainer.train(task, from: state)
        guard trained.isFinite else {
            throw FederationError.notFinite(round: instruction.round, what: "The update of \(name)")
        }
        return trained.difference(from: state)
    }

    private static func code(of error: any Error) -> FailureCode {
        switch error {
        case is CancellationError: .interrupted
        case FederationError.malformedMessage, FederationError.wrongLength: .protocolViolation
        case FederationError.notFinite: .notFinite
        case TrainingError.notFinite: .notFinite
        case FederationError.refused: .refused
        case is SecureAggregationError: .protocolViolation
        default: .other
        }
    }
}
