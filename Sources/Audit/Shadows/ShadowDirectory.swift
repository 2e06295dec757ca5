import AtomicFiles
import Foundation

/// A set of shadow models on disk: `shadows.json`, and `scores/NNNN.json` once a shadow is trained.
public struct ShadowDirectory: Sendable {
    /// Where it lies.
    public let path: String
    /// What it was begun with.
    public let settings: ShadowSettings

    private static let settingsFile = "shadows.json"
    private func file(_ shadow: Int) -> String { path + String(format: "/scores/%04d.json", shadow) }

    /// Begins a set; the directory must not exist or be empty.
    ///
    /// - Throws: `AtomicFileError`.
    public static func create(_ settings: ShadowSettings, at path: String) throws -> ShadowDirectory {
        let staged = try StagedDirectory(destination: path)
        do {
            try FileManager.default.createDirectory(
                atPath: staged.path + "/scores",
                withIntermediateDirectories: true
            )
        } catch {
            throw AtomicFileError.system(operation: "create", path: path + "/scores", reason: "\(error)")
        }
        try AtomicFile.write(try encode(settings), to: staged.path + "/" + settingsFile)
        try staged.commit()
        return ShadowDirectory(path: path, settings: settings)
    }

    /// Opens a set to go on with it.
    ///
    /// - Throws: `AuditError.unusableShadows` when it was begun with other settings.
    public static func resume(_ settings: ShadowSettings, at path: String) throws -> ShadowDirectory {
        let found = try open(path)
        guard found.settings == settings else {
            throw AuditError.unusableShadows(
                path: path,
                reason: "they were begun with other settings, records or another emulator"
            )
        }
        return found
    }

    /// Opens a set, finished or not.
    ///
    /// - Throws: `AuditError.unusableShadows`.
    public static func open(_ path: String) throws -> ShadowDirectory {
        guard let data = FileManager.default.contents(atPath: path + "/" + settingsFile) else {
            throw AuditError.unusableShadows(path: path, reason: "\(settingsFile) is missing")
        }
        guard let settings = try? JSONDecoder().decode(ShadowSettings.self, from: data) else {
            throw AuditError.unusableShadows(path: path, reason: "\(settingsFile) is damaged")
        }
        guard settings.schema == ShadowSettings.currentSchema else {
            throw AuditError.unusableShadows(
                path: path,
                reason: "its schema is \(settings.schema) and this version reads \(ShadowSettings.currentSchema)"
            )
        }
        return ShadowDirectory(path: path, settings: settings)
    }

    /// What a shadow says; nil before it is trained.
    ///
    /// - Throws: `AuditError.unusableShadows`.
    public func scores(of shadow: Int) throws -> ShadowScores? {
        guard let data = FileManager.default.contents(atPath: file(shadow)) else { return nil }
        guard let scores = try? JSONDecoder().decode(ShadowScores.self, from: data), scores.shadow == shadow,
            scores.isIncluded.count == scores.logLikelihoods.count
        else {
            throw AuditError.unusableShadows(path: path, reason: "\(file(shadow)) is damaged; remove it")
        }
        return scores
    }

    /// Keeps what a shadow says.
    ///
    /// - Throws: `AtomicFileError`.
    public func save(_ scores: ShadowScores) throws {
        try AtomicFile.write(try Self.encode(scores), to: file(scores.shadow), permissions: 0o600)
    }

    /// What all shadows say of `records` records.
    ///
    /// - Throws: `AuditError.unusableShadows` when a shadow is missing, or scored other records.
    public func all(records: Int) throws -> [ShadowScores] {
        let found = try (0..<settings.shadows).compactMap { try scores(of: $0) }
        guard found.count == settings.shadows else {
            throw AuditError.unusableShadows(
                path: path,
                reason: "\(settings.shadows - found.count) of \(settings.shadows) are not trained yet"
            )
        }
        let isWhole = found.allSatisfy { scores in
            scores.isIncluded.count == records && scores.population.count == found[0].population.count
                && (scores.plugged == nil) == (settings.modelIdentity == nil)
                && scores.plugged.map { plugged in
                    plugged.logLikelihoods.count == records && plugged.population.count == scores.population.count
                } ?? true
        }
        guard isWhole else {
            throw AuditError.unusableShadows(path: path, reason: "they scored another number of records")
        }
        return found
    }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }
}

extension [ShadowScores] {
    /// One entry a record, for the attacks.
    ///
    /// - Parameters:
    ///   - tunedPopulation: what the audited model says of the records that nobody trained on; nil: not asked.
    ///   - isPlugged: whether the shadows are those plugged into the full model.
    /// - Returns: nothing where they were not plugged in.
    public func evidence(tunedPopulation: [Double?]?, plugged isPlugged: Bool = false) -> [ShadowEvidence] {
        let seen = compactMap { $0.seen(plugged: isPlugged) }
        guard let first, seen.count == count else { return [] }
        var population: ShadowPopulation?
        if let tunedPopulation, tunedPopulation.count == seen[0].population.count {
            let rows = tunedPopulation.indices.compactMap { index -> (Double, [Double])? in
                let shadows = seen.compactMap { $0.population[index] }
                guard let tuned = tunedPopulation[index], shadows.count == count else { return nil }
                return (tuned, shadows)
            }
            population = ShadowPopulation(tuned: rows.map(\.0), shadows: rows.map(\.1))
        }
        return first.isIncluded.indices.map { record in
            // A record without a scored token is left out of the audit, whatever stands here.
            ShadowEvidence(
                isIncluded: map { $0.isIncluded[record] },
                logLikelihoods: seen.map { $0.logLikelihoods[record] ?? 0 },
                population: population
            )
        }
    }

    /// What an attacker pays for all of them: training, and scoring the records.
    public func operations(plugged isPlugged: Bool) -> Double {
        reduce(0) { $0 + $1.trainingOperations + ($1.seen(plugged: isPlugged)?.scoringOperations ?? 0) }
    }
}
