import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing
import Training

@Suite struct FrozenPrefixTests {
    private static func examples(_ model: LanguageModel) -> [EncodedExample] {
        var generator = SeededGenerator(seed: 2)
        let vocabulary = UInt64(model.configuration.vocabularySize)
        return [9, 30, 17, 4].enumerated().map { index, length in
            let ids = (0..<length).map { _ in Int32(generator.next() % vocabulary) }
            return EncodedExample(ids: ids, labels: ids, recordIndex: index)
        }
    }

    /// Trains the last block for three epochs and gives losses and weights, bit by bit.
    private func bits(_ name: String, budget: Int?) throws -> [UInt64] {
        let model = try Golden.committedModel(name)
        let adapter = try WholeBlocks([model.blocks.count - 1], of: model)
        let prefix = try budget.map { try #require(FrozenPrefix(of: model, budget: $0)) }
        let trainer = try Trainer(
            model: model,
            parameters: adapter.parameters,
            examples: Self.examples(model),
            configuration: TrainerConfiguration(
                batchSize: 2,
                schedule: LearningRateSchedule(.constant, peak: 1e-3)
            ),
            prefix: prefix.map { (states: $0, owner: "a") }
        )
        let report = try trainer.fit(epochs: 3)
        if let prefix, let budget {
            #expect(prefix.blocks == model.blocks.count - 1)
            #expect(prefix.bytes <= budget && (budget == 0) == (prefix.bytes == 0))
        }
        return report.losses.map(\.bitPattern)
            + adapter.parameters.flatMap { $0.value.values.map { UInt64($0.bitPattern) } }
    }

    @Test(arguments: ["llama", "qwen2", "gpt2", "opt"])
    func keptStatesChangeNothing(_ name: String) throws {
        let kept = try bits(name, budget: 1 << 30)
        #expect(try bits(name, budget: 0) == kept)
        // One example fits, the others do not.
        #expect(try bits(name, budget: 9 * 64 * 4 * 2) == kept)
        let plain = try bits(name, budget: nil)
        for (one, other) in zip(kept, plain).prefix(6) {
            #expect(abs(Double(bitPattern: one) - Double(bitPattern: other)) < 1e-4)
        }
    }

    @Test func nothingIsFrozenBelowTheFirstBlock() throws {
        let model = try Golden.committedModel("llama")
        let adapter = try WholeBlocks([0], of: model)
        #expect(!adapter.parameters.isEmpty && FrozenPrefix(of: model) == nil)
    }
}
