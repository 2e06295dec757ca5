import Foundation

/// Bytes that crossed, by direction; what the run's figures and the audit report quote.
public struct TrafficCount: Codable, Sendable, Equatable {
    /// Coordinator → participants, in bytes.
    public var down = 0
    /// Participants → coordinator, in bytes.
    public var up = 0

    /// Nothing yet.
    public init() {}

    /// Adds another count.
    public static func += (left: inout TrafficCount, right: TrafficCount) {
        left.down += right.down
        left.up += right.up
    }
}

/// Carries one request to one participant and its answer back. The coordinator knows nothing else of the world, so a
/// simulation and a real federation run the same algorithm.
public protocol Transport: Sendable {
    /// The participants of the federation, in a fixed order.
    var participants: [String] { get }
    /// How many exchanges may wait for their answers at once.
    var width: Int { get }
    /// Those of ``participants`` that can be reached now, in the same order; waits until there are enough to begin.
    ///
    /// - Throws: `CancellationError`, `FederationError.tooFewParticipants` when they do not come.
    func present() async throws -> [String]
    /// Sends encoded bytes and waits for the answer.
    ///
    /// - Throws: `AtomicFileError` when this side cannot keep what it must, which ends the run; any other error when the
    ///   participant cannot be reached or answers nothing before the deadline: it then counts as dropped.
    func exchange(_ exchange: Exchange, with participant: String) async throws -> Data
}

extension Transport {
    /// One after the other: participants that share one machine train in turn.
    public var width: Int { 1 }
    /// Everybody.
    public func present() async throws -> [String] { participants }
}

/// Who answers on the other side of a transport.
public protocol FrameHandler: Sendable {
    /// The participant's name.
    var name: String { get }
    /// Answers one encoded frame.
    func handle(_ request: Data) async -> Data
}
