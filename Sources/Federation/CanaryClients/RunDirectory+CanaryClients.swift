import AtomicFiles
import Foundation

extension RunDirectory {
    private static func scoresFile(at path: String) -> String { path + "/canary-clients.json" }
    private func productsFile(_ round: Int) -> String { path + String(format: "/canaries/%04d.json", round) }

    /// Keeps a round's products; a round that is run again replaces its own.
    ///
    /// - Throws: `AtomicFileError`.
    public func save(_ products: CanaryProducts) throws {
        do {
            try FileManager.default.createDirectory(atPath: path + "/canaries", withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(operation: "create", path: path + "/canaries", reason: "\(error)")
        }
        try AtomicFile.write(try JSONEncoder().encode(products), to: productsFile(products.round))
    }

    /// Puts the rounds of a finished run together and keeps the result.
    ///
    /// - Parameters:
    ///   - canaries: the run's.
    ///   - initial: the adapter before round 1.
    ///   - latest: the adapter after the last round.
    /// - Throws: `FederationError.invalidRun` for damaged files; `AtomicFileError`.
    public func finish(_ canaries: CanaryClients, from initial: AdapterState, to latest: AdapterState) throws {
        let records = try Self.records(at: path)
        let products = try records.filter { !$0.included.isEmpty }.map { record in
            guard let data = FileManager.default.contents(atPath: productsFile(record.round)),
                let found = try? JSONDecoder().decode(CanaryProducts.self, from: data),
                found.products.count == canaries.count
            else {
                throw FederationError.invalidRun(
                    path: productsFile(record.round),
                    reason: "it is missing or damaged; tune again into a new directory"
                )
            }
            return found
        }
        let change = latest.difference(from: initial).reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        var scores = CanaryClientScores(
            canaries,
            dimension: latest.values.count,
            rounds: records.count,
            products: products,
            accepted: Set(records.filter(\.isAccepted).map(\.round)),
            change: change
        )
        scores.isSampled = try Self.description(at: path).federation.participantsPerRound != nil
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(try encoder.encode(scores), to: Self.scoresFile(at: path))
    }

    /// What a run says about its canary clients; nil for a run without.
    ///
    /// - Throws: `FederationError.invalidRun` for a damaged file.
    public static func canaryClientScores(at path: String) throws -> CanaryClientScores? {
        let canaries = try description(at: path).canaryClients
        guard let data = FileManager.default.contents(atPath: scoresFile(at: path)) else {
            guard canaries == nil else {
                throw FederationError.invalidRun(
                    path: scoresFile(at: path),
                    reason: "the run has canary clients and this file is missing; finish it with --resume"
                )
            }
            return nil
        }
        guard let scores = try? JSONDecoder().decode(CanaryClientScores.self, from: data),
            scores.canaries == canaries, scores.isIncluded == scores.canaries.isIncluded,
            [scores.isIncluded.count, scores.final.count, scores.byRound.count].allSatisfy({
                $0 == scores.canaries.count
            })
        else {
            throw FederationError.invalidRun(
                path: scoresFile(at: path),
                reason: "it is damaged, or of another run; tune again into a new directory"
            )
        }
        return scores
    }
}
