import Foundation

/// What a frame carries; the wire holds the raw value.
public enum FrameKind: UInt8, Sendable, CaseIterable {
    /// Coordinator → participant: a round begins. Header ``RoundInstruction``; payload the global adapter, or nothing where the
    /// participant is likely to have it.
    case instruct = 1
    /// Participant → coordinator: ready for the round.
    case ready = 2
    /// Coordinator → participant: train now and send the update in the clear.
    case train = 3
    /// Participant → coordinator: the update in the clear. Header ``UpdateHeader``, payload Float32.
    case update = 4
    /// Either way: a message of the secure aggregation, opaque here.
    case secureAggregation = 5
    /// Coordinator → participant: the round is over. Header ``RoundOutcome``; payload the new global adapter where it does not
    /// follow from the sum.
    case result = 6
    /// Participant → coordinator: the participant cannot go on. Header ``FailureHeader``: a code, never a text.
    case failure = 7
    /// Participant → coordinator: done, nothing to send.
    case acknowledge = 8
    /// Coordinator → participant: the middle of the emulator, distilled again. Payload Float32.
    case emulator = 9
}

/// One message on the wire: `"FSF1" | kind u8 | header length u32 | payload length u64 | header JSON | payload`,
/// little-endian. Bytes counted anywhere in fsot are the bytes of this encoding.
public struct Frame: Sendable, Equatable {
    /// What it carries.
    public let kind: FrameKind
    /// Canonical JSON (sorted keys); empty when the kind has none.
    public let header: Data
    /// Binary content.
    public let payload: Data

    static let magic = Data("FSF1".utf8)
    static let prefixCount = 4 + 1 + 4 + 8

    /// Makes a frame without a header.
    public init(_ kind: FrameKind, payload: Data = Data()) {
        self.kind = kind
        header = Data()
        self.payload = payload
    }

    /// Makes a frame with a header.
    public init(_ kind: FrameKind, header: some Encodable, payload: Data = Data()) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self.kind = kind
        self.header = try encoder.encode(header)
        self.payload = payload
    }

    /// The size on the wire, in bytes.
    public var byteCount: Int { Self.prefixCount + header.count + payload.count }

    /// The bytes on the wire.
    public var encoded: Data {
        var data = Self.magic
        data.reserveCapacity(byteCount)
        data.append(kind.rawValue)
        withUnsafeBytes(of: UInt32(header.count).littleEndian) { data.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt64(payload.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(header)
        data.append(payload)
        return data
    }

    /// Reads a whole frame.
    ///
    /// - Throws: `FederationError.malformedMessage` for anything but exactly one valid frame.
    public init(decoding data: Data, from peer: String) throws {
        func fail(_ reason: String) -> FederationError { .malformedMessage(from: peer, reason: reason) }
        let bytes = [UInt8](data.prefix(Self.prefixCount))
        guard bytes.count == Self.prefixCount else { throw fail("\(data.count) bytes are too few") }
        guard bytes[0..<4].elementsEqual(Self.magic) else { throw fail("wrong magic number") }
        guard let kind = FrameKind(rawValue: bytes[4]) else { throw fail("unknown kind \(bytes[4])") }
        let headerCount = bytes[5..<9].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let payloadCount = bytes[9..<17].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let (sum, overflow) = headerCount.addingReportingOverflow(payloadCount)
        guard !overflow, sum == UInt64(data.count - Self.prefixCount) else { throw fail("lengths do not add up") }
        let start = data.startIndex + Self.prefixCount
        self.kind = kind
        header = data.subdata(in: start..<(start + Int(headerCount)))
        payload = data.subdata(in: (start + Int(headerCount))..<data.endIndex)
    }

    /// The header as a value.
    ///
    /// - Throws: `FederationError.malformedMessage`.
    public func header<Header: Decodable>(_ type: Header.Type, from peer: String) throws -> Header {
        do {
            return try JSONDecoder().decode(type, from: header)
        } catch {
            throw FederationError.malformedMessage(from: peer, reason: "unreadable header")
        }
    }
}

/// The header of ``FrameKind/instruct``.
public struct RoundInstruction: Codable, Sendable, Equatable {
    /// Counted from 1.
    public var round: Int
    /// Optimizer steps of each participant.
    public var localSteps: Int
    /// Learning rate at the start of the round.
    public var learningRate: Double
    /// Whether updates are masked.
    public var isMasked: Bool
    /// The round after which the emulator to train on was distilled again; nil: it is the one that was shipped.
    public var realignedAfter: Int?
    /// Hash of the global adapter, hexadecimal.
    public var stateHash: String

    /// Makes an instruction.
    public init(
        round: Int,
        localSteps: Int,
        learningRate: Double,
        isMasked: Bool,
        stateHash: String,
        realignedAfter: Int? = nil
    ) {
        self.stateHash = stateHash
        self.realignedAfter = realignedAfter
        self.round = round
        self.localSteps = localSteps
        self.learningRate = learningRate
        self.isMasked = isMasked
    }
}

/// The header of ``FrameKind/result``.
public struct RoundOutcome: Codable, Sendable, Equatable {
    /// Whether the sum became the new adapter; otherwise the old one stays.
    public var isAccepted: Bool

    /// Makes a header.
    public init(isAccepted: Bool) { self.isAccepted = isAccepted }
}

/// The header of ``FrameKind/update``.
public struct UpdateHeader: Codable, Sendable, Equatable {
    /// The participant's weight in the mean: 1, or its number of records.
    public var weight: Double

    /// Makes a header.
    public init(weight: Double) { self.weight = weight }
}

/// Why a participant left a round. Codes only: a text could carry private data to the coordinator.
public enum FailureCode: String, Codable, Sendable {
    /// Local training met NaN or infinity.
    case notFinite
    /// The participant's policy refused what the coordinator asked.
    case refused
    /// The participant does not have the round's adapter; no fault, it wants to be sent it.
    case adapterNeeded
    /// A message could not be read or verified.
    case protocolViolation
    /// The user stopped the participant.
    case interrupted
    /// Anything else; the participant's own log says what.
    case other
}

/// The header of ``FrameKind/failure``.
public struct FailureHeader: Codable, Sendable, Equatable {
    /// Why.
    public var code: FailureCode

    /// Makes a header.
    public init(code: FailureCode) { self.code = code }
}
