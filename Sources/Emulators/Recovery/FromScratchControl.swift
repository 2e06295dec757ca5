import LanguageModels
import TensorEngine

/// What the attacker's text and compute alone are worth: a model of the full model's shape that knows nothing of its middle,
/// trained exactly as the healed replica is. An attack is a leak only as far as it beats this.
public enum FromScratchControl: String, Codable, Sendable, CaseIterable {
    /// The shipped embedding, ends, norm and head around a randomly initialised middle of full depth and width. This is the
    /// control to judge by: it holds everything that every emulator ships, and nothing of the thinned middle.
    case randomMiddle = "random middle"
    /// All weights random: it does not even hold the ends.
    case randomModel = "random model"

    /// A fresh control that may be trained.
    ///
    /// - Parameters:
    ///   - full: gives the ends, which every emulator ships as they are.
    ///   - middle: blocks that were thinned.
    ///   - random: of the full model's shape; stays as it is.
    /// - Throws: `LanguageModelError`.
    func model(full: LanguageModel, middle: Range<Int>, random: LanguageModel) throws -> LanguageModel {
        let ends = self == .randomMiddle ? full : random
        return try ends.assembled(
            from: full.blocks.indices.map { BlockSource(middle.contains($0) ? random : ends, block: $0) }
        )
    }

    /// Random weights in the shape of the full model, matrices N(0, 0.02²) as Hugging Face initialises them.
    ///
    /// - Throws: `LanguageModelError`.
    static func randomModel(like full: LanguageModel, seed: UInt64) throws -> LanguageModel {
        let random = try LanguageModel.random(
            full.configuration,
            generator: SeededGenerator(seed: seed).derive("recovery-control")
        )
        random.compute(in: full.precision)
        return random
    }
}
