import CKernels
import Glibc
import Synchronization

/// Persistent worker threads that sleep between jobs.
///
/// A job is a number of tiles; whoever is free takes the next one. A worker spins for a few microseconds after a job, since
/// the next usually follows at once, then sleeps on a condition variable: OpenMP's spinning barriers collapse on a shared
/// machine. The caller works too, so one thread means no hand-over at all, and it waits only for workers that joined: one
/// that the system did not schedule in time holds nobody up.
final class Workers: @unchecked Sendable {
    static let shared = Workers()

    /// One job at a time: a nested or concurrent `run` does its tiles on its own thread, with the same results.
    private let entry = Mutex<Bool>(false)
    private let generation = Atomic<Int>(0)
    private let nextTile = Atomic<Int>(0)
    private let active = Atomic<Int>(0)
    private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Written by the caller under `mutex` while no worker is active.
    private var body: ((Int, Int) -> Void)?
    private var tiles = 0
    private var helpers = 0
    /// Whether workers may still join the job.
    private var isOpen = false
    private var threads = 0

    private init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(done, nil)
    }

    /// Calls `body(tile, worker)` once for each tile in `0..<tiles`, on up to `Threads.count` threads, and returns when all
    /// are done. `worker` is below `limit`, and no two calls at one time share it: it indexes scratch memory.
    static func run(_ tiles: Int, limit: Int = .max, _ body: (_ tile: Int, _ worker: Int) -> Void) {
        let helpers = min(Threads.count, tiles, limit) - 1
        guard helpers > 0,
            shared.entry.withLock({ taken in
                defer { taken = true }; return !taken
            })
        else {
            for tile in 0..<max(tiles, 0) { body(tile, 0) }
            return
        }
        withoutActuallyEscaping(body) { shared.run(tiles, helpers: helpers, $0) }
        shared.entry.withLock { $0 = false }
    }

    private func run(_ tiles: Int, helpers: Int, _ body: @escaping (Int, Int) -> Void) {
        pthread_mutex_lock(mutex)
        while threads < helpers { startThread() }
        self.body = body
        self.tiles = tiles
        self.helpers = helpers
        nextTile.store(0, ordering: .relaxed)
        isOpen = true
        generation.add(1, ordering: .releasing)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
        work(body, tiles: tiles, worker: 0)
        pthread_mutex_lock(mutex)
        isOpen = false
        pthread_mutex_unlock(mutex)
        for _ in 0..<Workers.spins where active.load(ordering: .acquiring) != 0 { fsot_pause() }
        pthread_mutex_lock(mutex)
        while active.load(ordering: .acquiring) != 0 { pthread_cond_wait(done, mutex) }
        self.body = nil
        pthread_mutex_unlock(mutex)
    }

    /// About 20 microseconds.
    private static let spins = 500

    private func work(_ body: (Int, Int) -> Void, tiles: Int, worker: Int) {
        while true {
            let tile = nextTile.add(1, ordering: .relaxed).oldValue
            guard tile < tiles else { return }
            body(tile, worker)
        }
    }

    /// Called with `mutex` held.
    private func startThread() {
        threads += 1
        let start = WorkerStart(index: threads, seen: generation.load(ordering: .relaxed))
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
                Workers.shared.loop(index: start.index, seen: start.seen)
                return nil
            },
            Unmanaged.passRetained(start).toOpaque()
        )
        precondition(result == 0, "The system refused a worker thread; set FSOT_THREADS=1.")
        pthread_detach(thread)
    }

    private func loop(index: Int, seen start: Int) {
        var seen = start
        while true {
            for _ in 0..<Workers.spins where generation.load(ordering: .acquiring) == seen { fsot_pause() }
            pthread_mutex_lock(mutex)
            while generation.load(ordering: .acquiring) == seen { pthread_cond_wait(wake, mutex) }
            seen = generation.load(ordering: .acquiring)
            let takesPart = isOpen && index <= helpers
            if takesPart { active.add(1, ordering: .acquiring) }
            pthread_mutex_unlock(mutex)
            guard takesPart else { continue }
            takePart(index)
            finish()
        }
    }

    /// Not inlined, so that the reference to the body is gone before `finish` lets the caller return: the body must not
    /// outlive the call that lent it. The caller changes nothing while a worker is active, so no lock is needed.
    @inline(never)
    private func takePart(_ index: Int) {
        if let body { work(body, tiles: tiles, worker: index) }
    }

    private func finish() {
        guard active.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        pthread_mutex_lock(mutex)
        pthread_cond_signal(done)
        pthread_mutex_unlock(mutex)
    }
}

private final class WorkerStart {
    let index: Int
    let seen: Int
    init(index: Int, seen: Int) {
        self.index = index
        self.seen = seen
    }
}
