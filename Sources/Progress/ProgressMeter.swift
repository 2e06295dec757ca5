import Foundation

/// Turns progress events and their times into text: a bar for a terminal, lines for a log.
///
/// It reads no clock and writes nothing; times are seconds from any fixed moment.
public struct ProgressMeter: Sendable {
    private struct Mark {
        var time: Double
        var completed: Int
    }

    private var last: ProgressEvent?
    private var phaseStart = Mark(time: 0, completed: 0)
    private var stageStart = Mark(time: 0, completed: 0)
    private var hasStages = false

    /// A meter that has seen nothing.
    public init() {}

    /// Whether `event` belongs to another phase than the one shown, so that the bar must be ended first.
    public func begins(_ event: ProgressEvent) -> Bool { last.map { $0.phase != event.phase } ?? true }

    /// Takes the next event in.
    ///
    /// - Returns: log lines of the stage or phase that it ends.
    public mutating func receive(_ event: ProgressEvent, at time: Double) -> [String] {
        var lines: [String] = []
        if begins(event) {
            lines = finish(at: time)
            phaseStart = Mark(time: time, completed: event.completed)
            stageStart = phaseStart
            hasStages = event.stage != nil
        } else if let last, last.stage != event.stage {
            lines = [stageLine(last, at: time)]
            stageStart = Mark(time: time, completed: last.completed)
            hasStages = true
        }
        last = event
        return lines
    }

    /// Ends the phase.
    ///
    /// - Returns: its log lines; none when nothing was going on.
    public mutating func finish(at time: Double) -> [String] {
        guard let event = last else { return [] }
        last = nil
        if !hasStages { return [line(event.phase, event, since: phaseStart, at: time) + Self.figures(event)] }
        return [stageLine(event, at: time), line(event.phase, event, since: phaseStart, at: time)]
    }

    private func stageLine(_ event: ProgressEvent, at time: Double) -> String {
        let name = event.stage.map { "\(event.phase), \($0)" } ?? event.phase
        if event.completed == stageStart.completed { return name + Self.figures(event) }
        return line(name, event, since: stageStart, at: time) + Self.figures(event)
    }

    private func line(_ name: String, _ event: ProgressEvent, since start: Mark, at time: Double) -> String {
        let elapsed = time - start.time
        let done = event.completed - start.completed
        var line = "\(name): \(Self.amount(done, event.unit))"
        if elapsed > 0.5, done > 0 {
            line += " in \(Self.duration(elapsed)) (\(Self.rate(Double(done) / elapsed, event.unit)))"
        }
        return line
    }

    /// The bar as it stands, no longer than `width` characters: first the bar shrinks, then the figures go.
    ///
    /// - Returns: one line without line break; empty when nothing is going on.
    public func bar(at time: Double, width: Int) -> String {
        guard let event = last else { return "" }
        let elapsed = time - phaseStart.time
        let done = Double(event.completed - phaseStart.completed)
        let speed = elapsed > 0 ? done / elapsed : 0
        let name = event.stage.map { "\(event.phase), \($0)" } ?? event.phase
        var tail = ""
        if speed > 0 { tail += " · \(Self.rate(speed, event.unit))" }
        if let total = event.total, event.completed < total {
            if speed > 0 { tail += " · \(Self.duration(Double(total - event.completed) / speed)) left" }
        } else {
            tail += " · \(Self.duration(elapsed))"
        }
        let figures = Self.figures(event)
        for (cells, extra) in [(24, figures), (12, figures), (12, ""), (6, "")] {
            let line = name + " " + Self.gauge(event, cells: cells) + tail + extra
            if line.count <= width { return line }
        }
        return String((name + tail).prefix(max(0, width)))
    }

    private static func gauge(_ event: ProgressEvent, cells: Int) -> String {
        guard let total = event.total, total > 0 else { return amount(event.completed, event.unit) }
        let share = min(1, Double(event.completed) / Double(total))
        let filled = Int(share * Double(cells))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
        return "▕\(bar)▏ \(Int(share * 100)) %"
    }

    private static func figures(_ event: ProgressEvent) -> String {
        event.figures.map { " · \($0.name) \(String(format: "%.4g", $0.value))" }.joined()
    }

    /// `"345 tokens"`, `"355.6 MB"`.
    static func amount(_ count: Int, _ unit: String) -> String {
        unit == "bytes" ? bytes(Double(count)) : "\(count) \(unit)"
    }

    /// `"345 tokens/s"`, `"0.3 questions/s"`, `"136.2 MB/s"`.
    public static func rate(_ value: Double, _ unit: String) -> String {
        if unit == "bytes" { return bytes(value) + "/s" }
        return (value >= 100 ? String(Int(value.rounded())) : String(format: "%.1f", value)) + " \(unit)/s"
    }

    private static func bytes(_ value: Double) -> String {
        if value >= 1e9 { return String(format: "%.2f GB", value / 1e9) }
        return value >= 1e6 ? String(format: "%.1f MB", value / 1e6) : String(format: "%.0f kB", value / 1e3)
    }

    /// `"7 s"`, `"3 min 05 s"`, `"2 h 10 min"`.
    public static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
        return String(format: "%d h %02d min", whole / 3600, whole % 3600 / 60)
    }
}
