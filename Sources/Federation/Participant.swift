import Foundation
import Logging
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

    /// Makes a participant.
    ///
    /// - Parameters:
    ///   - name: unique within the federation.
    ///   - adapterCount: numbers in the adapter.
    ///   - weight: in the mean: 1, or the number of records.
    ///   - trainer: trains on this holder's records.
    ///   - logger: the holder's own log; nothing in it travels.
    public init(name: String, adapterCount: Int, weight: Double, trainer: any LocalTrainer, logger: Logger) {
        self.name = name
        self.adapterCount = adapterCount
        self.weight = weight
        self.trainer = trainer
        self.logger = logger
    }

    /// Why this participant last failed, for its own side only; the coordinator got a code.
    public var failure: (any Error)? { lastFailure }

    /// Answers one encoded frame; errors become a failure frame that holds a code and no text.
    public func handle(_ request: Data) async -> Data {
        do {
            return try await answer(Frame(decoding: request, from: "the coordinator")).encoded
        } catch {
            lastFailure = error
            logger.error("\(name): \(error)")
            let header = FailureHeader(code: Self.code(of: error))
            // A header of one enum always encodes.
            return (try? Frame(.failure, header: header).encoded) ?? Frame(.failure).encoded
        }
    }

    private func answer(_ frame: Frame) async throws -> Frame {
        switch frame.kind {
        case .instruct:
            let instruction = try frame.header(RoundInstruction.self, from: "the coordinator")
            let state = try AdapterState(decoding: frame.payload, count: adapterCount, from: "the coordinator")
            guard state.isFinite else {
                throw FederationError.notFinite(round: instruction.round, what: "The adapter sent by the coordinator")
            }
            self.instruction = instruction
            global = state
            return Frame(.ready)
        case .train:
            guard let instruction, let global else {
                throw FederationError.malformedMessage(from: "the coordinator", reason: "training before a round began")
            }
            let update = try await localUpdate(instruction, from: global)
            return try Frame(
                .update,
                header: UpdateHeader(weight: weight),
                payload: AdapterState(values: update).encoded
            )
        case .result:
            instruction = nil
            global = nil
            return Frame(.acknowledge)
        case .ready, .update, .failure, .acknowledge, .secureAggregation:
            throw FederationError.malformedMessage(
                from: "the coordinator",
                reason: "a frame of kind \(frame.kind) is not for participants"
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
        default: .other
        }
    }
}
