import CKernels

extension Tape {
    /// y = a + b, of equal shapes. Backward: da += dy, db += dy; nothing is saved.
    public func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape, "cannot add the shapes \(a.shape) and \(b.shape).")
        let y = output(a.shape, requiresGradientIf: a.requiresGradient || b.requiresGradient)
        Elementwise.sum(a, b, into: y)
        if y.requiresGradient {
            let slots = (a.slot, b.slot)
            record(y) { dy in
                slots.0?.add(dy)
                slots.1?.add(dy)
            }
        }
        return y
    }

    /// y = factor · x. Backward: dx += factor · dy.
    public func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let y = output(x.shape, requiresGradientIf: x.requiresGradient)
        Tiling.run(x.count, size: Elementwise.tile) { range in
            fsot_scale(y.pointer + range.lowerBound, x.pointer + range.lowerBound, factor, range.count)
        }
        if let slot = x.slot, y.requiresGradient {
            record(y) { dy in
                let dx = Backward.target(reusing: &dy)
                Tiling.run(dx.count, size: Elementwise.tile) { range in
                    fsot_scale(dx.pointer + range.lowerBound, dy.pointer + range.lowerBound, factor, range.count)
                }
                slot.add(dx)
            }
        }
        return y
    }
}

extension Elementwise {
    static func sum(_ a: Tensor, _ b: Tensor, into y: Tensor) {
        Tiling.run(y.count, size: tile) { range in
            let start = range.lowerBound
            fsot_add(a.pointer + start, b.pointer + start, y.pointer + start, range.count)
        }
    }
}

enum Backward {
    /// Where an elementwise backward pass writes: over the incoming gradient when nobody else holds it.
    static func target(reusing gradient: inout Tensor) -> Tensor {
        guard isKnownUniquelyReferenced(&gradient) else { return Tensor(uninitialized: gradient.shape) }
        _ = gradient.mutablePointer
        return gradient
    }
}
