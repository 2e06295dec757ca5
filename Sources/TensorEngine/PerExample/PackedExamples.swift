import CKernels

/// Both factors of matrix gradients packed for bfloat16 products over tokens. Each example begins at a pair of tokens of its
/// own, an odd last token followed by zeros, so that a product over its pairs sees no other example.
struct PackedExamples {
    static let rowTile = 64

    let left: BFloat16Matrix
    let right: BFloat16Matrix
    /// Rows of each example.
    let examples: [Range<Int>]
    /// Pairs of all examples.
    let pairs: Int
    private let firstPairs: [Int]
    /// `[pairs, left columns]`, then panels of right columns, in memory of the caller.
    private let leftWords: UnsafeMutablePointer<UInt32>
    private let rightWords: UnsafeMutablePointer<UInt32>

    /// Tiles of the product's rows, the left columns.
    var rowTiles: [Range<Int>] {
        stride(from: 0, to: left.columns, by: Self.rowTile).map { $0..<min(left.columns, $0 + Self.rowTile) }
    }
    /// Panels of the product's columns, the right columns.
    var panels: Int { (right.columns + BFloat16Panels.width - 1) / BFloat16Panels.width }

    /// Words of memory for that many pairs.
    static func words(pairs: Int, _ leftColumns: Int, _ rightColumns: Int) -> Int {
        pairs * (leftColumns + (rightColumns + 15) / 16 * 16)
    }

    /// Pairs of examples of these rows.
    static func pairs(of examples: [Range<Int>]) -> Int { examples.reduce(0) { $0 + ($1.count + 1) / 2 } }

    init(_ left: BFloat16Matrix, _ right: BFloat16Matrix, examples: [Range<Int>], memory: UnsafeMutablePointer<Float>) {
        self.left = left
        self.right = right
        self.examples = examples
        var pair = 0
        firstPairs = examples.map { rows in
            defer { pair += (rows.count + 1) / 2 }
            return pair
        }
        pairs = pair
        leftWords = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt32.self)
        rightWords = leftWords + pair * left.columns
    }

    /// Packs one example, on the calling thread.
    func pack(_ example: Int) {
        let (rows, pair) = (examples[example], firstPairs[example])
        let (leftStride, rightStride) = (left.wordsPerRow * 2, right.wordsPerRow * 2)
        fsot_bf16_pairs(
            left.numbers + rows.lowerBound * leftStride,
            1,
            rows.count,
            left.columns,
            leftStride,
            leftWords + pair * left.columns,
            left.columns
        )
        for panel in 0..<panels {
            let (first, taken, width) = columns(of: panel)
            fsot_bf16_panel_of_rows(
                right.numbers + rows.lowerBound * rightStride + first,
                1,
                rows.count,
                taken,
                rightStride,
                rightWords + first * pairs + pair * width
            )
        }
    }

    /// The rows `rows` and the columns of a panel of factor · Σ leftᵀ right over an example; `target` is where row
    /// `rows.lowerBound` of the whole product begins. On the calling thread.
    func multiply(
        _ example: Int,
        rows: Range<Int>,
        panel: Int,
        factor: Float,
        into target: UnsafeMutablePointer<Float>,
        accumulates: Bool
    ) {
        let (first, taken, width) = columns(of: panel)
        let pair = firstPairs[example]
        fsot_bf16_gemm(
            rows.count,
            taken,
            (examples[example].count + 1) / 2,
            leftWords + pair * left.columns + rows.lowerBound,
            1,
            left.columns,
            rightWords + first * pairs + pair * width,
            taken,
            0,
            target + first,
            right.columns,
            factor,
            nil,
            accumulates ? 1 : 0
        )
    }

    private func columns(of panel: Int) -> (first: Int, taken: Int, width: Int) {
        let first = panel * BFloat16Panels.width
        let taken = min(BFloat16Panels.width, right.columns - first)
        return (first, taken, (taken + 15) / 16 * 16)
    }
}
