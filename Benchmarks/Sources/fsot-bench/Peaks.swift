import CPeaks

/// What one core can do at most, measured now.
struct Peaks: Encodable {
    /// Multiplications and additions a second, in 10⁹.
    var f32: Double
    /// The same with bfloat16 factors; 0 when the processor has no instructions for it.
    var bf16: Double
    /// Bytes read from memory a second, in 10⁹.
    var readGigabytes: Double

    init() {
        f32 = Timing.best(of: 10) { peak_f32(2_000_000) } / 1e9
        bf16 = Timing.best(of: 10) { peak_bf16(2_000_000) } / 1e9
        let buffer = [Float](repeating: 1, count: 64 << 20)
        readGigabytes =
            Timing.best(of: 5) {
                _ = peak_read(buffer, buffer.count)
                return Double(buffer.count * MemoryLayout<Float>.size)
            } / 1e9
    }
}

/// Rates of work done in repeated runs.
enum Timing {
    /// The best amount a CPU second of `count` runs of `body`, which returns the amount of work it did.
    static func best(of count: Int, _ body: () -> Double) -> Double {
        (0..<count).map { _ in
            let start = Instant.now
            let amount = body()
            return amount / (Instant.now.processor - start.processor)
        }.max() ?? .nan
    }

    /// Median seconds of runs of `body` for about `seconds`, at least five, after one that is not timed: of the
    /// processor with one thread, of the wall with more.
    static func median(threads: Int, seconds: Double, _ body: () -> Void) -> Double {
        body()
        var times: [Double] = []
        let end = Instant.now.wall + seconds
        while times.count < 5 || Instant.now.wall < end {
            let start = Instant.now
            body()
            let now = Instant.now
            times.append(threads == 1 ? now.processor - start.processor : now.wall - start.wall)
        }
        return times.median
    }
}
