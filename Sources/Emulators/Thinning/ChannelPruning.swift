import LanguageModels
import TensorEngine

/// Feed-forward channel pruning: which channels of a block stay, and the weights that are left.
enum ChannelPruning {
    /// The channels that stay, ascending: those of the greatest activation norm × ‖column of the output layer‖.
    ///
    /// - Parameter moment: Σ w a aᵀ over text; nil: every activation norm counts as one and the input layers' rows are
    ///   taken into the norm instead (FedPFT's saliency, arXiv 2404.11536).
    static func channels(_ count: Int, of block: any DecoderBlock, moment: SecondMoment?) -> [Int] {
        let size = block.feedForwardOutput.inputSize
        var scores = squaredNorms(ofInputs: block.feedForwardOutput)
        if let moment {
            for j in 0..<size { scores[j] *= moment.values[j * size + j] }
        } else {
            for layer in block.feedForwardInputs {
                for (j, norm) in squaredNorms(ofOutputs: layer).enumerated() { scores[j] += norm }
            }
        }
        let ranked = (0..<size).sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        return ranked.prefix(count).sorted()
    }

    /// The feed-forward's weights with only these channels, by name within the block.
    ///
    /// With `moment` and `refits`, the output layer minimises Σ w ‖W a − W′ a_S‖² + λ‖W′ − W_S‖², λ a hundredth of the mean
    /// energy of a channel: what the lost channels said is taken over, as far as the others can say it.
    static func weights(
        of block: any DecoderBlock,
        keeping channels: [Int],
        moment: SecondMoment?,
        refits: Bool,
        localName: (Linear) -> String
    ) -> [String: Tensor] {
        var values: [String: Tensor] = [:]
        for layer in block.feedForwardInputs {
            let isRows = layer.layout == .outputByInput
            values[localName(layer) + ".weight"] =
                isRows ? rows(channels, of: layer.weight.value) : columns(channels, of: layer.weight.value)
            if let bias = layer.bias { values[localName(layer) + ".bias"] = columns(channels, of: bias.value) }
        }
        let output = block.feedForwardOutput
        let isColumns = output.layout == .outputByInput
        var kept = isColumns ? columns(channels, of: output.weight.value) : rows(channels, of: output.weight.value)
        if refits, let moment, channels.count < output.inputSize,
            let fitted = refit(output, keeping: channels, kept: kept, moment: moment)
        {
            kept = fitted
        }
        values[localName(output) + ".weight"] = kept
        return values
    }

    private static func refit(_ layer: Linear, keeping channels: [Int], kept: Tensor, moment: SecondMoment) -> Tensor? {
        let (size, out, count) = (layer.inputSize, layer.outputSize, channels.count)
        let isColumns = layer.layout == .outputByInput
        let weight =
            isColumns ? layer.weight.value.values : layer.weight.value.values.transposed(rows: size, columns: out)
        let start = isColumns ? kept.values : kept.values.transposed(rows: count, columns: out)
        let energy = (0..<size).reduce(0.0) { $0 + moment.values[$1 * size + $1] } / Double(size)
        let ridge = max(energy * 1e-2, 1e-30)
        var cross = [Double](repeating: 0, count: size * count)
        var gram = [Double](repeating: 0, count: count * count)
        for i in 0..<size {
            for (k, channel) in channels.enumerated() { cross[i * count + k] = moment.values[i * size + channel] }
        }
        for (k, channel) in channels.enumerated() {
            for l in 0..<count { gram[k * count + l] = cross[channel * count + l] }
            gram[k * count + k] += ridge
        }
        var sides = LinearAlgebra.product(weight.map(Double.init), cross, rows: out, inner: size, columns: count)
        for i in sides.indices { sides[i] += ridge * Double(start[i]) }
        guard let solved = LinearAlgebra.solve(symmetric: gram, size: count, rightSides: sides) else { return nil }
        let fitted = solved.map(Float.init)
        guard fitted.allSatisfy(\.isFinite) else { return nil }
        return Tensor(
            shape: kept.shape,
            values: isColumns ? fitted : fitted.transposed(rows: out, columns: count)
        )
    }

    private static func squaredNorms(ofInputs layer: Linear) -> [Double] {
        layer.layout == .outputByInput ? columnNorms(layer.weight.value) : rowNorms(layer.weight.value)
    }

    private static func squaredNorms(ofOutputs layer: Linear) -> [Double] {
        layer.layout == .outputByInput ? rowNorms(layer.weight.value) : columnNorms(layer.weight.value)
    }

    private static func rowNorms(_ matrix: Tensor) -> [Double] { TokenEnergy.of(matrix) }

    private static func columnNorms(_ matrix: Tensor) -> [Double] {
        let n = matrix.columns
        var sums = [Double](repeating: 0, count: n)
        matrix.withUnsafeBufferPointer { values in
            for (i, value) in values.enumerated() { sums[i % n] += Double(value) * Double(value) }
        }
        return sums
    }

    private static func rows(_ indices: [Int], of matrix: Tensor) -> Tensor {
        let n = matrix.columns
        return matrix.withUnsafeBufferPointer { values in
            Tensor(shape: [indices.count, n], values: indices.flatMap { values[$0 * n..<($0 + 1) * n] })
        }
    }

    /// Columns of a matrix, or elements of a vector.
    private static func columns(_ indices: [Int], of tensor: Tensor) -> Tensor {
        let n = tensor.columns
        return tensor.withUnsafeBufferPointer { values in
            var picked: [Float] = []
            picked.reserveCapacity(tensor.rows * indices.count)
            for row in 0..<tensor.rows { for j in indices { picked.append(values[row * n + j]) } }
            return Tensor(shape: tensor.shape.dropLast() + [indices.count], values: picked)
        }
    }
}
