import CKernels

/// The gradients of a bias or a norm's weight, one row an example: a row is small enough to be there.
struct ExampleVectors {
    /// The parameter's place.
    let target: Int
    /// `[examples, columns]`.
    private let gradients: Tensor

    init(
        target: Int,
        columns: Int,
        layout: SequenceLayout,
        addRows: (UnsafeMutablePointer<Double>, Range<Int>) -> Void
    ) {
        self.target = target
        let gradients = Tensor(uninitialized: [layout.lengths.count, columns])
        let rows = gradients.pointer
        Workers.run(layout.lengths.count) { example, _ in
            withUnsafeTemporaryAllocation(of: Double.self, capacity: columns) { sums in
                guard let base = sums.baseAddress else { return }
                base.initialize(repeating: 0, count: columns)
                addRows(base, layout.rows(of: example))
                for column in 0..<columns { rows[example * columns + column] = Float(base[column]) }
            }
        }
        self.gradients = gradients
    }

    /// The squared norm of an example's gradient.
    func square(of example: Int) -> Double {
        fsot_sum_of_squares(gradients.pointer + example * gradients.columns, gradients.columns)
    }

    func add(_ weights: [Float], into sum: Tensor) {
        let (target, n) = (sum.mutablePointer, gradients.columns)
        for (example, weight) in weights.enumerated() {
            fsot_axpy(target, weight, gradients.pointer + example * n, n)
        }
    }
}
