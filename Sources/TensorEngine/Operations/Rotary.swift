import CKernels
import Glibc
import Synchronization

extension Tape {
    /// Rotary position embedding (arXiv 2104.09864) in Hugging Face's half-split convention: in each head of size d, the
    /// pair (x[i], x[i + d/2]) turns by position · theta^(−2i/d).
    ///
    /// Backward: the same turn the other way; nothing but the positions is saved. x is `[rows, heads · d]`.
    public func rotary(_ x: Tensor, heads: Int, positions: [Int32], theta: Float) -> Tensor {
        let size = x.columns / heads
        precondition(
            x.columns == size * heads && size % 2 == 0 && positions.count == x.rows,
            "\(x.shape) is not \(positions.count) rows of \(heads) heads of even size."
        )
        let table = RotaryTable.table(theta: theta, headSize: size, covering: positions)
        let y = output(x.shape, requiresGradientIf: x.requiresGradient)
        table.rotate(x, into: y, heads: heads, positions: positions, sign: 1)
        if let slot = x.slot, y.requiresGradient {
            record(y) { dy in
                let dx = Backward.target(reusing: &dy)
                table.rotate(dy, into: dx, heads: heads, positions: positions, sign: -1)
                slot.add(dx)
            }
        }
        return y
    }
}

/// Cosines and sines of all positions up to a bound. Angles are rounded to float32 as PyTorch does, then the functions are
/// taken in float64.
private final class RotaryTable: Sendable {
    private let half: Int
    private let cosines: [Float]
    private let sines: [Float]

    private struct Key: Hashable {
        let theta: Float
        let headSize: Int
    }
    private static let cache = Mutex<[Key: (positions: Int, table: RotaryTable)]>([:])

    static func table(theta: Float, headSize: Int, covering positions: [Int32]) -> RotaryTable {
        let lowest = positions.min() ?? 0
        precondition(lowest >= 0, "position \(lowest) is negative.")
        let needed = Int(positions.max() ?? 0) + 1
        return cache.withLock { cache in
            let key = Key(theta: theta, headSize: headSize)
            if let known = cache[key], known.positions >= needed { return known.table }
            var positions = 256
            while positions < needed { positions *= 2 }
            let table = RotaryTable(theta: theta, headSize: headSize, positions: positions)
            cache[key] = (positions, table)
            return table
        }
    }

    private init(theta: Float, headSize: Int, positions: Int) {
        half = headSize / 2
        let frequencies = (0..<headSize / 2).map { i in 1 / powf(theta, Float(2 * i) / Float(headSize)) }
        let angles = (0..<positions).flatMap { position in frequencies.map { Double(Float(position) * $0) } }
        cosines = angles.map { Float(cos($0)) }
        sines = angles.map { Float(sin($0)) }
    }

    func rotate(_ x: Tensor, into y: Tensor, heads: Int, positions: [Int32], sign: Float) {
        let n = x.columns
        cosines.withUnsafeBufferPointer { cosines in
            sines.withUnsafeBufferPointer { sines in
                guard let cosines = cosines.baseAddress, let sines = sines.baseAddress else { return }
                Tiling.run(x.rows, size: 64) { range in
                    for row in range {
                        let start = Int(positions[row]) * half
                        fsot_rotary(
                            x.pointer + row * n,
                            y.pointer + row * n,
                            cosines + start,
                            sines + start,
                            heads,
                            half,
                            sign
                        )
                    }
                }
            }
        }
    }
}
