import CKernels

extension Tape {
    /// SwiGLU (arXiv 2002.05202): y = silu(gate) · up, silu(g) = g · σ(g).
    ///
    /// Backward: dup += dy · silu(g); dgate += dy · up · (σ(g) + silu(g) · (1 − σ(g))). Saved: gate and up; y is computed
    /// again from them for whoever needs it. All shapes are equal.
    ///
    /// With `precision` bfloat16 the result and the two inner gradients exist rounded only, and so do the saved inputs.
    public func swiglu(gate: Tensor, up: Tensor, precision: ComputePrecision = .float32) -> Tensor {
        precondition(gate.shape == up.shape, "gate \(gate.shape) and up \(up.shape) differ in shape.")
        if precision == .bfloat16, gate.columns % 2 == 0 { return bfloat16Swiglu(gate: gate, up: up) }
        let shape = gate.shape
        let y = output(shape, requiresGradientIf: gate.requiresGradient || up.requiresGradient)
        Tiling.run(y.count, size: 16384) { range in
            let start = range.lowerBound
            fsot_swiglu(gate.pointer + start, up.pointer + start, y.pointer + start, range.count)
        }
        guard y.requiresGradient else { return y }
        let saved = (gate: gate.saved, up: up.saved)
        let slots = (gate: gate.slot, up: up.slot)
        y.recipe = SavedTensor {
            let (gate, up) = (saved.gate.value, saved.up.value)
            let y = Tensor(uninitialized: shape)
            Tiling.run(y.count, size: 16384) { range in
                let start = range.lowerBound
                fsot_swiglu(gate.pointer + start, up.pointer + start, y.pointer + start, range.count)
            }
            return y
        }
        record(y) { dy in
            let (gate, up) = (saved.gate.value, saved.up.value)
            let dgate = Backward.target(reusing: &dy)
            let dup = Tensor(uninitialized: shape)
            Tiling.run(dy.count, size: 16384) { range in
                let start = range.lowerBound
                fsot_swiglu_backward(
                    dy.pointer + start,
                    gate.pointer + start,
                    up.pointer + start,
                    dgate.pointer + start,
                    dup.pointer + start,
                    range.count
                )
            }
            slots.gate?.add(dgate)
            slots.up?.add(dup)
        }
        return y
    }
}

extension Tape {
    private func bfloat16Swiglu(gate: Tensor, up: Tensor) -> Tensor {
        let (rows, columns, shape) = (gate.rows, gate.columns, gate.shape)
        let isRequired = isRecording && (gate.requiresGradient || up.requiresGradient)
        func matrix() -> BFloat16Matrix { BFloat16Matrix(uninitialized: rows, columns) }
        let half = matrix()
        let saved = isRequired ? (gate: matrix(), up: matrix()) : nil
        let inputs = (gate: gate.pointer, up: up.pointer)
        Tiling.run(gate.count, size: 16384) { range in
            let start = range.lowerBound
            fsot_bf16_swiglu(
                inputs.gate + start,
                inputs.up + start,
                half.numbers + start,
                saved.map { $0.gate.numbers + start },
                saved.map { $0.up.numbers + start },
                range.count
            )
        }
        let y = Tensor(half, shape: shape, requiresGradient: isRequired)
        guard let saved else { return y }
        let slots = (gate: gate.slot, up: up.slot)
        y.recipe = SavedTensor {
            let again = matrix()
            Tiling.run(rows * columns, size: 16384) { range in
                let start = range.lowerBound
                fsot_bf16_swiglu_apply(
                    saved.gate.numbers + start,
                    saved.up.numbers + start,
                    again.numbers + start,
                    range.count
                )
            }
            return Tensor(again, shape: shape)
        }
        record(y) { dy in
            let (dgate, dup) = (matrix(), matrix())
            let gradient = dy.pointer
            Tiling.run(rows * columns, size: 16384) { range in
                let start = range.lowerBound
                fsot_bf16_swiglu_backward(
                    gradient + start,
                    saved.gate.numbers + start,
                    saved.up.numbers + start,
                    dgate.numbers + start,
                    dup.numbers + start,
                    range.count
                )
            }
            slots.gate?.add(Tensor(dgate, shape: shape))
            slots.up?.add(Tensor(dup, shape: shape))
        }
        return y
    }
}
