import Glibc

/// How fast this machine multiplies matrices: what the speed of a training step is measured against.
public enum ProductSpeed {
    /// Floating-point operations a second (a multiplication and an addition count as two) of the product that language
    /// models consist of, 1024 rows times a 1536 × 576 weight, on `Threads.count` threads: the best of `repeats` after
    /// one to warm up.
    public static func measure(_ precision: ComputePrecision, repeats: Int = 12) -> Double {
        let (rows, output, input) = (1024, 1536, 576)
        var generator = SeededGenerator(seed: 0)
        func tensor(_ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(generator.uniform()) - 0.5 })
        }
        let weight = Parameter(name: "speed", value: tensor([output, input]))
        weight.precision = precision
        let x = tensor([rows, input])
        var fastest = Double.infinity
        for attempt in 0...repeats {
            let start = seconds()
            _ = Tape(isRecording: false).linear(x, weight: weight)
            if attempt > 0 { fastest = min(fastest, seconds() - start) }
        }
        return 2 * Double(rows * output * input) / fastest
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
