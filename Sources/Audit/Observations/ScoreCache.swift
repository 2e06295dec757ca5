import AtomicFiles
import Cryptography
import Foundation

/// What untuned models say about the records of a plan, kept on disk: runs that share an emulator, and all runs of one full
/// model, share these, and a sweep would compute them once a cell.
///
/// The files tell about private records, one number a token: they stay with the auditor, readable by their owner only.
public struct ScoreCache: Sendable {
    private let directory: String

    /// Keeps scores in a directory, which is made when there is something to keep.
    public init(directory: String) { self.directory = directory }

    private struct Content: Codable {
        var key: String
        var counts: [Int]
        var loweredCounts: [Int]?
        var logProbabilities: [Double]
        var means: [Double]
        var deviations: [Double]
        var areArgmax: [Bool]
    }

    /// The scores that are there under the same model and records, or else those that `compute` gives.
    ///
    /// - Parameters:
    ///   - model: what identifies the model and how it computes; another string, another entry.
    ///   - collector: the records, as tokens.
    ///   - compute: asked when there is no entry, or a damaged one.
    /// - Throws: `AtomicFileError` when the entry cannot be written; what `compute` throws.
    public func scores(
        of model: String,
        on collector: ObservationCollector,
        compute: () throws -> ObservationCollector.ModelScores
    ) throws -> ObservationCollector.ModelScores {
        let key = Self.key(model, collector)
        let path = "\(directory)/\(key.prefix(32)).json"
        if let data = FileManager.default.contents(atPath: path),
            let content = try? JSONDecoder().decode(Content.self, from: data), content.key == key,
            let scores = Self.scores(content)
        {
            return scores
        }
        let scores = try compute()
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let tokens: [TokenObservation] = scores.plain.flatMap { $0 } + (scores.lowered ?? []).flatMap { $0 }
        let content = Content(
            key: key,
            counts: scores.plain.map(\.count),
            loweredCounts: scores.lowered?.map(\.count),
            logProbabilities: tokens.map(\.logProbability),
            means: tokens.map(\.mean),
            deviations: tokens.map(\.deviation),
            areArgmax: tokens.map(\.isArgmax)
        )
        try AtomicFile.write(JSONEncoder().encode(content), to: path, permissions: 0o600)
        return scores
    }

    private static func scores(_ content: Content) -> ObservationCollector.ModelScores? {
        let total = (content.counts + (content.loweredCounts ?? [])).reduce(0, +)
        let lengths = [
            content.logProbabilities.count, content.means.count, content.deviations.count, content.areArgmax.count,
        ]
        guard lengths.allSatisfy({ $0 == total }) else { return nil }
        var next = 0
        func lists(_ counts: [Int]) -> [[TokenObservation]] {
            counts.map { count in
                defer { next += count }
                return (next..<next + count).map { index in
                    TokenObservation(
                        logProbability: content.logProbabilities[index],
                        mean: content.means[index],
                        deviation: content.deviations[index],
                        isArgmax: content.areArgmax[index]
                    )
                }
            }
        }
        let plain = lists(content.counts)
        return ObservationCollector.ModelScores(plain: plain, lowered: content.loweredCounts.map(lists))
    }

    private static func key(_ model: String, _ collector: ObservationCollector) -> String {
        let hasher = SHA256()
        hasher.update(Array(model.utf8) + [0])
        for list in [collector.sequences, collector.lowered ?? []] {
            hasher.update(Array("\(list.count):".utf8))
            for sequence in list {
                hasher.update(Array("\(sequence.ids.count):".utf8))
                hasher.update(sequence.ids.flatMap { id in withUnsafeBytes(of: id.littleEndian) { [UInt8]($0) } })
                hasher.update(sequence.carriesLoss.map { $0 ? 1 : 0 })
            }
        }
        return hasher.finalize().hexadecimal
    }
}
