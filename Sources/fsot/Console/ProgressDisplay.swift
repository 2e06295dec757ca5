import Foundation
import Progress
import Synchronization

/// Draws progress events: a bar with rate and remaining time on a terminal, one line a phase in a log.
final class ProgressDisplay: Sendable {
    enum Style: Sendable {
        case bar
        case lines
        case silent
    }

    private struct State {
        var phase = ""
        var startedAt: ContinuousClock.Instant = .now
        var startedFrom = 0
        var drawnAt: ContinuousClock.Instant?
        var last: ProgressEvent?
        var lineWidth = 0
    }

    private let style: Style
    private let state = Mutex(State())

    init(style: Style) { self.style = style }

    /// Give this to library calls.
    var handler: ProgressHandler {
        { [self] event in receive(event) }
    }

    /// Ends the current bar; call it before printing anything else.
    func finish() {
        state.withLock { closePhase(&$0) }
    }

    private func receive(_ event: ProgressEvent) {
        if style == .silent { return }
        state.withLock { state in
            let now = ContinuousClock.now
            if event.phase != state.phase {
                closePhase(&state)
                state.phase = event.phase
                state.startedAt = now
                state.startedFrom = event.completed
                state.drawnAt = nil
            }
            state.last = event
            let isComplete = event.total == event.completed
            if style == .bar, isComplete || state.drawnAt.map({ now - $0 > .milliseconds(100) }) ?? true {
                state.drawnAt = now
                draw(event, &state, now)
            }
        }
    }

    private func closePhase(_ state: inout State) {
        guard let last = state.last else { return }
        let elapsed = seconds(.now - state.startedAt)
        switch style {
        case .silent: break
        case .bar:
            draw(last, &state, .now)
            write("\n")
        case .lines:
            let done = last.completed - state.startedFrom
            var line = "\(last.phase): \(last.completed) \(last.unit)"
            if elapsed > 0.5, done > 0 {
                line += " in \(Self.duration(elapsed)) (\(Self.rate(Double(done) / elapsed)) \(last.unit)/s)"
            }
            write(line + Self.figures(last) + "\n")
        }
        state.last = nil
        state.phase = ""
        state.lineWidth = 0
    }

    private func draw(_ event: ProgressEvent, _ state: inout State, _ now: ContinuousClock.Instant) {
        let elapsed = seconds(now - state.startedAt)
        let done = Double(event.completed - state.startedFrom)
        let speed = elapsed > 0 ? done / elapsed : 0
        var line = "\(event.phase) "
        if let total = event.total, total > 0 {
            let share = min(1, Double(event.completed) / Double(total))
            let filled = Int(share * 24)
            line += "▕" + String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled) + "▏"
            line += " \(Int(share * 100)) %"
        } else {
            line += "\(event.completed)"
        }
        // A phase is first heard of when its first step is done, so one event alone has no speed.
        if done > 0 { line += " · \(Self.rate(speed)) \(event.unit)/s" }
        if let total = event.total, speed > 0, event.completed < total {
            line += " · \(Self.duration(Double(total - event.completed) / speed)) left"
        } else {
            line += " · \(Self.duration(elapsed))"
        }
        line += Self.figures(event)
        let padding = max(0, state.lineWidth - line.count)
        state.lineWidth = line.count
        write("\r" + line + String(repeating: " ", count: padding))
    }

    private static func figures(_ event: ProgressEvent) -> String {
        event.figures.map { " · \($0.name) \(String(format: "%.4g", $0.value))" }.joined()
    }

    static func rate(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String(format: "%.1f", value)
    }

    /// `"7 s"`, `"3 min 05 s"`, `"2 h 10 min"`.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
        return String(format: "%d h %02d min", whole / 3600, whole % 3600 / 60)
    }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
