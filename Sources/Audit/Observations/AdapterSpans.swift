import Federation
import LanguageModels
import TensorEngine

/// The row spaces that an update of an adapter leaves in its lowest blocks.
struct AdapterSpans {
    /// Adapter layers, from the lowest on, whose row space is looked at: the first knows its tokens, the second what came
    /// before them.
    static let depth = 2

    private let tuned: TunedModel
    /// The lowest blocks with something trained, at most ``depth`` of them.
    let blocks: [Int]

    init(_ tuned: TunedModel) {
        self.tuned = tuned
        let model = tuned.model
        blocks = Array(
            model.blocks.indices.filter { block in
                Self.projections(model.blocks[block]).contains { tuned.range(of: $0.parameter) != nil }
            }.prefix(Self.depth)
        )
    }

    /// The row space of an update's layers that read a block's attention input; nil when nothing there has changed.
    func span(of update: [Float], in block: Int) -> UpdateSpan? {
        let width = tuned.model.blocks[block].attentionProjections[0].inputSize
        var rows: [Float] = []
        var (energy, count) = (0.0, 0)
        for (parameter, isInputFirst) in Self.projections(tuned.model.blocks[block]) {
            guard let range = tuned.range(of: parameter) else { continue }
            let values = Array(update[range])
            rows += isInputFirst ? Self.transposed(values, rows: width) : values
            parameter.value.withUnsafeBufferPointer { energy += dot($0, $0) }
            count += range.count
        }
        return UpdateSpan(rows: rows, width: width, magnitude: (energy / Double(max(1, count))).squareRoot())
    }

    /// What of the layers that share the attention's input is trained: whole weights, or the factors next to the input.
    private static func projections(_ block: any DecoderBlock) -> [(parameter: Parameter, isInputFirst: Bool)] {
        block.attentionProjections.dropLast().map { linear in
            linear.lowRank.map { ($0.a, false) } ?? (linear.weight, linear.layout == .inputByOutput)
        }
    }

    private static func transposed(_ values: [Float], rows: Int) -> [Float] {
        let columns = values.count / rows
        var result = [Float](repeating: 0, count: values.count)
        for row in 0..<rows {
            for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
        }
        return result
    }
}
