import CKernels
import Synchronization

/// Packed copies of a tensor, made when first asked for and kept until it changes or goes.
struct BFloat16Copies {
    var rows: BFloat16Matrix?
    var innerColumns: BFloat16Panels?
    var innerRows: BFloat16Panels?
}

extension Tensor {
    /// The left operand of products over columns. Not for tensors that a step changes in place after asking.
    var bfloat16: BFloat16Matrix {
        if let known = copies.rows { return known }
        let made = BFloat16Matrix(self)
        copies.rows = made
        return made
    }

    /// The right operand of products over `dimension`.
    func panels(inner dimension: BFloat16Panels.Inner, isLongLived: Bool = false) -> BFloat16Panels {
        if let known = dimension == .columns ? copies.innerColumns : copies.innerRows { return known }
        let made = BFloat16Panels(packable, inner: dimension, isLongLived: isLongLived)
        switch dimension {
        case .columns: copies.innerColumns = made
        case .rows: copies.innerRows = made
        }
        return made
    }

    /// What packing can read: this tensor, or a passing float32 copy of one that has panels only.
    private var packable: Tensor {
        guard !hasFloat32, copies.rows == nil, let panels = copies.innerColumns else { return self }
        let floats = Tensor(uninitialized: shape, isLongLived: true)
        floats.returnsToSystem()
        let (target, n) = (floats.pointer, columns)
        Tiling.run(rows, size: 480) { range in
            for row in range { panels.copyColumn(row, to: target + row * n) }
        }
        return floats
    }

    /// Gives the float32 values up; panels stay. Whoever asks for the values again gets them rounded to bfloat16.
    package func releaseFloat32() {
        guard shape.count == 2, columns > 0 else { return }
        _ = panels(inner: .columns, isLongLived: true)
        dropBuffer()
    }

    /// Row `row` of a matrix, whether float32 values are there or panels only.
    func copyRow(_ row: Int, to target: UnsafeMutablePointer<Float>) {
        if hasFloat32 {
            target.update(from: pointer + row * columns, count: columns)
        } else if let panels = copies.innerColumns {
            panels.copyColumn(row, to: target)
        }
    }
}

extension Parameter {
    /// The weight packed for products over `dimension`: kept while frozen, made for this one use while training changes it.
    func panels(inner dimension: BFloat16Panels.Inner) -> BFloat16Panels {
        isTrainable
            ? BFloat16Panels(value, inner: dimension)
            : value.panels(inner: dimension, isLongLived: true)
    }

    /// Whether products with it are taken in bfloat16.
    var usesBFloat16: Bool { precision == .bfloat16 && value.shape.count == 2 }
}
