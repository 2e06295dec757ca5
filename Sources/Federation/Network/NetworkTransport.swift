import AtomicFiles
import Foundation
import SecureAggregation

/// Participants on other machines, who fetch their questions and bring their answers.
public final class NetworkTransport: Transport {
    /// Seconds since its last call after which an idle participant counts as gone; it calls every ``FederationWire/pollSeconds``.
    static let presenceSeconds = 2 * FederationWire.pollSeconds
    /// The default for how long a participant that is asked something may be silent: it calls every
    /// ``FederationWire/heartbeatSeconds``.
    public static let defaultSilenceSeconds = 60.0

    /// See ``Transport``.
    public let participants: [String]
    /// See ``Transport``: everybody works at once.
    public let width = Int.max
    private let mailboxes: [String: Mailbox]
    private let journal: RunJournal
    private let minimumCohort: Int
    private let waitSeconds: Double
    private let isCancelled: @Sendable () -> Bool

    /// Makes empty mailboxes.
    ///
    /// - Parameters:
    ///   - participants: the roster's names, in its order.
    ///   - spoolDirectory: where answers arrive, on the journal's file system.
    ///   - journal: keeps them.
    ///   - maximumAnswer: bytes of the longest answer.
    ///   - minimumCohort: participants that a round needs.
    ///   - waitSeconds: how long it waits for the others before a round begins without them.
    ///   - silenceSeconds: without a call after which a participant counts as dropped, before its leg's deadline.
    ///   - isCancelled: asked while it waits.
    /// - Throws: `AtomicFileError`.
    public init(
        participants: [String],
        spoolDirectory: String,
        journal: RunJournal,
        maximumAnswer: Int,
        minimumCohort: Int,
        waitSeconds: Double,
        silenceSeconds: Double = NetworkTransport.defaultSilenceSeconds,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws {
        self.participants = participants
        self.journal = journal
        self.minimumCohort = minimumCohort
        self.waitSeconds = waitSeconds
        self.isCancelled = isCancelled
        do {
            try FileManager.default.createDirectory(atPath: spoolDirectory, withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: spoolDirectory,
                reason: (error as NSError).localizedDescription
            )
        }
        mailboxes = Dictionary(
            uniqueKeysWithValues: participants.map { name in
                let mailbox = Mailbox(
                    participant: name,
                    spoolPath: "\(spoolDirectory)/\(name)",
                    maximumAnswer: maximumAnswer,
                    silenceSeconds: silenceSeconds
                ) { try journal.keep($0, as: $1, of: name) }
                return (name, mailbox)
            }
        )
    }

    /// Bytes of the longest answer of a federation: a masked vector, or shares for everybody.
    public static func maximumAnswer(adapterCount: Int, participants: Int) -> Int {
        4 * (adapterCount + 1) + 512 * participants + (64 << 10)
    }

    /// See ``Transport``: everybody before a first round, for as long as was asked for; then those who are there, if they are
    /// enough.
    public func present() async throws -> [String] {
        let start = ContinuousClock.now
        while true {
            if isCancelled() { throw CancellationError() }
            var present: [String] = []
            for name in participants {
                if await mailboxes[name]?.isPresent(within: Self.presenceSeconds) == true { present.append(name) }
            }
            let isOver = ContinuousClock.now - start > .seconds(waitSeconds)
            if present.count == participants.count || isOver && present.count >= minimumCohort { return present }
            if isOver {
                throw FederationError.tooFewCame(
                    present: present,
                    absent: participants.filter { !present.contains($0) },
                    needed: minimumCohort
                )
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// See ``Transport``; answers that were kept before a restart are not asked for again.
    public func exchange(_ exchange: Exchange, with participant: String) async throws -> Data {
        guard let mailbox = mailboxes[participant] else { throw FederationError.noAnswer(from: participant) }
        if let known = journal.answer(to: exchange.key, of: participant) {
            guard let data = known else { throw FederationError.noAnswer(from: participant) }
            return data
        }
        do {
            return try await mailbox.ask(exchange)
        } catch FederationError.noAnswer {
            try journal.keepAbsence(exchange.key, of: participant)
            throw FederationError.noAnswer(from: participant)
        }
    }

    /// Gives up what is being asked: the run is stopping.
    package func cancelAll() async {
        for mailbox in mailboxes.values { await mailbox.cancel() }
    }

    /// Tells everybody who calls that the run is over; returns once all who were ever there have heard it, or after some seconds.
    func end(_ ending: FederationWire.Ending, waiting seconds: Double) async {
        for mailbox in mailboxes.values { await mailbox.end(ending) }
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .seconds(seconds) {
            var isHeard = true
            for mailbox in mailboxes.values {
                let state = await mailbox.state
                if await mailbox.isPresent(within: Self.presenceSeconds), !state.hasHeardEnding { isHeard = false }
            }
            // A moment for the last answers to leave.
            if isHeard { return (try? await Task.sleep(for: .milliseconds(200))) ?? () }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    func mailbox(of participant: String) -> Mailbox? { mailboxes[participant] }
}
