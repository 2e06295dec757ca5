import CKernels

extension Tape {
    /// GELU in its tanh form (arXiv 1606.08415; Hugging Face `gelu_new`):
    /// y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))). Backward reads x only; any shape.
    public func gelu(_ x: Tensor) -> Tensor {
        activation(x, forward: fsot_gelu, backward: fsot_gelu_backward)
    }

    /// y = max(x, 0). Backward: dx += dy where x > 0; any shape.
    public func relu(_ x: Tensor) -> Tensor {
        activation(x, forward: fsot_relu, backward: fsot_relu_backward)
    }

    private func activation(
        _ x: Tensor,
        forward: @escaping (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void,
        backward: @escaping (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    ) -> Tensor {
        let y = output(x.shape, requiresGradientIf: x.requiresGradient)
        Tiling.run(x.count, size: 16384) { range in
            forward(x.pointer + range.lowerBound, y.pointer + range.lowerBound, range.count)
        }
        guard let slot = x.slot, y.requiresGradient else { return y }
        let input = x.saved
        y.recipe = SavedTensor {
            let x = input.value
            let y = Tensor(uninitialized: x.shape)
            Tiling.run(x.count, size: 16384) { range in
                forward(x.pointer + range.lowerBound, y.pointer + range.lowerBound, range.count)
            }
            return y
        }
        record(y) { dy in
            let x = input.value
            let dx = Backward.target(reusing: &dy)
            Tiling.run(dy.count, size: 16384) { range in
                let start = range.lowerBound
                backward(dy.pointer + start, x.pointer + start, dx.pointer + start, range.count)
            }
            slot.add(dx)
        }
        return y
    }
}
