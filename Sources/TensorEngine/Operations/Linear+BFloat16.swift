import CKernels

extension Tape {
    /// `linear` with all products in bfloat16: operands rounded, sums and results in float32. Of a frozen weight the packed
    /// panels are kept, one set for each direction; of a trained one they are made for one use, since a step changes it.
    func bfloat16Linear(
        _ x: Tensor,
        weight: Parameter,
        bias: Parameter?,
        layout: WeightLayout,
        lowRank: LowRankBranch?,
        shape: LinearShape
    ) -> Tensor {
        let trains = weight.isTrainable || (bias?.isTrainable ?? false) || (lowRank?.isTrainable ?? false)
        let y = output([shape.rows, shape.output], requiresGradientIf: x.requiresGradient || trains)
        if let bias { Tiling.fillRows(of: y, with: bias.value) }
        let operand = x.bfloat16.operand
        BFloat16Products.multiply(
            operand,
            weight.panels(inner: layout == .outputByInput ? .columns : .rows),
            into: y.pointer,
            accumulates: bias != nil
        )
        let branch = lowRank.map { BFloat16Branch($0, x: operand, into: y) }
        guard y.requiresGradient else { return y }
        let slot = x.slot
        let examples = announce(weight, bias, lowRank, rows: shape.rows)
        let input = weight.isTrainable || (lowRank?.a.isTrainable ?? false) ? x.saved : nil
        record(y) { dy in
            if let bias, bias.isTrainable { ColumnSums.add(dy, to: bias, of: examples) }
            let needsPairs = weight.isTrainable || (branch?.trainsB ?? false)
            let pairs = needsPairs && examples == nil ? BFloat16Pairs(dy) : nil
            if weight.isTrainable, let input, let examples {
                examples.add(
                    weight,
                    input: .half(input.value.bfloat16),
                    gradient: .half(dy.bfloat16),
                    layout: layout
                )
            }
            if weight.isTrainable, let input, let pairs {
                let target = weight.gradientBuffer().pointer
                switch layout {
                case .outputByInput:
                    BFloat16Products.multiply(
                        pairs.operand,
                        input.value.panels(inner: .rows),
                        into: target,
                        accumulates: true
                    )
                case .inputByOutput:
                    BFloat16Products.multiply(
                        BFloat16Pairs(input.value).operand,
                        BFloat16Panels(dy, inner: .rows),
                        into: target,
                        accumulates: true
                    )
                }
            }
            let dx = slot?.destination()
            guard dx != nil || branch != nil else { return }
            let gradient = dy.bfloat16.operand
            if let dx {
                BFloat16Products.multiply(
                    gradient,
                    weight.panels(inner: layout == .outputByInput ? .rows : .columns),
                    into: dx.tensor.pointer,
                    accumulates: dx.accumulates
                )
            }
            if let branch, let examples { branch.report(to: examples, dy: dy.bfloat16) }
            branch?.addGradients(dy: gradient, dyPairs: pairs, x: input, dx: dx?.tensor, of: examples)
        }
        return y
    }
}

/// The low-rank branch of one call: h = x Aᵀ, y += s · h Bᵀ, and its gradients.
private struct BFloat16Branch {
    private let branch: LowRankBranch
    private let h: Tensor

    var trainsB: Bool { branch.b.isTrainable }

    init(_ branch: LowRankBranch, x: BFloat16Operand, into y: Tensor) {
        self.branch = branch
        h = Tensor(uninitialized: [x.rows, branch.rank])
        BFloat16Products.multiply(x, branch.a.panels(inner: .columns), into: h.pointer, accumulates: false)
        BFloat16Products.multiply(
            h.bfloat16.operand,
            branch.b.panels(inner: .columns),
            alpha: branch.scale,
            into: y.pointer,
            accumulates: true
        )
    }

    /// The gradient of B, by example; that of A is known once dh is.
    func report(to examples: PerExampleGradients, dy: BFloat16Matrix) {
        guard branch.b.isTrainable else { return }
        examples.add(branch.b, input: .half(h.bfloat16), gradient: .half(dy), factor: branch.scale)
    }

    func addGradients(
        dy: BFloat16Operand,
        dyPairs: BFloat16Pairs?,
        x: SavedTensor?,
        dx: Tensor?,
        of examples: PerExampleGradients?
    ) {
        if branch.b.isTrainable, let dyPairs {
            BFloat16Products.multiply(
                dyPairs.operand,
                h.panels(inner: .rows),
                alpha: branch.scale,
                into: branch.b.gradientBuffer().pointer,
                accumulates: true
            )
        }
        guard branch.a.isTrainable || dx != nil else { return }
        let dh = Tensor(uninitialized: h.shape)
        BFloat16Products.multiply(
            dy,
            branch.b.panels(inner: .rows),
            alpha: branch.scale,
            into: dh.pointer,
            accumulates: false
        )
        if branch.a.isTrainable, let x, let examples {
            examples.add(branch.a, input: .half(x.value.bfloat16), gradient: .half(dh.bfloat16))
        } else if branch.a.isTrainable, let x {
            BFloat16Products.multiply(
                BFloat16Pairs(dh).operand,
                x.value.panels(inner: .rows),
                into: branch.a.gradientBuffer().pointer,
                accumulates: true
            )
        }
        if let dx {
            BFloat16Products.multiply(
                dh.bfloat16.operand,
                branch.a.panels(inner: .rows),
                into: dx.pointer,
                accumulates: true
            )
        }
    }
}
