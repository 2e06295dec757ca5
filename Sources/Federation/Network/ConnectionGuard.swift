import NIOCore
import NIOTLS
import Synchronization

/// How many connections a listener holds at once, and how long a peer may stay unknown.
public struct ConnectionLimits: Sendable {
    /// Seconds from the connection to the end of the handshake.
    public var handshakeSeconds = 10.0
    /// Connections in their handshake at once; one more ends the oldest of those from the address that has most of them.
    public var handshakes = 256
    /// Connections of one participant at once; one more ends the oldest of its.
    public var perParticipant = 8

    /// The usual ones.
    public init() {}
}

/// The connections of a listener: strangers must not keep participants out by taking all of a process' descriptors.
final class ConnectionRegister: Sendable {
    private let limits: ConnectionLimits
    /// Oldest first; nil is for those of whom nothing is known yet.
    private let channels = Mutex<[String?: [Entry]]>([:])

    private struct Entry {
        let channel: any Channel
        /// The host at the other end.
        let source: String
    }

    init(_ limits: ConnectionLimits) { self.limits = limits }

    func handler(_ peer: PeerName) -> ConnectionGuard { ConnectionGuard(self, limits, peer) }

    fileprivate func add(_ channel: any Channel, to name: String?) {
        let limit = name == nil ? limits.handshakes : limits.perParticipant
        let source = channel.remoteAddress?.ipAddress ?? ""
        let surplus = channels.withLock { channels -> (any Channel)? in
            var entries = channels[name] ?? []
            entries.append(Entry(channel: channel, source: source))
            defer { channels[name] = entries }
            guard entries.count > limit else { return nil }
            // One host that floods takes its own places: a slow line from elsewhere keeps its turn.
            let counts = Dictionary(entries.map { ($0.source, 1) }, uniquingKeysWith: +)
            let most = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
            let crowded = name == nil ? most : entries.first?.source
            return entries.firstIndex { $0.source == crowded }.map { entries.remove(at: $0).channel }
        }
        // Outside the lock: closing comes back to `remove`.
        surplus?.close(promise: nil)
    }

    fileprivate func remove(_ channel: any Channel, from name: String?) {
        channels.withLock { channels in
            channels[name]?.removeAll { $0.channel === channel }
            if channels[name]?.isEmpty == true { channels[name] = nil }
        }
    }
}

/// Closes a connection whose handshake takes too long, and counts it until then among the unknown, then among its participant's.
final class ConnectionGuard: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let register: ConnectionRegister
    private let limits: ConnectionLimits
    private let peer: PeerName
    private var deadline: Scheduled<Void>?
    private enum Count {
        case none
        case among(name: String?)
    }

    private var counted = Count.none

    init(_ register: ConnectionRegister, _ limits: ConnectionLimits, _ peer: PeerName) {
        self.register = register
        self.limits = limits
        self.peer = peer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        count(channel, as: nil)
        let nanoseconds = Int64(limits.handshakeSeconds * 1e9)
        deadline = context.eventLoop.scheduleTask(in: .nanoseconds(nanoseconds)) { channel.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            deadline?.cancel()
            count(context.channel, as: peer.name)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        uncount(context.channel)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        uncount(context.channel)
    }

    private func count(_ channel: any Channel, as name: String?) {
        uncount(channel)
        counted = .among(name: name)
        register.add(channel, to: name)
    }

    private func uncount(_ channel: any Channel) {
        if case .among(let name) = counted { register.remove(channel, from: name) }
        counted = .none
    }
}
