import LanguageModels
import TensorEngine

/// The blocks below the lowest trained one, and what they made of each example: nothing there ever changes, so each epoch
/// after the first starts at the lowest trained block. With only the top adapter trained that is most of the emulator.
///
/// Each example runs through the frozen blocks on its own, so that its states do not depend on what it shared a batch with:
/// whether they were kept or made again, a run has the same bits.
public final class FrozenPrefix {
    /// Frozen blocks at the input end.
    public let blocks: Int
    /// Bytes of states that are kept now.
    public private(set) var bytes = 0

    private let model: LanguageModel
    private let budget: Int
    private var states: [Key: Tensor] = [:]

    private struct Key: Hashable {
        let owner: String
        let recordIndex: Int
    }

    /// The frozen blocks of a model as it is now.
    ///
    /// - Parameters:
    ///   - budget: bytes of states to keep; examples beyond it are run again each time.
    /// - Returns: nil when the lowest block is trained, or the embedding.
    public init?(of model: LanguageModel, budget: Int = 1 << 30) {
        let lowest = model.blocks.firstIndex { block in
            let branches = block.linears.compactMap(\.lowRank).flatMap { [$0.a, $0.b] }
            return (block.parameters + branches).contains(where: \.isTrainable)
        }
        let ends = [model.tokenEmbedding] + (model.positionEmbedding.map { [$0] } ?? [])
        guard let lowest, lowest > 0, !ends.contains(where: \.isTrainable) else { return nil }
        blocks = lowest
        self.model = model
        self.budget = budget
    }

    /// The loss of a batch, computed from the lowest trained block on.
    ///
    /// - Parameter owner: whose examples these are: record numbers are unique within it.
    public func loss(_ batch: [EncodedExample], of owner: String, on tape: Tape, divisor: Float) -> Tensor {
        let tokens = TokenBatch(batch)
        let x = Tensor.concatenatingRows(batch.map { states(of: $0, owner: owner) })
        let top = model.run(blocks: blocks..<model.blocks.count, from: x, layout: tokens.layout, on: tape)
        return tape.linearCrossEntropy(
            model.normed(top, on: tape),
            head: model.headWeight,
            labels: tokens.nextLabels,
            divisor: divisor
        )
    }

    private func states(of example: EncodedExample, owner: String) -> Tensor {
        let key = Key(owner: owner, recordIndex: example.recordIndex)
        if let known = states[key] { return known }
        let tape = Tape(isRecording: false)
        let layout = SequenceLayout(lengths: [example.ids.count])
        let x = model.run(
            blocks: 0..<blocks,
            from: model.embed(example.ids, layout: layout, on: tape),
            layout: layout,
            on: tape
        )
        let size = x.count * MemoryLayout<Float>.stride
        if bytes + size <= budget {
            states[key] = x
            bytes += size
        }
        return x
    }
}
