/// What a participant is asked to do in one round.
public struct LocalTask: Sendable, Equatable {
    /// The data holder.
    public var holder: String
    /// Counted from 1.
    public var round: Int
    /// Optimizer steps.
    public var localSteps: Int
    /// Learning rate of the round.
    public var learningRate: Double

    /// Makes a task.
    public init(holder: String, round: Int, localSteps: Int, learningRate: Double) {
        self.holder = holder
        self.round = round
        self.localSteps = localSteps
        self.learningRate = learningRate
    }
}

/// Trains an adapter on one holder's records; in a simulation several holders share one, and so one copy of the
/// frozen weights.
public protocol LocalTrainer: Sendable {
    /// Trains from `state` and returns the new state; the same arguments give the same bits.
    ///
    /// - Throws: `TrainingError` (NaN or infinity, with the record), `CancellationError` when the user stopped.
    func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState

    /// Trains on an emulator with this middle from now on.
    ///
    /// - Throws: `FederationError` when it does not fit the emulator.
    func adopt(_ middle: RealignedMiddle) async throws
}

extension LocalTrainer {
    /// Refuses: for trainers without an emulator.
    public func adopt(_ middle: RealignedMiddle) async throws {
        throw FederationError.refused(reason: "this holder takes no re-aligned emulator")
    }
}
