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
    /// The participants that can be reached, in a fixed order.
    var participants: [String] { get }
    /// Sends encoded bytes and waits for the answer.
    ///
    /// - Throws: any error when the participant cannot be reached or answers nothing: it then counts as dropped.
    func exchange(_ request: Data, with participant: String) async throws -> Data
}

/// Who answers on the other side of a transport.
public protocol FrameHandler: Sendable {
    /// The participant's name.
    var name: String { get }
    /// Answers one encoded frame.
    func handle(_ request: Data) async -> Data
}

/// Participants in this process; the bytes are the same as on a network.
public struct InMemoryTransport: Transport {
    /// The participants' names, in the order given.
    public let participants: [String]
    private let handlers: [String: any FrameHandler]

    /// Connects participants; their names must differ.
    ///
    /// - Throws: `FederationError.invalidConfiguration` when two share a name.
    public init(_ handlers: [any FrameHandler]) throws {
        participants = handlers.map(\.name)
        var table: [String: any FrameHandler] = [:]
        for handler in handlers {
            guard table.updateValue(handler, forKey: handler.name) == nil else {
                throw FederationError.invalidConfiguration(
                    reason: "Two data holders are called \(handler.name)",
                    remedy: "rename one of the files"
                )
            }
        }
        self.handlers = table
    }

    /// Hands the bytes to the participant.
    ///
    /// - Throws: `FederationError.invalidConfiguration` for an unknown name.
    public func exchange(_ request: Data, with participant: String) async throws -> Data {
        guard let handler = handlers[participant] else {
            throw FederationError.invalidConfiguration(
                reason: "There is no data holder \(participant)",
                remedy: "check the roster"
            )
        }
        return await handler.handle(request)
    }
}
