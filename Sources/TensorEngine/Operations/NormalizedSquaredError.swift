import CKernels

/// How the squared error between two hidden states is made free of their scale.
public enum ErrorNormalization: Sendable {
    /// Mean over rows of ‖s − t‖² / ‖t‖²: every token counts the same.
    case perToken
    /// Σ‖s − t‖² / Σ‖t‖²: the offsite-tuning paper's mean(((t − s)/rms(t))²) (arXiv 2302.04870).
    case global
    /// Σ over rows of w_i ‖s − t‖², the weights given: for errors over another energy than the teacher's.
    case weights([Double])
}

extension Tape {
    /// The normalised squared error of `student` against the constant `teacher`, both `[rows, n]`, over the rows whose mask
    /// is true (nil: all). A scalar `[1]`; 0 when no row is left. A teacher row of zeros weighs as if ‖t‖² were 1e-12.
    ///
    /// Backward: ds[i] += 2 · c_i · (s[i] − t[i]), c_i = 1 / (rows · ‖t_i‖²), 1 / Σ‖t‖² or w_i. Saved: both inputs and c.
    public func normalizedSquaredError(
        _ student: Tensor,
        teacher: Tensor,
        normalization: ErrorNormalization,
        rowMask: [Bool]? = nil
    ) -> Tensor {
        let rows = student.rows
        let n = student.columns
        precondition(student.shape == teacher.shape, "student \(student.shape) and teacher \(teacher.shape) differ.")
        precondition(rowMask.map { $0.count == rows } ?? true, "the row mask does not have \(rows) entries.")
        if case .weights(let given) = normalization {
            precondition(given.count == rows, "\(given.count) weights do not fit \(rows) rows.")
        }
        let kept = (0..<rows).filter { rowMask?[$0] ?? true }
        var errors = [Double](repeating: 0, count: rows)
        var squares = errors
        errors.withUnsafeMutableBufferPointer { errors in
            squares.withUnsafeMutableBufferPointer { squares in
                let (errors, squares) = (errors, squares)
                Tiling.run(kept.count, size: 64) { range in
                    for row in range.map({ kept[$0] }) {
                        fsot_squared_difference(
                            student.pointer + row * n,
                            teacher.pointer + row * n,
                            n,
                            &errors[row],
                            &squares[row]
                        )
                    }
                }
            }
        }
        var weights = [Double](repeating: 0, count: rows)
        let total = max(kept.reduce(0) { $0 + squares[$1] }, 1e-12)
        for row in kept {
            weights[row] =
                switch normalization {
                case .perToken: 1 / (Double(kept.count) * max(squares[row], 1e-12))
                case .global: 1 / total
                case .weights(let given): given[row]
                }
        }
        let loss = output([1], requiresGradientIf: student.requiresGradient)
        loss.pointer[0] = Float(kept.reduce(0) { $0 + errors[$1] * weights[$1] })
        examples?.refuseLoss()
        if let slot = student.slot, loss.requiresGradient {
            let saved = student.saved
            record(loss) { gradient in
                let upstream = 2 * gradient.pointer[0]
                let student = saved.value
                let (ds, accumulates) = slot.destination()
                Tiling.run(rows, size: 64) { range in
                    for row in range {
                        let start = row * n
                        fsot_scaled_difference(
                            ds.pointer + start,
                            student.pointer + start,
                            teacher.pointer + start,
                            upstream * Float(weights[row]),
                            n,
                            accumulates ? 1 : 0
                        )
                    }
                }
            }
        }
        return loss
    }
}
