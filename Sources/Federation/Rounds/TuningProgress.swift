import Progress
import Synchronization

/// One bar for a whole run: joins the holders' fits of all rounds into a single count of tokens.
///
/// How many tokens later fits will have is not known before their holders are drawn; the mean of those so far stands in,
/// so the total may move a little.
public final class TuningProgress: Sendable {
    private struct State {
        var round = 0
        var fitsOfRound = 0
        var fits = 0
        /// Tokens of the fits before the one under way.
        var finished = 0
        var current: LocalTask?
        var currentCompleted = 0
        var total = 0
    }

    private let rounds: Int
    private let participantsPerRound: Int
    private let handler: ProgressHandler
    private let state = Mutex(State())

    /// Watches a run.
    ///
    /// - Parameters:
    ///   - rounds: of the whole run, those before a resume included.
    ///   - participantsPerRound: data holders asked in each.
    ///   - handler: told about the phase "tuning".
    public init(rounds: Int, participantsPerRound: Int, handler: @escaping ProgressHandler) {
        self.rounds = rounds
        self.participantsPerRound = participantsPerRound
        self.handler = handler
    }

    /// Takes an event of one holder's fit.
    public func advance(_ task: LocalTask, _ event: ProgressEvent) {
        let joined = state.withLock { state -> ProgressEvent in
            if state.current != task {
                state.finished += state.currentCompleted
                state.fits += 1
                state.fitsOfRound = state.round == task.round ? state.fitsOfRound + 1 : 1
                state.round = task.round
                state.current = task
            }
            state.currentCompleted = event.completed
            let known = state.finished + (event.total ?? event.completed)
            let left = max(0, participantsPerRound - state.fitsOfRound) + (rounds - task.round) * participantsPerRound
            state.total = known + known / state.fits * left
            return ProgressEvent(
                phase: "tuning",
                stage: "round \(task.round) of \(rounds), \(task.holder)",
                completed: state.finished + event.completed,
                total: state.total,
                unit: event.unit,
                figures: event.figures
            )
        }
        handler(joined)
    }

    /// Takes the coordinator's event after a round; shown only when the owner looked at the aggregate.
    public func finishedRound(_ event: ProgressEvent) {
        if event.figures.isEmpty { return }
        let (completed, total) = state.withLock { ($0.finished + $0.currentCompleted, $0.total) }
        handler(
            ProgressEvent(
                phase: "tuning",
                stage: "round \(event.completed) of \(rounds), owner's check",
                completed: completed,
                total: total,
                unit: "tokens",
                figures: event.figures
            )
        )
    }
}
