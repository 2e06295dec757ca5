import Synchronization

/// A dense row-major array of Float32 with reference semantics and pooled, 64-byte aligned memory. Matrices are
/// `[rows, columns]` with one row a token. Not `Sendable`: tensors never cross an actor.
public final class Tensor {
    /// Extents, outermost first.
    public let shape: [Int]
    /// Whether something trainable lies below: only then does a tape compute a gradient for it.
    public let requiresGradient: Bool

    /// Nil after `releaseFloat32()`, until somebody asks for the values.
    private var buffer: Buffer?
    /// Packed for bfloat16 products; emptied when the values change.
    var copies = BFloat16Copies()
    let slot: GradientSlot?
    /// How a tape gets the values back without keeping them (RMSNorm, SiLU times up).
    var recipe: SavedTensor?

    /// A tensor of undefined contents.
    init(uninitialized shape: [Int], requiresGradient: Bool = false, isLongLived: Bool = false) {
        let count = shape.reduce(1, *)
        self.shape = shape
        self.requiresGradient = requiresGradient
        buffer = Buffer(count: count, isLongLived: isLongLived)
        slot = requiresGradient ? GradientSlot(shape: shape) : nil
    }

    /// The same memory under another gradient: for values that are saved by the operation that made them.
    private init(sharing other: Tensor) {
        shape = other.shape
        requiresGradient = false
        buffer = other.buffer
        copies = other.copies
        slot = nil
    }

    /// A tensor whose values exist in bfloat16 only, until somebody asks for float32: what is only ever an operand.
    init(_ half: BFloat16Matrix, shape: [Int], requiresGradient: Bool = false) {
        self.shape = shape
        self.requiresGradient = requiresGradient
        copies.rows = half
        slot = requiresGradient ? GradientSlot(shape: shape) : nil
    }

    var withoutGradient: Tensor { Tensor(sharing: self) }

    /// A tensor that holds `values`, row by row. With `requiresGradient` it is a leaf whose `gradient` a backward pass fills.
    public convenience init(shape: [Int], values: [Float], requiresGradient: Bool = false) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values do not fill the shape \(shape).")
        self.init(uninitialized: shape, requiresGradient: requiresGradient)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { pointer.update(from: base, count: source.count) }
        }
    }

    /// A tensor of zeros. One that outlives a step says so: it then leaves the memory that steps reuse alone.
    public static func zeros(_ shape: [Int], isLongLived: Bool = false) -> Tensor {
        let tensor = Tensor(uninitialized: shape, isLongLived: isLongLived)
        tensor.pointer.update(repeating: 0, count: tensor.count)
        return tensor
    }

    var pointer: UnsafeMutablePointer<Float> {
        if let buffer { return buffer.pointer }
        Tensor.restoring.withLock { _ in restoreBuffer() }
        guard let buffer else { preconditionFailure("a tensor without values") }
        return buffer.pointer
    }

    /// The same for changing values that were packed before.
    var mutablePointer: UnsafeMutablePointer<Float> {
        let pointer = pointer
        copies = BFloat16Copies()
        return pointer
    }

    var hasFloat32: Bool { buffer != nil }

    func dropBuffer() {
        returnsToSystem()
        buffer = nil
    }

    /// When it goes, its memory does not wait for reuse.
    func returnsToSystem() { buffer?.returnsToSystem = true }

    /// Float32 values from the bfloat16 ones. Workers may ask at the same time, so under a lock.
    private func restoreBuffer() {
        guard buffer == nil else { return }
        let made = Buffer(count: count, isLongLived: false)
        if let panels = copies.innerColumns {
            for row in 0..<rows { panels.copyColumn(row, to: made.pointer + row * columns) }
        } else {
            copies.rows?.copyFloats(to: made.pointer)
        }
        buffer = made
    }

    private static let restoring = Mutex(())

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }
    /// The number of rows: every extent but the last, multiplied.
    public var rows: Int { shape.dropLast().reduce(1, *) }
    /// The last extent; 1 for a scalar.
    public var columns: Int { shape.last ?? 1 }

    /// All elements, copied.
    public var values: [Float] {
        get { Array(UnsafeBufferPointer(start: pointer, count: count)) }
        set {
            precondition(newValue.count == count, "\(newValue.count) values do not fill the shape \(shape).")
            newValue.withUnsafeBufferPointer { source in
                if let base = source.baseAddress { mutablePointer.update(from: base, count: source.count) }
            }
        }
    }

    /// The gradient of the last backward pass: of leaves made with `requiresGradient`, after the pass.
    public internal(set) var gradient: Tensor? {
        get { slot?.gradient }
        set { slot?.gradient = newValue }
    }

    /// A copy with its own memory that requires no gradient.
    public func copy() -> Tensor {
        let result = Tensor(uninitialized: shape)
        result.pointer.update(from: pointer, count: count)
        return result
    }

    /// A copy of the rows `range` of a matrix, without a gradient.
    public func copyRows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) lie outside 0..<\(rows).")
        let result = Tensor(uninitialized: [range.count, columns])
        result.pointer.update(from: pointer + range.lowerBound * columns, count: range.count * columns)
        return result
    }

    /// The rows of all matrices, one after the other, without a gradient. All have the same number of columns.
    public static func concatenatingRows(_ matrices: [Tensor]) -> Tensor {
        let columns = matrices.first?.columns ?? 0
        let result = Tensor(uninitialized: [matrices.reduce(0) { $0 + $1.rows }, columns])
        var next = result.pointer
        for matrix in matrices {
            precondition(matrix.columns == columns, "rows of \(matrix.columns) do not go below rows of \(columns).")
            next.update(from: matrix.pointer, count: matrix.count)
            next += matrix.count
        }
        return result
    }

    /// Reads the elements in place.
    public func withUnsafeBufferPointer<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows
        -> Result
    {
        try withExtendedLifetime(self) { try body(UnsafeBufferPointer(start: pointer, count: count)) }
    }

    /// Changes the elements in place. Never between a forward pass and its backward pass.
    public func withUnsafeMutableBufferPointer<Result>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(self) { try body(UnsafeMutableBufferPointer(start: mutablePointer, count: count)) }
    }
}
