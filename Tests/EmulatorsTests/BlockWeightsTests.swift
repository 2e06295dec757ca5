import Emulators
import LanguageModels
import TestSupport
import Testing

@Suite struct BlockWeightsTests {
    /// Whatever the architecture, the shares make the ratio, and attention is thinned only where channels become few.
    @Test(arguments: ["llama", "qwen2", "gpt2", "opt"], [0.75, 0.5, 0.3])
    func sharesMakeTheRatio(_ name: String, _ ratio: Double) throws {
        let model = try Golden.committedModel(name)
        let weights = BlockWeights(of: model)
        let thinning = weights.thinning(to: ratio)
        let kept = thinning.attention * Double(weights.attention) + thinning.feedForward * Double(weights.feedForward)
        let whole = Double(weights.attention + weights.feedForward)
        #expect(abs(kept / whole - ratio) < 1e-3, "\(thinning)")
        let channelsAlone = (ratio * whole - Double(weights.attention)) / Double(weights.feedForward)
        #expect((thinning.attention == 1) == (channelsAlone >= 1.0 / 6))
        #expect(weights.blocks == model.blocks.count)
    }
}
