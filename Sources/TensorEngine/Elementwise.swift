import CKernels

/// Elementwise passes over whole tensors on all workers: what optimisers, clipping and file formats need. Sums are in
/// float64 and added in a fixed order.
public enum Elementwise {
    /// 256 KiB a tile.
    static let tile = 65536

    /// sum += other.
    public static func add(_ other: Tensor, into sum: Tensor) {
        precondition(other.count == sum.count, "cannot add \(other.shape) to \(sum.shape).")
        let target = sum.mutablePointer
        Tiling.run(sum.count, size: tile) { range in
            fsot_add_into(target + range.lowerBound, other.pointer + range.lowerBound, range.count)
        }
    }

    /// y += alpha · x.
    public static func axpy(_ alpha: Float, _ x: Tensor, into y: Tensor) {
        precondition(x.count == y.count, "cannot add \(x.shape) to \(y.shape).")
        let target = y.mutablePointer
        Tiling.run(y.count, size: tile) { range in
            fsot_axpy(target + range.lowerBound, alpha, x.pointer + range.lowerBound, range.count)
        }
    }

    /// x *= alpha.
    public static func scale(_ x: Tensor, by alpha: Float) {
        let target = x.mutablePointer
        Tiling.run(x.count, size: tile) { range in
            fsot_scale(target + range.lowerBound, target + range.lowerBound, alpha, range.count)
        }
    }

    /// The sum of all squares, in float64.
    public static func sumOfSquares(_ x: Tensor) -> Double {
        let pieces = (x.count + tile - 1) / tile
        return reduce(pieces) { piece in
            let start = piece * tile
            return fsot_sum_of_squares(x.pointer + start, min(tile, x.count - start))
        }
    }

    /// Whether any element is NaN or infinite.
    public static func hasNonFinite(_ x: Tensor) -> Bool {
        x.withUnsafeBufferPointer { hasNonFinite($0) }
    }

    /// Whether any element is NaN or infinite.
    public static func hasNonFinite(_ x: UnsafeBufferPointer<Float>) -> Bool {
        guard let base = x.baseAddress else { return false }
        return fsot_all_finite(base, x.count) == 0
    }

    /// One step of AdamW exactly as `torch.optim.AdamW` (decoupled weight decay, arXiv 1711.05101): p *= 1 − lr·wd, then
    /// p −= lr · m̂ / (√v̂ + ε) with bias-corrected moments. `step` counts from 1. `gradientScale` multiplies the gradient
    /// first (clipping).
    public static func adamW(
        parameter: Tensor,
        gradient: Tensor,
        firstMoment: Tensor,
        secondMoment: Tensor,
        step: Int,
        learningRate: Double,
        beta1: Double = 0.9,
        beta2: Double = 0.999,
        epsilon: Double = 1e-8,
        weightDecay: Double,
        gradientScale: Float = 1
    ) {
        let count = parameter.count
        precondition(
            gradient.count == count && firstMoment.count == count && secondMoment.count == count && step > 0,
            "AdamW needs a gradient and moments of the parameter's shape \(parameter.shape), and steps from 1."
        )
        let correction1 = 1 - power(beta1, step)
        let correction2 = 1 - power(beta2, step)
        let target = parameter.mutablePointer
        Tiling.run(count, size: tile) { range in
            let start = range.lowerBound
            fsot_adamw(
                target + start,
                gradient.pointer + start,
                firstMoment.pointer + start,
                secondMoment.pointer + start,
                range.count,
                Float(learningRate / correction1),
                Float(beta1),
                Float(beta2),
                Float(epsilon),
                Float(1 - learningRate * weightDecay),
                Float(1 / correction2.squareRoot()),
                gradientScale
            )
        }
    }

    /// One step of SGD as `torch.optim.SGD`: g += wd·p; v = momentum·v + g (v = g at the first step); p −= lr·v.
    /// `velocity` nil: no momentum.
    public static func sgd(
        parameter: Tensor,
        gradient: Tensor,
        velocity: Tensor?,
        isFirstStep: Bool,
        learningRate: Double,
        momentum: Double = 0,
        weightDecay: Double = 0,
        gradientScale: Float = 1
    ) {
        let count = parameter.count
        precondition(
            gradient.count == count && (velocity?.count ?? count) == count,
            "SGD needs a gradient and a velocity of the parameter's shape \(parameter.shape)."
        )
        let target = parameter.mutablePointer
        Tiling.run(count, size: tile) { range in
            let start = range.lowerBound
            fsot_sgd(
                target + start,
                gradient.pointer + start,
                velocity.map { $0.pointer + start },
                range.count,
                Float(learningRate),
                Float(momentum),
                Float(weightDecay),
                gradientScale,
                isFirstStep ? 1 : 0
            )
        }
    }

    /// Sums `body` over `0..<pieces` in order, after all workers computed their shares.
    static func reduce(_ pieces: Int, _ body: (Int) -> Double) -> Double {
        guard pieces > 1 else { return pieces == 1 ? body(0) : 0 }
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: pieces) { partial in
            Workers.run(pieces) { piece, _ in partial[piece] = body(piece) }
            return partial.reduce(0, +)
        }
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var factor = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return result
    }
}
