import Cryptography
import Emulators
import Foundation
import LanguageModels

/// The weights of a thinned middle that the owner distilled again while the run went on (FedBiOT, arXiv 2406.17706): one
/// more release of its model.
public struct RealignedMiddle: Sendable, Equatable {
    /// The round after which it was made.
    public let round: Int
    /// Identifies the release in the owner's ledger.
    public let releaseID: String
    /// All tensors of the middle's blocks, sorted by name, one after the other.
    public let values: [Float]

    /// Wraps weights.
    public init(round: Int, releaseID: String, values: [Float]) {
        self.round = round
        self.releaseID = releaseID
        self.values = values
    }

    /// Puts the weights into the emulator that the run began with.
    ///
    /// - Throws: `FederationError.wrongLength`.
    public func apply(to emulator: LanguageModel, _ metadata: EmulatorMetadata) throws {
        try ThinnedMiddle(of: emulator, metadata).set(values, from: "the run's directory")
    }

    /// What a round's header commits to instead of the hash of the emulator that the holders opened.
    ///
    /// - Parameter original: that hash.
    public func emulatorHash(original: [UInt8]) -> [UInt8] {
        let hash = TaggedHash("fsot/emulator/realigned")
        hash.append(original)
        hash.append(UInt32(truncatingIfNeeded: round))
        hash.append([UInt8](AdapterState(values: values).encoded))
        return hash.digest()
    }
}

/// The header of ``FrameKind/emulator``.
struct RealignmentHeader: Codable {
    var round: Int
    var releaseID: String
}

extension RealignedMiddle {
    var frame: Frame {
        get throws {
            try Frame(
                .emulator,
                header: RealignmentHeader(round: round, releaseID: releaseID),
                payload: AdapterState(values: values).encoded
            )
        }
    }

    /// Reads a frame of a peer.
    ///
    /// - Throws: `FederationError.malformedMessage`, or `.notFinite`.
    init(_ frame: Frame, from peer: String) throws {
        let header = try frame.header(RealignmentHeader.self, from: peer)
        let state = try AdapterState(decoding: frame.payload, count: frame.payload.count / 4, from: peer)
        guard state.isFinite else {
            throw FederationError.notFinite(round: header.round, what: "The re-aligned emulator")
        }
        self.init(round: header.round, releaseID: header.releaseID, values: state.values)
    }
}
