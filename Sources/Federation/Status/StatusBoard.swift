import Foundation
import Synchronization

/// What a coordinator shows of a run in progress: rounds, who is there, bytes, losses. Never an update, never a record count.
public final class StatusBoard: Sendable {
    struct Content {
        var completed: [RoundRecord] = []
        var round = 0
        var failure: String?
        var isFinished = false
    }

    /// The consortium's name.
    let name: String
    /// Rounds in all.
    let rounds: Int
    let start = Date()
    private let state = Mutex(Content())

    /// Makes an empty board.
    ///
    /// - Parameter completed: rounds of before this process began.
    public init(name: String, rounds: Int, completed: [RoundRecord]) {
        self.name = name
        self.rounds = rounds
        state.withLock { $0.completed = completed }
    }

    var content: Content { state.withLock { $0 } }

    /// Adds finished rounds.
    public func show(_ records: [RoundRecord]) { state.withLock { $0.completed = records } }

    /// The run has ended.
    public func finish(failure: String? = nil) {
        state.withLock {
            $0.isFinished = true
            $0.failure = failure
        }
    }
}

/// One participant as the status page shows it.
struct ParticipantStatus {
    let name: String
    /// Called within the last minute or so.
    let isPresent: Bool
    /// What it is asked at the moment.
    let asked: ExchangeKey?
    /// Bytes of its answer so far.
    let received: Int
    let wasSeen: Bool
    /// Bytes of questions, answers and emulators since the coordinator began.
    let traffic: TrafficCount
}

extension NetworkTransport {
    func statuses() async -> [ParticipantStatus] {
        var statuses: [ParticipantStatus] = []
        for name in participants {
            guard let mailbox = mailbox(of: name) else { continue }
            let state = await mailbox.state
            statuses.append(
                ParticipantStatus(
                    name: name,
                    isPresent: await mailbox.isPresent(within: Self.presenceSeconds),
                    asked: state.asked,
                    received: state.received,
                    wasSeen: state.wasSeen,
                    traffic: await mailbox.traffic
                )
            )
        }
        return statuses
    }
}
