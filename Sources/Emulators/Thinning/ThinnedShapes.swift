import LanguageModels
import TensorEngine

extension LanguageModel {
    /// The shapes of an emulator's middle blocks; nil when none is thinner than the configuration says.
    func thinnedShapes(_ split: OffsiteSplit) -> [BlockShape]? {
        let middle = split.thinnedMiddle
        guard middle.contains(where: { configuration.thinnedBlocks[$0] != nil }) else { return nil }
        return middle.map { configuration.shape(ofBlock: $0) }
    }

    /// Parameters of some blocks.
    func parameterCount(of blocks: Range<Int>) -> Int {
        self.blocks[blocks].flatMap(\.parameters).reduce(0) { $0 + $1.value.count }
    }

    /// The same model with every block of its configuration's full shape: channels that were pruned come back as zeros and
    /// factors are multiplied out, so that software which knows one width for all blocks computes the same.
    ///
    /// - Throws: `LanguageModelError` only when the model's parameters contradict its shapes.
    public func padded() throws -> LanguageModel {
        let whole = BlockShape(feedForwardSize: configuration.feedForwardSize)
        let thinned = configuration.thinnedBlocks.keys
        return try replacing(
            blocks: Dictionary(
                uniqueKeysWithValues: thinned.map { index in
                    (index, BlockReplacement(shape: whole, values: paddedValues(index)))
                }
            )
        )
    }

    private func paddedValues(_ index: Int) -> [String: Tensor] {
        let block = blocks[index]
        let size = configuration.feedForwardSize
        var values: [String: Tensor] = [:]
        for layer in block.feedForwardInputs {
            let name = localName(layer, index)
            let isRows = layer.layout == .outputByInput
            values[name + ".weight"] =
                isRows ? layer.weight.value.padded(rows: size) : layer.weight.value.padded(columns: size)
            if let bias = layer.bias { values[name + ".bias"] = bias.value.padded(columns: size) }
        }
        let output = block.feedForwardOutput
        values[localName(output, index) + ".weight"] =
            output.layout == .outputByInput
            ? output.weight.value.padded(columns: size) : output.weight.value.padded(rows: size)
        for layer in block.attentionProjections {
            guard let reduction = layer.reduction else { continue }
            // E R in either layout: the factor that stands on the left in memory comes first.
            let isRows = layer.layout == .outputByInput
            let (left, right) = isRows ? (layer.weight, reduction) : (reduction, layer.weight)
            let product = LinearAlgebra.product(
                left.value.values.map(Double.init),
                right.value.values.map(Double.init),
                rows: left.value.rows,
                inner: left.value.columns,
                columns: right.value.columns
            )
            values[localName(layer, index) + ".weight"] = Tensor(
                shape: [left.value.rows, right.value.columns],
                values: product.map(Float.init)
            )
        }
        return values
    }
}

extension Tensor {
    fileprivate func padded(rows: Int) -> Tensor {
        Tensor(shape: [rows, columns], values: values + [Float](repeating: 0, count: (rows - self.rows) * columns))
    }

    /// A matrix with columns of zeros behind its own, or a vector with zeros.
    fileprivate func padded(columns: Int) -> Tensor {
        let old = values
        let zeros = [Float](repeating: 0, count: columns - self.columns)
        return Tensor(
            shape: shape.dropLast() + [columns],
            values: (0..<rows).flatMap { old[$0 * self.columns..<($0 + 1) * self.columns] + zeros }
        )
    }
}
