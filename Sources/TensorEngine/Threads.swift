import CKernels
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

    /// What the environment variable `FSOT_THREADS` asks for; nil without it, and when it is no positive number.
    public static var requested: Int? {
        getenv("FSOT_THREADS").flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func initialCount() -> Int { requested ?? max(1, Int(fsot_processors())) }
}
