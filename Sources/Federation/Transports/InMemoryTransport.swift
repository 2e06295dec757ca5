import Foundation

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
    public func exchange(_ exchange: Exchange, with participant: String) async throws -> Data {
        guard let handler = handlers[participant] else {
            throw FederationError.invalidConfiguration(
                reason: "There is no data holder \(participant)",
                remedy: "check the roster"
            )
        }
        return await handler.handle(exchange.request)
    }
}
