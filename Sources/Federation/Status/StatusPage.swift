import Foundation
import ReportPages

/// The page that a person keeps open while a federation runs; it reloads itself and needs no script.
enum StatusPage {
    static func html(_ board: StatusBoard, _ participants: [ParticipantStatus], now: Date = Date()) -> String {
        let content = board.content
        let body: Markup = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <meta http-equiv="refresh" content="3"><title>\(board.name): round \(content.completed.count) of \(board.rounds)</title>
            <style>\(PageStyle.css)</style></head><body>
            <h1>\(board.name)</h1>
            <p class="lead">\(headline(content, board.rounds))</p>
            \(figures(content, participants, board, now))
            <h2>Participants</h2>
            \(table(participants))
            \(curves(content.completed))
            \(rounds(content.completed))
            <footer>Secure aggregation SA1: the coordinator sees sums of updates, no single one, and this page shows neither.
            \(now.formatted(.iso8601)), every 3 seconds anew.</footer>
            </body></html>
            """
        return body.html
    }

    private static func headline(_ content: StatusBoard.Content, _ rounds: Int) -> String {
        if let failure = content.failure { return "Ended without a result: \(failure)" }
        if content.isFinished { return "Finished after \(content.completed.count) rounds." }
        return "Round \(content.completed.count + 1) of \(rounds) is running."
    }

    private static func figures(
        _ content: StatusBoard.Content,
        _ participants: [ParticipantStatus],
        _ board: StatusBoard,
        _ now: Date
    ) -> Markup {
        let traffic = content.completed.reduce(into: TrafficCount()) { $0 += $1.traffic }
        return """
            <dl class="cards">
            <div><dt>rounds finished</dt><dd>\(content.completed.count) of \(board.rounds)</dd></div>
            <div><dt>participants here</dt><dd>\(participants.count { $0.isPresent }) of \(participants.count)</dd></div>
            <div><dt>sent</dt><dd>\(bytes(traffic.down))</dd></div>
            <div><dt>received</dt><dd>\(bytes(traffic.up))</dd></div>
            <div><dt>running for</dt><dd>\(duration(now.timeIntervalSince(board.start)))</dd></div>
            </dl>
            """
    }

    private static func table(_ participants: [ParticipantStatus]) -> Markup {
        """
        <div class="scroll"><table><tr><th>name</th><th>line</th><th>asked for</th><th class="n">answer so far</th></tr>
        \(Markup(participants.map { row($0) }))
        </table></div>
        """
    }

    private static func row(_ participant: ParticipantStatus) -> Markup {
        // Words beside the colours: nobody has to tell red from green.
        let line =
            participant.isPresent
            ? "here" : participant.asked != nil ? "at work" : participant.wasSeen ? "gone" : "not yet seen"
        return """
            <tr><td class="name">\(participant.name)</td><td>\(line)</td>
            <td>\(participant.asked.map(question) ?? "–")</td>
            <td class="n">\(participant.received > 0 ? bytes(participant.received) : "–")</td></tr>
            """
    }

    private static func question(_ key: ExchangeKey) -> String {
        let leg =
            switch key.leg {
            case .realign: "a re-aligned emulator"
            case .instruct, .adapter: "getting ready"
            case .train: "an update"
            case .advertise: "R0, keys"
            case .share: "R1, shares"
            case .mask: "R2, training and masking"
            case .confirm: "R3, agreement on survivors"
            case .unmask: "R4, unmasking shares"
            case .accept: "R5, the sum"
            case .result: "closing the round"
            }
        return "round \(key.round): \(leg)"
    }

    private static func curves(_ records: [RoundRecord]) -> Markup {
        let names = Set(records.flatMap(\.figures.keys)).filter { $0.hasSuffix("loss") }.sorted()
        let series = names.map { name in
            records.compactMap { record in record.figures[name].map { (x: Double(record.round), y: $0) } }
        }
        let norms = records.map { (x: Double($0.round), y: $0.updateNorm) }
        guard let last = records.last?.round, last > 1 else { return "" }
        func frame(_ title: String, _ values: [Double]) -> PlotFrame {
            PlotFrame(
                width: 460,
                height: 260,
                x: PlotFrame.Axis(
                    title: "round",
                    lower: 1,
                    upper: Double(last),
                    ticks: stride(from: 1, through: last, by: max(1, last / 8)).map(Double.init),
                    label: { "\(Int($0))" }
                ),
                y: .around(title, values, padding: 0.1)
            )
        }
        let norm = frame("norm of the mean update", norms.map(\.y))
        let losses = frame("loss in nats a token", series.joined().map(\.y))
        let lossPlot: Markup =
            names.isEmpty
            ? ""
            : """
            <figure>\(losses.svg(label: "Losses of the owner's check", series.enumerated().map { losses.line($1, color: $0) }))
            <figcaption>The owner's check: \(names.joined(separator: ", ")).</figcaption></figure>
            """
        return """
            <h2>Progress</h2><div class="pair">\(lossPlot)
            <figure>\(norm.svg(label: "Norm of the mean update", [norm.line(norms, color: 1)]))
            <figcaption>The mean update of each round.</figcaption></figure></div>
            """
    }

    private static func rounds(_ records: [RoundRecord]) -> Markup {
        if records.isEmpty { return "" }
        let rows = records.suffix(50).reversed().map { record -> Markup in
            """
            <tr><td class="n">\(record.round)</td><td class="n">\(record.included.count) of \(record.invited.count)</td>
            <td class="n">\(Figure.decimal(record.updateNorm, 4))</td><td class="n">\(bytes(record.traffic.down))</td>
            <td class="n">\(bytes(record.traffic.up))</td><td class="n">\(Figure.decimal(record.seconds, 1))</td></tr>
            """
        }
        return """
            <h2>Rounds</h2><div class="scroll"><table><tr><th class="n">round</th><th class="n">updates in the sum</th>
            <th class="n">norm</th><th class="n">sent</th><th class="n">received</th><th class="n">seconds</th></tr>
            \(Markup(rows))</table></div>
            """
    }

    private static func bytes(_ count: Int) -> String {
        count < 1_000_000
            ? "\(Figure.decimal(Double(count) / 1e3, 1)) kB" : "\(Figure.decimal(Double(count) / 1e6, 1)) MB"
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds)
        return whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
    }
}
