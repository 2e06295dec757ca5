import CKernels

/// The length of one example's gradient.
public struct ExampleNorm: Sendable, Equatable {
    /// The Euclidean norm over all parameters.
    public let value: Double
    /// A little more: what rounding hides as a rule is added, so that the true norm is not above it. NaN and infinite with `value`.
    public let bound: Double
}

extension PerExampleGradients {
    /// The norm of each example's gradient, summed in float64 from products in float32 of the operands that ``add(weights:into:)``
    /// multiplies: in bfloat16 too nothing is rounded between the norm and the sum.
    ///
    /// A product of float32 numbers errs by a few units in the last place of the norms of its rows, whatever cancels in the
    /// sum over tokens. With S = Σ_t ‖x_t‖ ‖d_t‖ for each matrix the bound is √(norm² + 2⁻¹⁸ Σ S²), 64 units in the last
    /// place of each product: above the norm by parts in 10⁵ as a rule, and by more where tokens cancel and it is needed. The worst
    /// case of a float32 sum over d columns is d units and is not covered; lanes summed in parallel stay far below it.
    public func norms() -> [ExampleNorm] {
        let groups = products.groupedByInput
        let examples = layout.lengths.count
        let longest = layout.lengths.max() ?? 0
        let work = GhostNorms(groups, longest: longest)
        let memory = Tensor(uninitialized: [work.workers, work.scratchSize])
        var parts = [GhostNorms.Part](repeating: GhostNorms.Part(), count: groups.count * examples)
        parts.withUnsafeMutableBufferPointer { parts in
            guard let parts = parts.baseAddress else { return }
            Workers.run(groups.count * examples, limit: work.workers) { task, worker in
                parts[task] = work.part(
                    of: groups[task / examples],
                    rows: layout.rows(of: task % examples),
                    scratch: memory.pointer + worker * memory.columns
                )
            }
        }
        withExtendedLifetime(memory) {}
        return (0..<examples).map { example in
            var (square, slack) = (0.0, 0.0)
            for group in groups.indices {
                square += parts[group * examples + example].square
                slack += parts[group * examples + example].slack
            }
            for vector in vectors { square += vector.square(of: example) }
            // A sum that cancels to nothing may round below it; not by max, which would swallow a NaN.
            if square < 0 { square = 0 }
            return ExampleNorm(value: square.squareRoot(), bound: (square + slack * 0x1p-18).squareRoot())
        }
    }
}

extension [ExampleProduct] {
    /// Products with the same input together, which then need its products of rows once.
    fileprivate var groupedByInput: [[ExampleProduct]] {
        var groups: [[ExampleProduct]] = []
        var places: [ObjectIdentifier: Int] = [:]
        for product in self {
            if let place = places[product.input.identity] {
                groups[place].append(product)
            } else {
                places[product.input.identity] = groups.count
                groups.append([product])
            }
        }
        return groups
    }
}

/// Norms of matrices' gradients, one example and one input at a time, each on one thread.
private struct GhostNorms {
    /// ‖Dᵀ X‖² and (Σ_t ‖x_t‖ ‖d_t‖)².
    struct Part {
        var square = 0.0
        var slack = 0.0
    }

    /// Rows whose products with all later rows are there at once: a panel of the bfloat16 kernel.
    static let block = BFloat16Panels.width

    let workers = max(1, Threads.count)
    let scratchSize: Int
    private let longest: Int

    init(_ groups: [[ExampleProduct]], longest: Int) {
        self.longest = longest
        var rest = 0
        for product in groups.joined() {
            rest = max(
                rest,
                product.input.scratchSize(block: Self.block),
                product.gradient.scratchSize(block: Self.block)
            )
            if !product.prefersRowProducts(longest) { rest = max(rest, product.scratchSize(rows: longest)) }
        }
        scratchSize = 2 * longest * Self.block + rest
    }

    func part(of group: [ExampleProduct], rows: Range<Int>, scratch: UnsafeMutablePointer<Float>) -> Part {
        guard let input = group.first?.input else { return Part() }
        let inputProducts = scratch
        let gradientProducts = scratch + longest * Self.block
        let rest = gradientProducts + longest * Self.block
        var part = Part()
        var ghosts: [ExampleProduct] = []
        for product in group {
            if product.prefersRowProducts(rows.count) {
                ghosts.append(product)
            } else {
                part.square += product.factorSquared * product.squareOfGradient(rows, scratch: rest)
            }
        }
        if !ghosts.isEmpty {
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.block) {
                let block = start..<min(rows.upperBound, start + Self.block)
                let later = start..<rows.upperBound
                // Both products are symmetric: what lies below the diagonal block counts twice.
                let (square, all) = (block.count * block.count, later.count * block.count)
                input.multiply(later, by: block, scratch: rest, into: inputProducts)
                for product in ghosts {
                    product.gradient.multiply(later, by: block, scratch: rest, into: gradientProducts)
                    let diagonal = fsot_inner_product(inputProducts, gradientProducts, square)
                    let below = fsot_inner_product(inputProducts + square, gradientProducts + square, all - square)
                    part.square += product.factorSquared * (diagonal + 2 * below)
                }
            }
        }
        withUnsafeTemporaryAllocation(of: Double.self, capacity: rows.count) { norms in
            for (i, row) in rows.enumerated() { norms[i] = input.norm(ofRow: row, scratch: rest) }
            for product in group {
                var sum = 0.0
                for (i, row) in rows.enumerated() { sum += norms[i] * product.gradient.norm(ofRow: row, scratch: rest) }
                part.slack += product.factorSquared * sum * sum
            }
        }
        return part
    }
}

extension ExampleProduct {
    fileprivate var factorSquared: Double { Double(factor) * Double(factor) }
}
