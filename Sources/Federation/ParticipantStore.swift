import Foundation
import Synchronization

/// A data holder's own run directory: what it saw of each round, so that it can be audited like a simulated run.
public final class ParticipantStore: Sendable {
    private let directory: RunDirectory
    /// The last round that was finished before, and the adapter after it.
    public let finished: (round: Int, state: AdapterState)?
    private let lastRound: Mutex<(round: Int, start: ContinuousClock.Instant, state: AdapterState?)>

    /// Where the finished adapter lies.
    public var adapterPath: String { directory.adapterPath }

    /// Makes the directory, or goes on with the one that is there.
    ///
    /// - Parameter keepsRounds: whether the adapter after every round stays.
    /// - Throws: `FederationError.invalidRun` when it belongs to other settings; `AtomicFileError`.
    public init(description: RunDescription, schema: AdapterSchema, path: String, keepsRounds: Bool) throws {
        var directory =
            FileManager.default.fileExists(atPath: path)
            ? try RunDirectory.resume(description, schema: schema, at: path)
            : try RunDirectory.create(description, schema: schema, at: path)
        directory.keepsRounds = keepsRounds
        self.directory = directory
        let restored = try directory.restored()
        finished = restored.map { ($0.progress.completedRounds, $0.latest) }
        lastRound = Mutex((0, .now, restored?.latest))
    }

    /// Keeps the adapter after a round. Of the others it is only known that they were enough.
    ///
    /// - Throws: `AtomicFileError`, `CheckpointError`.
    public func save(round: Int, state: AdapterState) throws {
        try lastRound.withLock { last in
            let update = last.state.map { state.difference(from: $0) } ?? []
            let elapsed = ContinuousClock.now - last.start
            let record = RoundRecord(
                round: round,
                invited: [],
                included: [],
                isMasked: true,
                view: nil,
                updateNorm: update.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot(),
                traffic: TrafficCount(),
                seconds: Double(elapsed.components.seconds),
                figures: [:],
                isAccepted: true,
                rejection: nil
            )
            var progress = RunProgress()
            progress.completedRounds = round
            try directory.save(record, state: state, progress: progress)
            last = (round, .now, state)
        }
    }
}
