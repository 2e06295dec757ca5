import TensorEngine

/// The largest absolute difference of two lists of equal length; infinity when the lengths differ or a value is NaN.
public func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { largest, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(largest, difference)
    }
}

/// ‖a − b‖ / ‖b‖, both in float64.
public func relativeError(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count else { return .infinity }
    var difference = 0.0
    for (x, y) in zip(a, b) { difference += (Double(x) - Double(y)) * (Double(x) - Double(y)) }
    return difference.squareRoot() / max(norm(b), 1e-300)
}

/// The Euclidean norm in float64.
public func norm(_ a: [Float]) -> Double { a.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }

/// The cosine of the angle between two vectors.
public func cosine(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / (norm(a) * norm(b))
}

/// torch.optim.AdamW written down from its documentation, apart from the product's: β = (0.9, 0.999), ε = 1e-8,
/// decoupled decay 0.01.
public final class ReferenceAdamW {
    private let parameters: [Parameter]
    private let rate: Float
    private var step = 0
    private var first: [[Float]]
    private var second: [[Float]]

    /// An optimizer of trainable parameters with a constant learning rate.
    public init(_ parameters: [Parameter], rate: Double) {
        self.parameters = parameters
        self.rate = Float(rate)
        first = parameters.map { [Float](repeating: 0, count: $0.value.count) }
        second = first
    }

    /// One step with the gradients that are there, which are then zero.
    public func update() {
        step += 1
        var (c1, c2): (Float, Float) = (1, 1)
        for _ in 0..<step { (c1, c2) = (c1 * 0.9, c2 * 0.999) }
        for (k, parameter) in parameters.enumerated() {
            guard let gradient = parameter.gradient else { continue }
            gradient.withUnsafeBufferPointer { g in
                parameter.value.withUnsafeMutableBufferPointer { p in
                    for i in g.indices {
                        first[k][i] = 0.9 * first[k][i] + 0.1 * g[i]
                        second[k][i] = 0.999 * second[k][i] + 0.001 * g[i] * g[i]
                        let root = (second[k][i] / (1 - c2)).squareRoot() + 1e-8
                        p[i] = p[i] * (1 - rate * 0.01) - rate * (first[k][i] / (1 - c1)) / root
                    }
                }
            }
            parameter.zeroGradient()
        }
    }
}
