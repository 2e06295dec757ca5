import CKernels

/// One factor of weight gradients, a row a token: in float32, or rounded to bfloat16 as the products of that precision see it.
enum ExampleOperand {
    case single(Tensor)
    case half(BFloat16Matrix)

    var columns: Int {
        switch self {
        case .single(let x): x.columns
        case .half(let x): x.columns
        }
    }

    /// Operands of the same memory have the same products of rows.
    var identity: ObjectIdentifier {
        switch self {
        case .single(let x): ObjectIdentifier(x)
        case .half(let x): ObjectIdentifier(x)
        }
    }

    /// Floats of scratch memory that the methods below need, of `block` rows at most.
    func scratchSize(block: Int) -> Int {
        switch self {
        case .single: 0
        case .half(let x): max(x.columns, x.wordsPerRow * ((block + 15) / 16 * 16))
        }
    }

    /// The norm of one row.
    func norm(ofRow row: Int, scratch: UnsafeMutablePointer<Float>) -> Double {
        switch self {
        case .single(let x):
            return fsot_sum_of_squares(x.pointer + row * x.columns, x.columns).squareRoot()
        case .half(let x):
            fsot_bf16_floats(x.numbers + row * x.wordsPerRow * 2, scratch, x.columns)
            return fsot_sum_of_squares(scratch, x.columns).squareRoot()
        }
    }

    /// products (`rows.count` × `block.count`) = rows · blockᵀ, on the calling thread.
    func multiply(
        _ rows: Range<Int>,
        by block: Range<Int>,
        scratch: UnsafeMutablePointer<Float>,
        into products: UnsafeMutablePointer<Float>
    ) {
        switch self {
        case .single(let x):
            Matrices.multiplication.multiply(
                rows: rows.count,
                columns: block.count,
                inner: x.columns,
                alpha: 1,
                x.view.from(row: rows.lowerBound, column: 0),
                x.view.from(row: block.lowerBound, column: 0).transposed,
                beta: 0,
                into: products,
                stride: block.count
            )
        case .half(let x):
            let panel = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UInt32.self)
            let stride = x.wordsPerRow * 2
            fsot_bf16_panel_of_columns(
                x.numbers + block.lowerBound * stride,
                1,
                block.count,
                x.columns,
                stride,
                panel
            )
            let (words, step) = x.operand(row: rows.lowerBound, column: 0)
            fsot_bf16_gemm(
                rows.count,
                block.count,
                x.wordsPerRow,
                words,
                step,
                1,
                panel,
                block.count,
                0,
                products,
                block.count,
                1,
                nil,
                0
            )
        }
    }
}
