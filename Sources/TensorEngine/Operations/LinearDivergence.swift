import CKernels

extension Tape {
    /// The output head and the divergence of its distributions in one: Σ over rows of KL(softmax(t Wᵀ) ‖ softmax(h Wᵀ)),
    /// divided by `divisor` (nil: the number of rows). A scalar `[1]`, in nats.
    ///
    /// `student` h and the constant `teacher` t are `[rows, dim]`, the frozen `head` W is `[vocabulary, dim]`. In chunks, so
    /// the logits never exist as a whole; the gradient is taken while a chunk's logits are there:
    /// dz = (softmax(h Wᵀ) − softmax(t Wᵀ)) / divisor, dh = dz W.
    public func linearDivergence(
        _ student: Tensor,
        teacher: Tensor,
        head: Parameter,
        divisor: Float? = nil
    ) -> Tensor {
        precondition(
            student.shape == teacher.shape && student.columns == head.value.columns && !head.isTrainable,
            "student \(student.shape), teacher \(teacher.shape) and the frozen head \(head.value.shape) do not fit."
        )
        let (rows, dim) = (student.rows, student.columns)
        let divisor = divisor ?? Float(max(rows, 1))
        let loss = output([1], requiresGradientIf: student.requiresGradient)
        examples?.refuseLoss()
        let dStudent = loss.requiresGradient ? Tensor(uninitialized: student.shape) : nil
        var total = 0.0
        for range in Tiling.ranges(rows, size: 256) {
            let inner = Tape(isRecording: dStudent != nil)
            let chunk = Tensor(uninitialized: [range.count, dim], requiresGradient: dStudent != nil)
            chunk.pointer.update(from: student.pointer + range.lowerBound * dim, count: chunk.count)
            let logits = inner.linear(chunk, weight: head)
            let target = Tape(isRecording: false).linear(teacher.copyRows(range), weight: head)
            let gradient = logits.withoutGradient
            var divergences = [Double](repeating: 0, count: range.count)
            divergences.withUnsafeMutableBufferPointer { divergences in
                let (divergences, n) = (divergences, target.columns)
                Tiling.run(range.count, size: 8) { rows in
                    for row in rows {
                        divergences[row] = fsot_divergence(
                            target.pointer + row * n,
                            gradient.pointer + row * n,
                            n,
                            1 / divisor
                        )
                    }
                }
            }
            total += divergences.reduce(0, +)
            guard let dStudent else { continue }
            inner.backward(from: logits, seed: gradient)
            guard let made = chunk.gradient else { continue }
            (dStudent.pointer + range.lowerBound * dim).update(from: made.pointer, count: made.count)
        }
        loss.pointer[0] = Float(total / Double(divisor))
        let slot = student.slot
        record(loss) { gradient in
            let upstream = gradient.pointer[0]
            guard let dStudent, let slot else { return }
            if upstream != 1 { Elementwise.scale(dStudent, by: upstream) }
            slot.add(dStudent)
        }
        return loss
    }
}
