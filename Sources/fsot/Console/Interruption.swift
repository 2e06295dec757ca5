import Foundation
import Synchronization

/// Ctrl-C, asked for politely: the first one lets the work stop at the next safe point, the second ends the process.
enum Interruption {
    private static let count = Atomic<Int>(0)

    /// Whether the user has asked to stop; long work checks this between steps.
    static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

    /// - Throws: `CancellationError` when the user has asked to stop; for commands between their steps.
    static func check() throws {
        if isRequested { throw CancellationError() }
    }

    /// Starts to listen for SIGINT and SIGTERM; a file over `ulimit -f` becomes an error of the write, not a death.
    ///
    /// A parent that starts us from a thread with signals blocked hands its mask on: they are let through again, or
    /// nothing short of SIGKILL would stop us.
    static func listen() {
        var stops = sigset_t()
        sigemptyset(&stops)
        sigaddset(&stops, SIGINT)
        sigaddset(&stops, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &stops, nil)
        signal(SIGXFSZ, SIG_IGN)
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                if Interruption.count.wrappingAdd(1, ordering: .relaxed).newValue > 1 { _exit(130) }
            }
        }
    }
}
