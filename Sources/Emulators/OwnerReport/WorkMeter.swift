import LanguageModels
import Progress
import Synchronization
import TensorEngine

/// Progress over pieces of unlike speed, counted in floating-point operations so that the remaining time means something.
final class WorkMeter: Sendable {
    private let phase: String
    private let total: Double
    private let handler: ProgressHandler?
    private let done = Mutex(0.0)

    /// A meter of `total` operations.
    init(phase: String, total: Double, handler: ProgressHandler?) {
        self.phase = phase
        self.total = total
        self.handler = handler
    }

    /// Begins a piece.
    func begin(_ stage: String) { advance(stage, by: 0) }

    /// Counts `operations` more of the piece.
    func advance(_ stage: String, by operations: Double, figures: [(name: String, value: Double)] = []) {
        let now = done.withLock { done in
            done += operations
            return done
        }
        handler?(
            ProgressEvent(
                phase: phase,
                stage: stage,
                completed: Int(now / 1e9),
                total: Int(max(total, now) / 1e9),
                unit: "GFLOP",
                figures: figures
            )
        )
    }

    /// A handler for a trainer's own progress: its tokens become operations of a piece of `operations` in all.
    func trainerProgress(_ stage: String, operations: Double) -> ProgressHandler {
        let counted = Mutex(0.0)
        return { [self] event in
            guard let total = event.total, total > 0 else { return }
            let reached = operations * Double(event.completed) / Double(total)
            let more = counted.withLock { counted in
                defer { counted = reached }
                return reached - counted
            }
            advance(stage, by: more, figures: event.figures)
        }
    }
}

extension LanguageModel {
    /// Operations of training `parameters` on `tokens` tokens in sequences of `length`.
    func trainingOperations(of parameters: [Parameter], tokens: Double, length: Int) -> Double {
        let before = parameters.map(\.isTrainable)
        for parameter in parameters { parameter.isTrainable = true }
        defer { for (parameter, was) in zip(parameters, before) { parameter.isTrainable = was } }
        return operations(lengths: [max(2, length)]).total * tokens / Double(max(2, length))
    }

    /// Operations of measuring the loss of sequences of these lengths.
    func forwardOperations(lengths: [Int], labelled: Int? = nil) -> Double {
        operations(lengths: lengths, labelled: labelled).forward
    }
}
