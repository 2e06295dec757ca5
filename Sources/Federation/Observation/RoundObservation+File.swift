import Checkpoints
import Foundation

extension RoundObservation {
    private static let updatePrefix = "update."

    /// The observation as a safetensors file, in pieces: `broadcast`, `aggregate` and `update.HOLDER`, each one vector in the
    /// order of the adapter's schema.
    ///
    /// - Throws: what `sink` throws.
    public func write(path: String, sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        func entry(_ name: String, _ values: [Float]) -> SafetensorsWriter.Entry {
            SafetensorsWriter.Entry(name: name, shape: [values.count], values: values)
        }
        try SafetensorsWriter.write(
            [entry("broadcast", broadcast), entry("aggregate", aggregate)]
                + updates.sorted { $0.key < $1.key }.map { entry(Self.updatePrefix + $0.key, $0.value) },
            metadata: ["format": "fsot.observation/1", "round": "\(round)"],
            path: path,
            sink: sink
        )
    }

    /// Reads what ``write(path:sink:)`` gives.
    ///
    /// - Throws: `CheckpointError`; `FederationError.invalidRun` when it is not an observation.
    public init(_ file: SafetensorsFile, path: String) throws {
        guard file.metadata["format"] == "fsot.observation/1", let round = file.metadata["round"].flatMap(Int.init)
        else {
            throw FederationError.invalidRun(path: path, reason: "it is no observation of a round")
        }
        var updates: [String: [Float]] = [:]
        for name in file.tensorNames where name.hasPrefix(Self.updatePrefix) {
            updates[String(name.dropFirst(Self.updatePrefix.count))] = try file.values(name)
        }
        self.init(
            round: round,
            broadcast: try file.values("broadcast"),
            updates: updates,
            aggregate: try file.values("aggregate")
        )
        let lengths = Set([broadcast.count, aggregate.count] + updates.values.map(\.count))
        guard lengths.count == 1, (updates.values.joined().allSatisfy(\.isFinite)) else {
            throw FederationError.invalidRun(path: path, reason: "its vectors differ in length or are not finite")
        }
    }
}
