import Foundation

/// The steps of a round, each one question of the coordinator and one answer of a participant.
public enum ExchangeLeg: String, Sendable, Codable, CaseIterable {
    /// A re-aligned middle of the emulator.
    case realign
    /// The round begins.
    case instruct
    /// The round begins, with the adapter for those who do not have it.
    case adapter
    /// Train and answer in the clear.
    case train
    /// SA1's R0: keys.
    case advertise
    /// SA1's R1: shares.
    case share
    /// SA1's R2: train, then the masked vector.
    case mask
    /// SA1's R3: agreement to the survivors.
    case confirm
    /// SA1's R4: shares that remove masks.
    case unmask
    /// SA1's R5: the sum.
    case accept
    /// The round is over.
    case result
}

/// Names a question: the same key to the same participant is the same question, however often it is sent.
public struct ExchangeKey: Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    public let round: Int
    /// Tells a round that was begun again from the one that failed.
    public let attempt: UInt64
    /// The step.
    public let leg: ExchangeLeg

    /// Names a question.
    public init(round: Int, attempt: UInt64, leg: ExchangeLeg) {
        self.round = round
        self.attempt = attempt
        self.leg = leg
    }

    /// `ROUND-ATTEMPT-LEG`: in addresses and file names.
    public var description: String { "\(round)-\(String(attempt, radix: 16))-\(leg.rawValue)" }

    /// Reads ``description``; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let round = Int(parts[0]), round >= 0, let attempt = UInt64(parts[1], radix: 16),
            let leg = ExchangeLeg(rawValue: String(parts[2]))
        else { return nil }
        self.init(round: round, attempt: attempt, leg: leg)
        guard description == text else { return nil }
    }
}

/// One question of the coordinator.
public struct Exchange: Sendable {
    /// Names it.
    public let key: ExchangeKey
    /// An encoded ``Frame``.
    public let request: Data
    /// When the answer is of no use any more, in milliseconds since 1970; nil: never.
    public let deadline: UInt64?

    /// Makes a question.
    public init(_ key: ExchangeKey, request: Data, deadline: UInt64? = nil) {
        self.key = key
        self.request = request
        self.deadline = deadline
    }
}
