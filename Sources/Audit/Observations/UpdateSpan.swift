import Foundation
import LanguageModels
import TensorEngine

/// The row space of an update of linear layers, and how much of a layer's input lies in it.
///
/// ∂L/∂W = Dᵀ X: after one step the rows of an update span what the tokens of the batch fed into the layer, exactly while
/// there are fewer tokens than inputs (DAGER, arXiv 2405.15586). Several steps, momentum rules and many tokens blur it, so
/// this is a soft measure: xᵀ V diag(s²/(s² + λ)) Vᵀ x / ‖x‖².
struct UpdateSpan {
    private let weights: [Double]
    private let right: [Double]
    private let width: Int

    /// Share of the inputs' dimensions from which on a row space says nothing by itself: then directions are weighted.
    private static let saturation = 0.9

    /// Decomposes an update.
    ///
    /// - Parameters:
    ///   - rows: of the update, each of `width` numbers, one after the other.
    ///   - width: inputs of the layers.
    ///   - magnitude: root mean square of the weights that the update was taken from, which float32 has rounded.
    /// - Returns: nil when the update is zero, or LAPACK does not converge.
    init?(rows: [Float], width: Int, magnitude: Double) {
        let count = rows.count / max(width, 1)
        guard count > 0, rows.contains(where: { $0 != 0 }),
            let (_, values, right) = LinearAlgebra.singularValues(rows.map(Double.init), rows: count, columns: width)
        else { return nil }
        // The difference of two float32 weights is off by half a unit in the last place of each.
        let noise = magnitude * pow(2, -24) * (Double(count).squareRoot() + Double(width).squareRoot())
        let squares = values.map { $0 * $0 }
        let floor = 9 * noise * noise
        let rank = squares.count { $0 > floor }
        let ridge = Double(rank) >= Self.saturation * Double(width) ? squares[squares.count / 2] : floor
        weights = squares.map { $0 / ($0 + max(ridge, 1e-300)) }
        self.right = right
        self.width = width
    }

    /// The mean over tokens of the share of each input that lies in the span.
    ///
    /// - Parameter inputs: `[tokens, width]`.
    func share(of inputs: Tensor) -> Double {
        let tokens = inputs.rows
        let x = inputs.values.map(Double.init)
        let directions = weights.count
        // [tokens, directions] = X V.
        var transposed = [Double](repeating: 0, count: width * directions)
        for i in 0..<directions { for j in 0..<width { transposed[j * directions + i] = right[i * width + j] } }
        let projected = LinearAlgebra.product(x, transposed, rows: tokens, inner: width, columns: directions)
        var sum = 0.0
        for token in 0..<tokens {
            var energy = 0.0
            for j in 0..<width { energy += x[token * width + j] * x[token * width + j] }
            var inside = 0.0
            for i in 0..<directions {
                let value = projected[token * directions + i]
                inside += weights[i] * value * value
            }
            sum += energy > 0 ? min(1, inside / energy) : 0
        }
        return sum / Double(max(tokens, 1))
    }
}
