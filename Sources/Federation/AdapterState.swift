import Foundation

/// The names and shapes of the trained tensors, in the order in which their numbers travel.
public struct AdapterSchema: Codable, Sendable, Equatable {
    /// One trained tensor.
    public struct Entry: Codable, Sendable, Equatable {
        /// The tensor's name with the emulator's layer number.
        public let name: String
        /// Row-major shape.
        public let shape: [Int]

        /// Describes a tensor.
        public init(name: String, shape: [Int]) {
            self.name = name
            self.shape = shape
        }

        /// Numbers in the tensor.
        public var count: Int { shape.reduce(1, *) }
    }

    /// The tensors, sorted by name so that every party agrees on the order.
    public let entries: [Entry]

    /// Makes a schema; the entries are sorted.
    public init(_ entries: [Entry]) {
        self.entries = entries.sorted { $0.name < $1.name }
    }

    /// Numbers in the whole adapter.
    public var count: Int { entries.reduce(0) { $0 + $1.count } }
}

/// The numbers of an adapter as a value: what crosses between actors and wires (tensors never do).
public struct AdapterState: Sendable, Equatable {
    /// All tensors one after the other, in the schema's order.
    public var values: [Float]

    /// Wraps a vector.
    public init(values: [Float]) { self.values = values }

    /// Little-endian Float32.
    public var encoded: Data {
        values.withUnsafeBytes { Data($0) }
    }

    /// Reads little-endian Float32.
    ///
    /// - Throws: `FederationError.wrongLength` or `.malformedMessage`.
    public init(decoding data: Data, count: Int, from peer: String) throws {
        guard data.count % 4 == 0 else {
            throw FederationError.malformedMessage(from: peer, reason: "\(data.count) bytes are no Float32 vector")
        }
        guard data.count == count * 4 else {
            throw FederationError.wrongLength(from: peer, found: data.count / 4, expected: count)
        }
        values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            data.copyBytes(to: UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }

    /// Whether every number is finite.
    public var isFinite: Bool { values.allSatisfy(\.isFinite) }

    /// This state minus another of the same length.
    public func difference(from other: AdapterState) -> [Float] {
        precondition(values.count == other.values.count, "states of one adapter have one length")
        return zip(values, other.values).map { $0 - $1 }
    }

    /// This state moved by `update`.
    public func moved(by update: [Float]) -> AdapterState {
        precondition(values.count == update.count, "an update has the adapter's length")
        return AdapterState(values: zip(values, update).map { $0 + $1 })
    }
}
