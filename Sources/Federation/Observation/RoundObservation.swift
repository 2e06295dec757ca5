/// What could be seen of one round, for the auditor alone: each vantage point sees a part of it.
public struct RoundObservation: Sendable, Equatable {
    /// Counted from 1.
    public var round: Int
    /// The adapter that every data holder started from; `peer` and the coordinator see it.
    public var broadcast: [Float]
    /// Each data holder's update; only `individual` sees them, and under secure aggregation nobody but the holder.
    public var updates: [String: [Float]]
    /// The mean update of the round; `aggregate` sees it.
    public var aggregate: [Float]

    /// Collects the parts.
    public init(round: Int, broadcast: [Float], updates: [String: [Float]], aggregate: [Float]) {
        self.round = round
        self.broadcast = broadcast
        self.updates = updates
        self.aggregate = aggregate
    }
}

/// Keeps what could be seen of each round.
public protocol RoundObserver: Sendable {
    /// Takes what the coordinator sees of a finished round.
    ///
    /// - Throws: what keeping it throws; the run ends then, with its rounds saved.
    func observe(round: Int, broadcast: AdapterState, aggregate: [Float]) async throws
}

/// A simulation's observer: its data holders train here, so that single updates can be kept although the coordinator of a
/// masked round never sees one.
public actor ObservedTraining: LocalTrainer, RoundObserver {
    private let trainer: any LocalTrainer
    private let keep: @Sendable (RoundObservation) throws -> Void
    private var updates: [String: [Float]] = [:]
    private var round = 0

    /// Observes a trainer.
    ///
    /// - Parameters:
    ///   - trainer: does the work.
    ///   - keep: stores a finished round's observation.
    public init(_ trainer: any LocalTrainer, keep: @escaping @Sendable (RoundObservation) throws -> Void) {
        self.trainer = trainer
        self.keep = keep
    }

    /// Trains, and remembers by how much the adapter changed.
    public func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        let trained = try await trainer.train(task, from: state)
        if task.round != round {
            round = task.round
            updates = [:]
        }
        updates[task.holder] = trained.difference(from: state)
        return trained
    }

    /// Hands the middle on.
    public func adopt(_ middle: RealignedMiddle) async throws { try await trainer.adopt(middle) }

    /// Keeps the round with the updates that were made in it.
    public func observe(round: Int, broadcast: AdapterState, aggregate: [Float]) throws {
        try keep(
            RoundObservation(
                round: round,
                broadcast: broadcast.values,
                updates: self.round == round ? updates : [:],
                aggregate: aggregate
            )
        )
        updates = [:]
    }
}
