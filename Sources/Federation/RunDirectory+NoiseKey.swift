import AtomicFiles
import DifferentialPrivacy
import Foundation

extension RunDirectory {
    private var noiseKeyFile: String { path + "/checkpoint/noise.key" }

    /// The key of a run's coins and noise: of the seed in a simulation, else a fresh one that only the user may read, kept
    /// until the run is finished so that a stopped one goes on to the same bits.
    ///
    /// - Parameters:
    ///   - seed: of a simulation; nil: the noise is a secret.
    ///   - completedRounds: how far the run is.
    /// - Throws: `FederationError.invalidRun` when the key of a begun run is gone; `AtomicFileError`, `CryptographyError`.
    public func noiseKey(seed: UInt64?, completedRounds: Int) throws -> NoiseKey {
        if let seed { return try NoiseKey(simulationSeed: seed) }
        if let kept = FileManager.default.contents(atPath: noiseKeyFile) {
            guard kept.count == NoiseKey.length else {
                throw FederationError.invalidRun(
                    path: noiseKeyFile,
                    reason: "it is damaged; tune again into a new directory"
                )
            }
            return try NoiseKey(bytes: [UInt8](kept))
        }
        guard completedRounds == 0 else {
            throw FederationError.invalidRun(
                path: noiseKeyFile,
                reason: "it is missing, so that the noise cannot go on; tune again into a new directory"
            )
        }
        let key = try NoiseKey()
        try AtomicFile.write(Data(key.exposed()), to: noiseKeyFile, permissions: 0o600)
        return key
    }

    /// Removes the key: nobody can take the noise off a finished run.
    ///
    /// - Throws: `AtomicFileError`.
    public func removeNoiseKey() throws {
        guard FileManager.default.fileExists(atPath: noiseKeyFile) else { return }
        do {
            try FileManager.default.removeItem(atPath: noiseKeyFile)
        } catch {
            throw AtomicFileError.system(operation: "remove", path: noiseKeyFile, reason: "\(error)")
        }
    }
}
