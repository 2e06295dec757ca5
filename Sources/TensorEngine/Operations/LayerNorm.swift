import CKernels

extension Tape {
    /// Layer normalisation (arXiv 1607.06450): y = w · x̂ + b, x̂ = (x − mean) · r, r = 1 / √(variance + ε) for each row, with
    /// the variance divided by n.
    ///
    /// Backward, with g = w·dy: dx += r · (g − mean(g) − x̂ · mean(g·x̂)); dw += Σ_rows dy · x̂; db += Σ_rows dy. Saved: x, mean
    /// and r; y is computed again from them for whoever needs it. x is `[rows, n]`, `weight` and `bias` `[n]`.
    public func layerNorm(_ x: Tensor, weight: Parameter, bias: Parameter, epsilon: Float) -> Tensor {
        let rows = x.rows
        let n = x.columns
        precondition(
            weight.value.count == n && bias.value.count == n,
            "\(weight.name) \(weight.value.shape) and \(bias.name) \(bias.value.shape) do not fit rows of \(n)."
        )
        let y = output(x.shape, requiresGradientIf: x.requiresGradient || weight.isTrainable || bias.isTrainable)
        let mean = Tensor(uninitialized: [rows])
        let r = Tensor(uninitialized: [rows])
        Tiling.run(rows, size: 64) { range in
            let start = range.lowerBound * n
            fsot_layernorm(
                x.pointer + start,
                weight.value.pointer,
                bias.value.pointer,
                y.pointer + start,
                mean.pointer + range.lowerBound,
                r.pointer + range.lowerBound,
                range.count,
                n,
                epsilon
            )
        }
        guard y.requiresGradient else { return y }
        let input = x.saved
        let slot = x.slot
        let examples = self.examples
        for parameter in [weight, bias] { examples?.announce(parameter, rows: rows) }
        y.recipe = SavedTensor {
            let x = input.value
            let y = Tensor(uninitialized: x.shape)
            Tiling.run(rows, size: 64) { range in
                let start = range.lowerBound * n
                fsot_layernorm_apply(
                    x.pointer + start,
                    weight.value.pointer,
                    bias.value.pointer,
                    mean.pointer + range.lowerBound,
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
            if bias.isTrainable { ColumnSums.add(dy, to: bias, of: examples) }
            if weight.isTrainable {
                ColumnSums.add(rows: rows, columns: n, to: weight, of: examples) { partial, range in
                    let start = range.lowerBound * n
                    fsot_layernorm_weight_gradient(
                        partial,
                        dy.pointer + start,
                        x.pointer + start,
                        mean.pointer + range.lowerBound,
                        r.pointer + range.lowerBound,
                        range.count,
                        n
                    )
                }
            }
            guard let (dx, accumulates) = slot?.destination() else { return }
            Tiling.run(rows, size: 64) { range in
                let start = range.lowerBound * n
                fsot_layernorm_backward(
                    dy.pointer + start,
                    x.pointer + start,
                    weight.value.pointer,
                    mean.pointer + range.lowerBound,
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
