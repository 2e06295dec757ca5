/// The gradients of a batch's examples from one backward pass, as DP-SGD needs them: the norm of each, and one sum of all in
/// which each has a weight of its own. No example's gradient exists by itself.
///
/// A tape that is given one of these reports to it instead of adding to `Parameter.gradient`. Of a weight it keeps what came
/// in, X_i of example i, and the gradient of what went out, D_i: the gradient of example i is D_iᵀ X_i, its squared norm
/// ⟨X_i X_iᵀ, D_i D_iᵀ⟩ (ghost norms, arXiv 2110.05679 section 4), and the weighted sum is one product more once the weights
/// are known (book-keeping, arXiv 2210.00038). Gradients of biases and norm weights are kept as they are, one row an example.
///
/// The loss of such a tape is the sum over examples of each example's loss divided by its own divisor.
///
/// What it covers: weights, biases and low-rank branches of `linear`, the weights of `rmsNorm` and `layerNorm`, each used
/// once, under `linearCrossEntropy` with a frozen head. Anything else, such as a trained embedding or head, is an
/// ``obstacle``, known after the forward pass.
public final class PerExampleGradients {
    /// Where each example's rows are.
    public let layout: SequenceLayout
    /// Why these are not all gradients that were asked for; nil when they are. Read it between the two passes.
    public var obstacle: String? {
        reasons.first ?? (hasLoss ? nil : "the loss is not a cross-entropy that tells examples apart")
    }

    private(set) var products: [ExampleProduct] = []
    private(set) var vectors: [ExampleVectors] = []
    private let divisors: [Float]
    /// Of each wanted parameter, its place in the list.
    private let places: [ObjectIdentifier: Int]
    private let parameterCount: Int
    private var announced: Set<Int> = []
    private var reasons: [String] = []
    private var hasLoss = false

    /// Gradients of `parameters`; of others nothing is kept.
    ///
    /// - Parameters:
    ///   - layout: the rows of each example.
    ///   - divisors: what each example's summed loss is divided by.
    public init(of parameters: [Parameter], layout: SequenceLayout, divisors: [Float]) {
        precondition(divisors.count == layout.lengths.count, "one divisor an example, of \(layout.lengths.count).")
        self.layout = layout
        self.divisors = divisors
        parameterCount = parameters.count
        places = Dictionary(uniqueKeysWithValues: parameters.enumerated().map { (ObjectIdentifier($1), $0) })
    }

    /// Adds Σ_i weights[i] · (gradient of example i) to `sums`, one tensor for each parameter, in their order.
    public func add(weights: [Float], into sums: [Tensor]) {
        precondition(
            weights.count == layout.lengths.count && sums.count == parameterCount,
            "\(weights.count) weights and \(sums.count) sums do not fit the examples and parameters."
        )
        for product in products { product.add(weights, layout: layout, into: sums[product.target]) }
        for vector in vectors { vector.add(weights, into: sums[vector.target]) }
    }

    // MARK: - What operations say in the forward pass

    /// An operation will report the gradient of a trained parameter over `rows` rows.
    func announce(_ parameter: Parameter?, rows: Int) {
        guard let parameter, parameter.isTrainable, let place = places[ObjectIdentifier(parameter)] else { return }
        if rows != layout.rows { reasons.append("\(parameter.name) sees rows that are not the examples'") }
        // The norm of a sum of two products has cross terms.
        if !announced.insert(place).inserted { reasons.append("\(parameter.name) is used twice") }
    }

    /// An operation has no way to tell the examples' gradients of a parameter apart.
    func refuse(_ parameter: Parameter) {
        if parameter.isTrainable, places[ObjectIdentifier(parameter)] != nil {
            reasons.append("\(parameter.name) is trained where examples cannot be told apart")
        }
    }

    /// A loss that goes over all rows as one.
    func refuseLoss() { reasons.append("a loss mixes the examples") }

    /// What each of the labelled rows' losses is divided by.
    func divisors(ofRows rows: [Int], among count: Int) -> [Float] {
        if count != layout.rows || hasLoss { refuseLoss() }
        hasLoss = true
        var example = 0
        return rows.map { row in
            while example + 1 < divisors.count, row >= layout.offsets[example + 1] { example += 1 }
            return divisors[example]
        }
    }

    // MARK: - What operations report in the backward pass

    /// The gradient of a matrix is factor · Σ_rows gradientᵀ input, transposed by `layout`.
    func add(
        _ parameter: Parameter,
        input: ExampleOperand,
        gradient: ExampleOperand,
        layout: WeightLayout = .outputByInput,
        factor: Float = 1
    ) {
        guard let place = places[ObjectIdentifier(parameter)] else { return }
        products.append(
            ExampleProduct(target: place, input: input, gradient: gradient, layout: layout, factor: factor)
        )
    }

    /// The gradient of a vector of `columns` numbers is what `addRows` adds for the rows of an example.
    func add(
        _ parameter: Parameter,
        columns: Int,
        addRows: (UnsafeMutablePointer<Double>, Range<Int>) -> Void
    ) {
        guard let place = places[ObjectIdentifier(parameter)] else { return }
        vectors.append(ExampleVectors(target: place, columns: columns, layout: layout, addRows: addRows))
    }
}

extension SequenceLayout {
    /// The rows of one sequence.
    func rows(of sequence: Int) -> Range<Int> {
        offsets[sequence]..<offsets[sequence] + lengths[sequence]
    }
}
