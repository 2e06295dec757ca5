import AtomicFiles
import Foundation
import NIOCore

/// What the coordinator asks one participant at the moment, and the answer as it comes in.
///
/// Participants only ever call: a question lies here until they fetch it. Asking is idempotent by key and sender; an answer that
/// came whole is acknowledged again, one that nobody waits for is refused.
actor Mailbox {
    enum Delivery {
        case question(Exchange, digest: String)
        case ending(FederationWire.Ending)
        case nothing
    }

    enum ChunkStart {
        case accepted(token: UInt64)
        /// The piece does not follow what has arrived; this much has.
        case received(Int)
        case tooLong
        case gone
    }

    private struct Pending {
        let exchange: Exchange
        let digest: String
        let continuation: CheckedContinuation<Data, any Error>
    }

    private let participant: String
    private let spoolPath: String
    private let maximumAnswer: Int
    private let silenceSeconds: Double
    private let keep: @Sendable (_ spool: String, ExchangeKey) throws -> Data
    private var pending: Pending?
    private var spool: AnswerSpool?
    private var answered: [ExchangeKey: (digest: String, count: Int)] = [:]
    private var ending: FederationWire.Ending?
    private var token: UInt64 = 0
    private var pollers: [UInt64: CheckedContinuation<Void, Never>] = [:]
    private var lastCall: ContinuousClock.Instant?
    /// Since the process began, repeated pieces among them.
    private(set) var traffic = TrafficCount()

    /// - Parameters:
    ///   - spoolPath: where answers arrive.
    ///   - maximumAnswer: bytes of the longest answer that can be right.
    ///   - silenceSeconds: without a call after which a question is given up; participants at work still call.
    ///   - keep: puts a whole, synced answer where it stays.
    init(
        participant: String,
        spoolPath: String,
        maximumAnswer: Int,
        silenceSeconds: Double,
        keep: @escaping @Sendable (_ spool: String, ExchangeKey) throws -> Data
    ) {
        self.participant = participant
        self.spoolPath = spoolPath
        self.maximumAnswer = maximumAnswer
        self.silenceSeconds = silenceSeconds
        self.keep = keep
    }

    // MARK: - The coordinator's side

    /// Asks and waits for the answer.
    ///
    /// - Throws: `FederationError.noAnswer` at the deadline, or when the participant has fallen silent; `CancellationError`; `AtomicFileError`.
    func ask(_ exchange: Exchange) async throws -> Data {
        let start = ContinuousClock.now
        let timer = Task {
            while true {
                let left = exchange.deadline.map { Double($0) / 1000 - Date().timeIntervalSince1970 } ?? .infinity
                let silence = ContinuousClock.now - max(start, lastCall ?? start)
                guard left > 0, silence < .seconds(silenceSeconds) else { break }
                try await Task.sleep(for: .seconds(max(0.01, min(left, silenceSeconds / 8))))
            }
            giveUp(exchange.key)
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answered = answered.filter {
                    $0.key.round == exchange.key.round && $0.key.attempt == exchange.key.attempt
                }
                pending = Pending(
                    exchange: exchange,
                    digest: FederationWire.digest(exchange.request),
                    continuation: continuation
                )
                spool = nil
                wakePollers()
            }
        } onCancel: {
            Task { await finish(exchange.key, with: .failure(CancellationError())) }
        }
    }

    /// Who did not answer is not there until it calls again.
    private func giveUp(_ key: ExchangeKey) {
        guard pending?.exchange.key == key else { return }
        lastCall = nil
        finish(key, with: .failure(FederationError.noAnswer(from: participant)))
    }

    /// Tells who asks from now on that the run is over.
    func end(_ ending: FederationWire.Ending) {
        self.ending = ending
        wakePollers()
    }

    /// Gives the question of the moment up.
    func cancel() {
        if let pending { finish(pending.exchange.key, with: .failure(CancellationError())) }
    }

    /// Whether the participant called in the last `seconds`.
    func isPresent(within seconds: Double) -> Bool {
        guard let lastCall else { return false }
        return ContinuousClock.now - lastCall < .seconds(seconds)
    }

    /// For the status page: the question of the moment, and bytes of its answer.
    var state: (asked: ExchangeKey?, received: Int, wasSeen: Bool, hasHeardEnding: Bool) {
        (pending?.exchange.key, spool?.received ?? 0, lastCall != nil, hasHeardEnding)
    }

    private var hasHeardEnding = false

    private func finish(_ key: ExchangeKey, with result: Result<Data, any Error>) {
        guard let waiting = pending, waiting.exchange.key == key else { return }
        pending = nil
        spool = nil
        waiting.continuation.resume(with: result)
    }

    // MARK: - The participant's side

    /// The question of the moment; waits for one for some seconds.
    func question(waiting seconds: Double) async -> Delivery {
        lastCall = .now
        if pending == nil, ending == nil {
            token += 1
            let id = token
            let timer = Task {
                try await Task.sleep(for: .seconds(seconds))
                wake(id)
            }
            // A coordinator that stops must not wait for those who wait for it.
            await withTaskCancellationHandler {
                await withCheckedContinuation { pollers[id] = $0 }
            } onCancel: {
                Task { await wake(id) }
            }
            timer.cancel()
        }
        lastCall = .now
        if let pending { return .question(pending.exchange, digest: pending.digest) }
        if let ending {
            hasHeardEnding = true
            return .ending(ending)
        }
        return .nothing
    }

    private func wake(_ poller: UInt64) { pollers.removeValue(forKey: poller)?.resume() }

    private func wakePollers() {
        for poller in pollers.values { poller.resume() }
        pollers = [:]
    }

    /// Adds to what was sent to the participant.
    func count(sent bytes: Int) { traffic.down += bytes }

    /// The participant calls while it works.
    func touch() { lastCall = .now }

    /// How much of an answer has arrived; nil when nobody waits for it.
    func received(_ key: ExchangeKey) -> Int? {
        lastCall = .now
        if let answer = answered[key] { return answer.count }
        return pending?.exchange.key == key ? spool?.received ?? 0 : nil
    }

    /// Begins a piece of an answer; a piece that another connection was sending is given up.
    ///
    /// - Throws: `AtomicFileError`.
    func beginChunk(_ key: ExchangeKey, offset: Int, total: Int, digest: String) throws -> ChunkStart {
        lastCall = .now
        if let answer = answered[key] { return .received(answer.count) }
        guard pending?.exchange.key == key else { return .gone }
        guard (1...maximumAnswer).contains(total) else { return .tooLong }
        let current: AnswerSpool
        if let spool, spool.total == total, spool.digest == digest {
            current = spool
        } else {
            current = try storing { try AnswerSpool(path: spoolPath, total: total, digest: digest) }
            spool = current
        }
        guard offset == current.received else { return .received(current.received) }
        current.beginChunk()
        token += 1
        return .accepted(token: token)
    }

    /// Adds to a piece; false when it is too long or was given up.
    ///
    /// - Throws: `AtomicFileError`.
    func append(_ buffer: ByteBuffer, token: UInt64) throws -> Bool {
        traffic.up += buffer.readableBytes
        guard token == self.token, let spool else { return false }
        return try storing { try buffer.withUnsafeReadableBytes { try spool.append($0) } }
    }

    /// Ends a piece; the answer goes to the coordinator once it is whole.
    ///
    /// - Returns: bytes that count now; nil when the piece or the whole has another digest, or was given up.
    /// - Throws: `AtomicFileError`.
    func endChunk(_ key: ExchangeKey, digest: String, token: UInt64) throws -> Int? {
        guard token == self.token, let spool, pending?.exchange.key == key else { return nil }
        lastCall = .now
        guard try spool.endChunk(digest) else { return nil }
        guard spool.received == spool.total else { return spool.received }
        guard try storing({ try spool.complete() }) else { return nil }
        let data = try storing { try keep(spool.path, key) }
        answered[key] = (spool.digest, spool.total)
        finish(key, with: .success(data))
        return data.count
    }

    /// A disk that is full ends the run with its name, and not one participant after the other.
    private func storing<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            if let pending { finish(pending.exchange.key, with: .failure(error)) }
            throw error
        }
    }
}
