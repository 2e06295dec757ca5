import CKernels

extension Tape {
    /// SwiGLU (arXiv 2002.05202): y = silu(gate) · up, silu(g) = g · σ(g).
    ///
    /// Backward: dup += dy · silu(g); dgate += dy · up · (σ(g) + silu(g) · (1 − σ(g))). Saved: gate and up; y is computed
    /// again from them for whoever needs it. All shapes are equal.
    public func swiglu(gate: Tensor, up: Tensor) -> Tensor {
        precondition(gate.shape == up.shape, "gate \(gate.shape) and up \(up.shape) differ in shape.")
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
