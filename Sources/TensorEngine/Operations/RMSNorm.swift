import CKernels

extension Tape {
    /// Root mean square normalisation (arXiv 1910.07467): y = w · x · r, r = 1 / √(mean(x²) + ε) for each row.
    ///
    /// Backward: dx += r · (w·dy) − x · r³/n · Σ (w·dy·x); dw += Σ_rows dy · x · r. Saved: x and r; y is computed again from
    /// them for whoever needs it. x is `[rows, n]`, `weight` `[n]`.
    /// With `precision` bfloat16 the result exists rounded only: for rows that go into products and nowhere else.
    public func rmsNorm(
        _ x: Tensor,
        weight: Parameter,
        epsilon: Float,
        precision: ComputePrecision = .float32
    ) -> Tensor {
        let rows = x.rows
        let n = x.columns
        precondition(weight.value.count == n, "\(weight.name) \(weight.value.shape) does not fit rows of \(n).")
        let isRequired = isRecording && (x.requiresGradient || weight.isTrainable)
        let isHalf = precision == .bfloat16 && n % 2 == 0
        let r = Tensor(uninitialized: [rows])
        let y =
            isHalf
            ? RootMeanSquare.half(x, weight, r, epsilon: epsilon, requiresGradient: isRequired)
            : RootMeanSquare.single(x, weight, r, epsilon: epsilon, requiresGradient: isRequired)
        guard y.requiresGradient else { return y }
        let input = x.saved
        let slot = x.slot
        let examples = self.examples
        examples?.announce(weight, rows: rows)
        y.recipe = SavedTensor {
            isHalf
                ? RootMeanSquare.half(input.value, weight, r, epsilon: nil, requiresGradient: false)
                : RootMeanSquare.single(input.value, weight, r, epsilon: nil, requiresGradient: false)
        }
        record(y) { dy in
            let x = input.value
            if weight.isTrainable {
                ColumnSums.add(rows: rows, columns: n, to: weight, of: examples) { partial, range in
                    let start = range.lowerBound * n
                    fsot_rmsnorm_weight_gradient(
                        partial,
                        dy.pointer + start,
                        x.pointer + start,
                        r.pointer + range.lowerBound,
                        range.count,
                        n
                    )
                }
            }
            guard let (dx, accumulates) = slot?.destination() else { return }
            Tiling.run(rows, size: 64) { range in
                let start = range.lowerBound * n
                fsot_rmsnorm_backward(
                    dy.pointer + start,
                    x.pointer + start,
                    weight.value.pointer,
                    r.pointer + range.lowerBound,
                    dx.pointer + start,
                    range.count,
                    n,
                    accumulates ? 1 : 0
                )
            }
        }
        return y
    }
}

/// The forward pass; without an epsilon again from the factors `r` that are there already.
private enum RootMeanSquare {
    static func single(
        _ x: Tensor,
        _ weight: Parameter,
        _ r: Tensor,
        epsilon: Float?,
        requiresGradient: Bool
    ) -> Tensor {
        let y = Tensor(uninitialized: x.shape, requiresGradient: requiresGradient)
        let (n, from, w, to, factors) = (x.columns, x.pointer, weight.value.pointer, y.pointer, r.pointer)
        Tiling.run(x.rows, size: 64) { range in
            let (first, start) = (range.lowerBound, range.lowerBound * n)
            if let epsilon {
                fsot_rmsnorm(from + start, w, to + start, factors + first, range.count, n, epsilon)
            } else {
                fsot_rmsnorm_apply(from + start, w, factors + first, to + start, range.count, n)
            }
        }
        return y
    }

    static func half(
        _ x: Tensor,
        _ weight: Parameter,
        _ r: Tensor,
        epsilon: Float?,
        requiresGradient: Bool
    ) -> Tensor {
        let y = BFloat16Matrix(uninitialized: x.rows, x.columns)
        let (n, from, w, to, factors) = (x.columns, x.pointer, weight.value.pointer, y.numbers, r.pointer)
        Tiling.run(x.rows, size: 64) { range in
            let (first, start) = (range.lowerBound, range.lowerBound * n)
            if let epsilon {
                fsot_bf16_rmsnorm(from + start, w, to + start, factors + first, range.count, n, epsilon)
            } else {
                fsot_bf16_rmsnorm_apply(from + start, w, factors + first, to + start, range.count, n)
            }
        }
        return Tensor(y, shape: x.shape, requiresGradient: requiresGradient)
    }
}
