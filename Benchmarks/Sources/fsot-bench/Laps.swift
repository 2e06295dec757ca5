import Glibc

/// Time since an arbitrary start: on the wall, and of this process's threads together.
struct Instant {
    var wall: Double
    var processor: Double

    static var now: Instant { Instant(wall: seconds(CLOCK_MONOTONIC), processor: seconds(CLOCK_PROCESS_CPUTIME_ID)) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// What one run of a step took, in all and by phase.
struct Laps {
    let start: Instant
    private(set) var last: Instant
    /// Seconds on the wall of each phase, in order.
    private(set) var phases: [(name: String, seconds: Double)] = []

    init() {
        start = .now
        last = start
    }

    /// The phase since the last one ends here.
    mutating func end(_ name: String) {
        let now = Instant.now
        phases.append((name, now.wall - last.wall))
        last = now
    }

    var wallSeconds: Double { last.wall - start.wall }
    var processorSeconds: Double { last.processor - start.processor }
}

extension Array<Double> {
    /// The median; NaN of nothing.
    var median: Double {
        guard !isEmpty else { return .nan }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
