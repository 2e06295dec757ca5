import Foundation
import NIOHTTP1

/// The listener for people and monitors on the coordinator's own machine: read only.
struct StatusRoutes: Sendable {
    let board: StatusBoard
    let transport: NetworkTransport

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        guard request.method == .GET else { return try await responder.send(.methodNotAllowed) }
        switch request.path {
        case "/":
            try await send(StatusPage.html(board, await transport.statuses()), "text/html; charset=utf-8", responder)
        case "/metrics":
            // The text format of Prometheus, version 0.0.4.
            try await send(
                PrometheusText.of(board, await transport.statuses()),
                "text/plain; version=0.0.4; charset=utf-8",
                responder
            )
        case "/healthz": try await send("ok\n", "text/plain", responder)
        default: try await responder.send(.notFound)
        }
    }

    private func send(_ text: String, _ type: String, _ responder: HTTPResponder) async throws {
        try await responder.send(
            .ok,
            [("content-type", type), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")],
            body: Data(text.utf8)
        )
    }
}

/// The run's figures for a Prometheus server.
enum PrometheusText {
    static func of(_ board: StatusBoard, _ participants: [ParticipantStatus]) -> String {
        let content = board.content
        var text = ""
        func metric(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: Double)]) {
            text += "# HELP fsot_\(name) \(help)\n# TYPE fsot_\(name) \(type)\n"
            for sample in samples {
                let labels = sample.labels.isEmpty ? "" : "{\(sample.labels)}"
                text += "fsot_\(name)\(labels) \(sample.value)\n"
            }
        }
        let records = content.completed
        metric("rounds_completed", "gauge", "Rounds finished.", [("", Double(records.count))])
        metric("rounds_total", "gauge", "Rounds of the run.", [("", Double(board.rounds))])
        metric("run_finished", "gauge", "1 once the run has ended.", [("", content.isFinished ? 1 : 0)])
        metric("run_failed", "gauge", "1 when it ended without a result.", [("", content.failure == nil ? 0 : 1)])
        metric(
            "bytes_sent_total",
            "counter",
            "Bytes to participants in finished rounds.",
            [("", Double(records.reduce(0) { $0 + $1.traffic.down }))]
        )
        metric(
            "bytes_received_total",
            "counter",
            "Bytes from participants in finished rounds.",
            [("", Double(records.reduce(0) { $0 + $1.traffic.up }))]
        )
        metric(
            "participant_present",
            "gauge",
            "1 while a participant calls.",
            participants.map { ("participant=\"\($0.name)\"", $0.isPresent ? 1 : 0) }
        )
        let directions: [(String, String, KeyPath<TrafficCount, Int>)] = [
            ("sent", "to", \.down), ("received", "from", \.up),
        ]
        for (verb, preposition, path) in directions {
            metric(
                "participant_bytes_\(verb)_total",
                "counter",
                "Bytes \(preposition) a participant since the coordinator began: the emulator, unfinished rounds and what broken lines repeat among them.",
                participants.map { ("participant=\"\($0.name)\"", Double($0.traffic[keyPath: path])) }
            )
        }
        if let last = records.last {
            metric("round_survivors", "gauge", "Updates in the last sum.", [("", Double(last.included.count))])
            metric("round_seconds", "gauge", "Length of the last round.", [("", last.seconds)])
            for (name, value) in last.figures.sorted(by: { $0.key < $1.key }) where value.isFinite {
                metric(
                    name.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined(),
                    "gauge",
                    "The owner's figure \(name) after the last round.",
                    [("", value)]
                )
            }
        }
        return text
    }
}
