import Glibc
import Synchronization

/// How many threads the engine's own workers use. No result depends on it: the tiles into which work is cut depend on
/// shapes only.
public enum Threads {
    private static let configured = Atomic<Int>(initialCount())

    /// Worker threads, the calling thread included; at least 1. Default: the environment variable `FSOT_THREADS`, else
    /// the processors that this process may run on.
    public static var count: Int {
        get { configured.load(ordering: .relaxed) }
        set { configured.store(max(1, newValue), ordering: .relaxed) }
    }

    private static func initialCount() -> Int {
        if let text = getenv("FSOT_THREADS"), let value = Int(String(cString: text)), value > 0 { return value }
        return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }
}
