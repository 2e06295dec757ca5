/// Σ a[row_a] · b[row_b] over rows of `count` numbers, in float64 and in a fixed order.
public func dot(_ a: [Float], _ rowA: Int, _ b: [Float], _ rowB: Int, _ count: Int) -> Double {
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            dot(
                UnsafeBufferPointer(rebasing: a[rowA * count..<(rowA + 1) * count]),
                UnsafeBufferPointer(rebasing: b[rowB * count..<(rowB + 1) * count])
            )
        }
    }
}

/// Σ a · b in float64: four sums over every fourth element, added at the end, so that they do not wait for each other.
public func dot(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Double {
    precondition(a.count == b.count, "\(a.count) numbers and \(b.count)")
    var sums = SIMD4<Double>.zero
    let whole = a.count / 4 * 4
    var index = 0
    while index < whole {
        let x = SIMD4<Float>(a[index], a[index + 1], a[index + 2], a[index + 3])
        let y = SIMD4<Float>(b[index], b[index + 1], b[index + 2], b[index + 3])
        sums += SIMD4<Double>(x) * SIMD4<Double>(y)
        index += 4
    }
    var total = sums.sum()
    for index in whole..<a.count { total += Double(a[index]) * Double(b[index]) }
    return total
}

/// Σ a · b of two lists of equal length, summed like those of float32.
public func dot(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "\(a.count) numbers and \(b.count)")
    return a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            var sums = SIMD4<Double>.zero
            let whole = a.count / 4 * 4
            var index = 0
            while index < whole {
                let x = SIMD4<Double>(a[index], a[index + 1], a[index + 2], a[index + 3])
                let y = SIMD4<Double>(b[index], b[index + 1], b[index + 2], b[index + 3])
                sums += x * y
                index += 4
            }
            var total = sums.sum()
            for index in whole..<a.count { total += a[index] * b[index] }
            return total
        }
    }
}
