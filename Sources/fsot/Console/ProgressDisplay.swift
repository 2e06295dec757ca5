import Foundation
import Progress
import Synchronization

/// Draws progress events: a bar with rate and remaining time on a terminal, one line a phase or stage in a log.
final class ProgressDisplay: Sendable {
    enum Style: Sendable {
        case bar
        case lines
        case silent
    }

    private struct State {
        var meter = ProgressMeter()
        var drawnAt = -Double.infinity
        var lineWidth = 0
    }

    private static let secondsBetweenFrames = 0.1
    private let style: Style
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    init(style: Style) { self.style = style }

    /// Give this to library calls.
    var handler: ProgressHandler {
        { [self] event in receive(event) }
    }

    /// Ends the current bar; call it before printing anything else.
    func finish() {
        if style == .silent { return }
        state.withLock { state in
            endBar(&state)
            writeLines(state.meter.finish(at: now))
        }
    }

    private func receive(_ event: ProgressEvent) {
        if style == .silent { return }
        state.withLock { state in
            let time = now
            if state.meter.begins(event) {
                endBar(&state)
                state.drawnAt = -.infinity
            }
            writeLines(state.meter.receive(event, at: time))
            let isComplete = event.total == event.completed
            if isComplete || time - state.drawnAt > Self.secondsBetweenFrames {
                state.drawnAt = time
                draw(&state)
            }
        }
    }

    private func writeLines(_ lines: [String]) {
        if style == .lines { for line in lines { write(line + "\n") } }
    }

    private func endBar(_ state: inout State) {
        guard style == .bar, state.lineWidth > 0 else { return }
        draw(&state)
        write("\n")
        state.lineWidth = 0
    }

    private func draw(_ state: inout State) {
        guard style == .bar else { return }
        // The last column stays free: some terminals break the line as soon as it is written.
        let line = state.meter.bar(at: now, width: Self.terminalWidth - 1)
        let padding = max(0, state.lineWidth - line.count)
        state.lineWidth = line.count
        write("\r" + line + String(repeating: " ", count: padding))
    }

    private static var terminalWidth: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private var now: Double {
        let elapsed = ContinuousClock.now - start
        return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
