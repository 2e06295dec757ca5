import Cryptography
import TensorEngine
import Training

/// Records of a task that the owner has: what the adapter is tuned on, and what its five models are measured on.
public struct ProbeTask: Sendable {
    /// Records to tune on.
    public let training: [EncodedExample]
    /// Records to measure on; none of them is among ``training``.
    public let heldOut: [EncodedExample]
    /// Where the training records came from.
    public let source: ExampleSource
    /// Where the held-out ones came from, for the report.
    public let heldOutPath: String

    /// Of a single file every 5th record is held out.
    public static let heldOutEvery = 5

    /// Draws and encodes records.
    ///
    /// The same records come out for every emulator: the draw depends on the files and the limit alone.
    ///
    /// - Parameters:
    ///   - training: records to tune on.
    ///   - heldOut: records to measure on; nil: every 5th of `training`.
    ///   - encoder: labels the answers only.
    ///   - limit: of each kind.
    /// - Throws: `TrainingError.nothingToLearn`, `.cannotEncode`.
    public init(training: RecordFile, heldOut: RecordFile?, encoder: RecordEncoder, limit: Int) throws {
        let every = Self.heldOutEvery
        let all = training.records.indices
        let own = heldOut == nil ? all.filter { $0 % every != every - 1 } : Array(all)
        let test = heldOut?.records ?? training.records
        let candidates = heldOut == nil ? all.filter { $0 % every == every - 1 } : Array(test.indices)
        self.training = try Self.draw(own, of: training.records, encoder: encoder, limit: limit)
        self.heldOut = try Self.draw(candidates, of: test, encoder: encoder, limit: limit)
        source = ExampleSource(training)
        heldOutPath = heldOut?.path ?? training.path
        for (examples, path) in [(self.training, training.path), (self.heldOut, heldOutPath)] where examples.isEmpty {
            throw TrainingError.nothingToLearn(path: path, maximumLength: encoder.maximumLength)
        }
    }

    /// A task of examples that are encoded already.
    public init(training: [EncodedExample], heldOut: [EncodedExample], path: String = "") {
        self.training = training
        self.heldOut = heldOut
        source = ExampleSource(path: path)
        heldOutPath = path
    }

    /// Files are often sorted by topic, so the records are drawn from all of them; records whose answer was cut off do not count.
    private static func draw(
        _ indices: [Int],
        of records: [Record],
        encoder: RecordEncoder,
        limit: Int
    ) throws -> [EncodedExample] {
        var generator = SeededGenerator(seed: 0).derive("probe-records")
        var examples: [EncodedExample] = []
        for index in indices.shuffled(using: &generator) where examples.count < limit {
            let example = try encoder.encode(records[index], index: index)
            if example.labelledTokenCount > 0 { examples.append(example) }
        }
        return examples.sorted { $0.recordIndex < $1.recordIndex }
    }

    var digests: [String: String] {
        ["training": SHA256.hexadecimal(of: training), "heldOut": SHA256.hexadecimal(of: heldOut)]
    }
}
