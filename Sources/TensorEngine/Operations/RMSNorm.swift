import CKernels

extension Tape {
    /// Root mean square normalisation (arXiv 1910.07467): y = w · x · r, r = 1 / √(mean(x²) + ε) for each row.
    ///
    /// Backward: dx += r · (w·dy) − x · r³/n · Σ (w·dy·x); dw += Σ_rows dy · x · r. Saved: x and r; y is computed again from
    /// them for whoever needs it. x is `[rows, n]`, `weight` `[n]`.
    public func rmsNorm(_ x: Tensor, weight: Parameter, epsilon: Float) -> Tensor {
        let rows = x.rows
        let n = x.columns
        precondition(weight.value.count == n, "\(weight.name) \(weight.value.shape) does not fit rows of \(n).")
        let y = output(x.shape, requiresGradientIf: x.requiresGradient || weight.isTrainable)
        let r = Tensor(uninitialized: [rows])
        Tiling.run(rows, size: 64) { range in
            let start = range.lowerBound * n
            fsot_rmsnorm(
                x.pointer + start,
                weight.value.pointer,
                y.pointer + start,
                r.pointer + range.lowerBound,
                range.count,
                n,
                epsilon
            )
        }
        guard y.requiresGradient else { return y }
        let input = x.saved
        let slot = x.slot
        y.recipe = SavedTensor {
            let x = input.value
            let y = Tensor(uninitialized: x.shape)
            Tiling.run(rows, size: 64) { range in
                let start = range.lowerBound * n
                fsot_rmsnorm_apply(
                    x.pointer + start,
                    weight.value.pointer,
                    r.pointer + range.lowerBound,
                    y.pointer + start,
                    range.count,
                    n
                )
            }
            return y
        }
        record(y) { dy in
            let x = input.value
            if weight.isTrainable {
                ColumnSums.add(rows: rows, columns: n, into: weight.gradientBuffer()) { partial, range in
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
