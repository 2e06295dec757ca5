import Foundation

/// The discrete Fourier transform of a power of two of complex numbers, in place: radix two, decimation in time (Cooley &
/// Tukey 1965). Every root of unity is computed on its own, so that errors grow with the logarithm of the length only.
package struct FourierTransform {
    private let count: Int
    private let cosines: [Double]
    private let sines: [Double]

    /// A transform of `count` numbers, a power of two.
    package init(count: Int) {
        precondition(count > 0 && count & (count - 1) == 0, "\(count) is not a power of two")
        self.count = count
        let angle = -2 * Double.pi / Double(count)
        cosines = (0..<count / 2).map { cos(angle * Double($0)) }
        sines = (0..<count / 2).map { sin(angle * Double($0)) }
    }

    /// Xₖ = Σⱼ xⱼ e^(−2πijk/n); both arrays hold `count` numbers.
    package func forward(_ real: inout [Double], _ imaginary: inout [Double]) {
        real.withUnsafeMutableBufferPointer { real in
            imaginary.withUnsafeMutableBufferPointer { imaginary in
                cosines.withUnsafeBufferPointer { cosines in
                    sines.withUnsafeBufferPointer { sines in transform(real, imaginary, cosines, sines) }
                }
            }
        }
    }

    /// xⱼ = 1/n Σₖ Xₖ e^(2πijk/n).
    package func inverse(_ real: inout [Double], _ imaginary: inout [Double]) {
        // Exchanging the two parts conjugates, before and after.
        forward(&imaginary, &real)
        let scale = 1 / Double(count)
        for index in 0..<count {
            real[index] *= scale
            imaginary[index] *= scale
        }
    }

    private func transform(
        _ real: UnsafeMutableBufferPointer<Double>,
        _ imaginary: UnsafeMutableBufferPointer<Double>,
        _ cosines: UnsafeBufferPointer<Double>,
        _ sines: UnsafeBufferPointer<Double>
    ) {
        var reversed = 0
        for index in 1..<max(count, 1) {
            var bit = count >> 1
            while reversed & bit != 0 {
                reversed ^= bit
                bit >>= 1
            }
            reversed |= bit
            if index < reversed {
                real.swapAt(index, reversed)
                imaginary.swapAt(index, reversed)
            }
        }
        var half = 1
        while half < count {
            let stride = count / (2 * half)
            for start in Swift.stride(from: 0, to: count, by: 2 * half) {
                for offset in 0..<half {
                    let a = start + offset
                    let b = a + half
                    let c = cosines[offset * stride]
                    let s = sines[offset * stride]
                    let x = real[b] * c - imaginary[b] * s
                    let y = real[b] * s + imaginary[b] * c
                    real[b] = real[a] - x
                    imaginary[b] = imaginary[a] - y
                    real[a] += x
                    imaginary[a] += y
                }
            }
            half *= 2
        }
    }
}
