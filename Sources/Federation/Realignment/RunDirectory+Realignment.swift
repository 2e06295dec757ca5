import AtomicFiles
import Checkpoints
import Foundation

extension RunDirectory {
    /// Saves a re-aligned middle as `realigned/NNNN.safetensors`, for the owner's eyes alone; those before the last one go, the
    /// ledger remembers them.
    public func save(_ middle: RealignedMiddle) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: realignedDirectory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw AtomicFileError.system(operation: "create", path: realignedDirectory, reason: "\(error)")
        }
        try SafetensorsWriter.write(
            [.init(name: Self.middleTensor, shape: [middle.values.count], values: middle.values)],
            metadata: ["release_id": middle.releaseID],
            to: Self.realignedFile(middle.round, at: path)
        )
        // The one before is what a run that is killed now goes on from.
        for old in Self.realignedRounds(at: path).filter({ $0 < middle.round }).dropLast() {
            try? FileManager.default.removeItem(atPath: Self.realignedFile(old, at: path))
        }
    }

    /// The last re-aligned middle of a run that was made no later than after a round; nil: the emulator stayed as it was.
    ///
    /// - Throws: `CheckpointError`, `FederationError.invalidRun`.
    public static func realigned(at path: String, upTo round: Int) throws -> RealignedMiddle? {
        guard let last = realignedRounds(at: path).last(where: { $0 <= round }) else { return nil }
        let name = realignedFile(last, at: path)
        let file = try SafetensorsFile(path: name)
        guard let releaseID = file.metadata["release_id"] else {
            throw FederationError.invalidRun(path: name, reason: "it names no release")
        }
        return RealignedMiddle(round: last, releaseID: releaseID, values: try file.values(middleTensor))
    }

    private static let middleTensor = "middle"
    private var realignedDirectory: String { path + "/realigned" }
    private static func realignedFile(_ round: Int, at path: String) -> String {
        path + String(format: "/realigned/%04d.safetensors", round)
    }
    private static func realignedRounds(at path: String) -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/realigned")) ?? []
        return names.compactMap { Int($0.prefix { $0 != "." }) }.sorted()
    }
}
