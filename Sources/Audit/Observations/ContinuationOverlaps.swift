import Compression
import Foundation
import LanguageModels
import TensorEngine

/// How much of a record's real continuation a model writes by itself.
public struct ContinuationOverlap: Sendable, Equatable {
    /// ROUGE-N recall of the record's second half, 0 … 1.
    public var recall: Double
    /// Bytes of what the model wrote, compressed.
    public var compressedBytes: Int

    /// Keeps both.
    public init(recall: Double, compressedBytes: Int) {
        self.recall = recall
        self.compressedBytes = compressedBytes
    }
}

/// Lets a model continue records from their middle, and compares with what the records say. N-grams are of tokens; the published
/// attack takes words.
public struct ContinuationOverlaps: Sendable {
    private let settings: AttackSuite.Continuations
    private let seed: UInt64
    private let stopIDs: Set<Int32>
    private let decode: @Sendable ([Int32]) -> String

    /// - Parameters:
    ///   - seed: decides what is drawn.
    ///   - stopIDs: tokens that end a text.
    ///   - decode: writes tokens as text, which is compressed.
    public init(
        _ settings: AttackSuite.Continuations,
        seed: UInt64,
        stopIDs: Set<Int32>,
        decode: @escaping @Sendable ([Int32]) -> String
    ) {
        self.settings = settings
        var generator = SeededGenerator(seed: seed).derive("continuations")
        self.seed = generator.next()
        self.stopIDs = stopIDs
        self.decode = decode
    }

    /// What stands before the middle of a record's scored tokens, prompt included, and what from there on; nil for a record
    /// without scored tokens.
    public static func halves(of sequence: ScoredSequence) -> (prefix: [Int32], rest: [Int32])? {
        let scored = sequence.ids.indices.dropFirst().filter { sequence.carriesLoss[$0] }
        guard let last = scored.last else { return nil }
        let middle = scored[scored.count / 2]
        return (Array(sequence.ids[..<middle]), Array(sequence.ids[middle...last]))
    }

    /// The overlaps of each record's continuations, none for a record without scored tokens.
    ///
    /// - Parameter progress: told how many continuations are finished; returning false ends the drawing.
    /// - Returns: `[records][samples]`.
    /// - Throws: `LanguageModelError`; `CancellationError` when `progress` ended it.
    public func measure(
        _ sequences: [ScoredSequence],
        by model: LanguageModel,
        progress: (Int) -> Bool = { _ in true }
    ) throws -> [[ContinuationOverlap]] {
        let halves = sequences.map { Self.halves(of: $0) }
        let possible = halves.compactMap { $0 }
        let request = SampledContinuations(
            prompts: possible.map(\.prefix),
            lengths: possible.map(\.rest.count),
            samples: settings.samples,
            stopIDs: stopIDs,
            sampling: Sampling(temperature: settings.temperature, topK: settings.topK, seed: seed)
        )
        guard let drawn = try model.sampleContinuations(request, progress: progress) else { throw CancellationError() }
        var next = drawn.makeIterator()
        return halves.map { halves in
            guard let halves, let texts = next.next() else { return [] }
            let wanted = halves.rest.filter { !stopIDs.contains($0) }
            return texts.map { text in
                ContinuationOverlap(
                    recall: SequenceOverlap.recall(settings.ngram, of: wanted, in: text),
                    compressedBytes: Zlib.compressedLength(of: decode(text).utf8)
                )
            }
        }
    }
}
