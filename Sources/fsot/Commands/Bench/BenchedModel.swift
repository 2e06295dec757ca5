import Checkpoints
import LanguageModels

/// What benchmarks of a model have in common.
enum BenchedModel {
    /// Loads a model that has room for sequences of `length` tokens.
    ///
    /// - Throws: `CommandFailure` where it has not; what reading the files throws.
    static func load(_ path: String, length: Int) throws -> LanguageModel {
        let files = try ModelFiles(path: path)
        guard length <= files.configuration.maximumPositions else {
            throw CommandFailure(
                "--length \(length) is more than the \(files.configuration.maximumPositions) positions of \(path)."
            )
        }
        return try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
    }

    /// The middle of some times, or the mean of the two in the middle.
    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
