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
    /// `[width, directions]`.
    private let basis: [Double]
    private let width: Int
    /// Directions that stand out of float32's rounding: at most as many tokens went in.
    let rank: Int
    /// Whether the directions fill the space, so that lying in it says nothing by itself.
    let isSaturated: Bool

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
        rank = squares.count { $0 > floor }
        isSaturated = Double(rank) >= Self.saturation * Double(width)
        let ridge = isSaturated ? squares[squares.count / 2] : floor
        weights = squares.map { $0 / ($0 + max(ridge, 1e-300)) }
        let directions = squares.count
        var basis = [Double](repeating: 0, count: width * directions)
        for i in 0..<directions { for j in 0..<width { basis[j * directions + i] = right[i * width + j] } }
        self.basis = basis
        self.width = width
    }

    /// The share of each input's energy that lies in the span, 0 … 1.
    ///
    /// - Parameter inputs: `[tokens, width]`.
    func shares(of inputs: Tensor) -> [Double] { shares(of: inputs.values) }

    /// The same for `[tokens, width]` numbers, row by row.
    func shares(of inputs: [Float]) -> [Double] {
        let x = inputs.map(Double.init)
        let directions = weights.count
        let rows = x.count / width
        // [tokens, directions] = X V.
        let projected = LinearAlgebra.product(x, basis, rows: rows, inner: width, columns: directions)
        return (0..<rows).map { token in
            var energy = 0.0
            for j in 0..<width { energy += x[token * width + j] * x[token * width + j] }
            var inside = 0.0
            for i in 0..<directions {
                let value = projected[token * directions + i]
                inside += weights[i] * value * value
            }
            return energy > 0 ? min(1, inside / energy) : 0
        }
    }

    /// The mean over tokens of ``shares(of:)``.
    func share(of inputs: Tensor) -> Double {
        shares(of: inputs).reduce(0, +) / Double(max(inputs.rows, 1))
    }
}
