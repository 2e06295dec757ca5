import Foundation
import SecureAggregation

/// What is fixed when a round begins: kept before anything is sent, so that a coordinator that was killed goes on with the
/// same round instead of a similar one.
public struct RoundOpening: Codable, Sendable, Equatable {
    /// Counted from 1.
    public let round: Int
    /// Random; tells this round from one with the same number that failed.
    public let attempt: UInt64
    /// Who is asked.
    public let invited: [String]
    /// The signed header of a masked round, encoded; nil in the clear.
    package let header: Data?

    /// - Parameter header: of a masked round.
    package init(round: Int, attempt: UInt64, invited: [String], header: SignedRoundHeader?) {
        self.round = round
        self.attempt = attempt
        self.invited = invited
        self.header = header.map { Data($0.encoded()) }
    }

    /// The header of a masked round.
    ///
    /// - Throws: `SecureAggregationError.malformed` also when there is none.
    func roundHeader() throws -> RoundHeader {
        try SignedRoundHeader(decoding: [UInt8](header ?? Data())).header
    }

    package func key(_ leg: ExchangeLeg) -> ExchangeKey { ExchangeKey(round: round, attempt: attempt, leg: leg) }
}

/// How long the coordinator waits in a round; goes into the signed header as deadlines.
public struct LegLimits: Codable, Sendable, Equatable {
    /// Seconds for each leg without training.
    public var exchange: Double
    /// Seconds for the leg in which participants train.
    public var training: Double

    /// Collects the two.
    public init(exchange: Double, training: Double) {
        self.exchange = exchange
        self.training = training
    }

    /// The ends of R0 … R4 for a round that begins now, in milliseconds since 1970.
    func deadlines(from start: UInt64) -> [UInt64] {
        var end = Double(start)
        return [exchange, exchange, training, exchange, exchange].map { seconds in
            end += seconds * 1000
            return UInt64(end)
        }
    }
}

/// Keeps how far the round of the moment has come, on disk and synced before anything follows from it.
public protocol RoundJournal: Sendable {
    /// The round that was begun and not finished; nil: none.
    func unfinished(round: Int) throws -> RoundOpening?
    /// Begins a round.
    func begin(_ opening: RoundOpening) throws
    /// Forgets the round: it is finished, or failed and will be begun anew.
    func end() throws
}
