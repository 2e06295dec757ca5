extension Tape {
    /// The columns `range` of x `[rows, n]`, as `[rows, range.count]`: takes a fused projection (GPT-2's `c_attn`) apart.
    ///
    /// Backward: dx[:, range] += dy; the other columns get nothing.
    public func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let n = x.columns
        precondition(
            range.lowerBound >= 0 && range.upperBound <= n && !range.isEmpty,
            "the columns \(range) lie outside rows of \(n)."
        )
        let width = range.count
        let y = output([x.rows, width], requiresGradientIf: x.requiresGradient)
        Tiling.run(x.rows, size: 256) { rows in
            for row in rows {
                (y.pointer + row * width).update(from: x.pointer + row * n + range.lowerBound, count: width)
            }
        }
        if let slot = x.slot, y.requiresGradient {
            record(y) { dy in
                let (dx, accumulates) = slot.destination()
                let incoming = dy
                Tiling.run(incoming.rows, size: 256) { rows in
                    for row in rows {
                        let target = dx.pointer + row * n
                        if !accumulates { target.update(repeating: 0, count: n) }
                        let source = incoming.pointer + row * width
                        for column in 0..<width { target[range.lowerBound + column] += source[column] }
                    }
                }
            }
        }
        return y
    }
}
