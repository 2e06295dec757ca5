import Foundation
import Synchronization

/// Ctrl-C, asked for politely: the first one lets the work stop at the next safe point, the second ends the process.
enum Interruption {
    private static let count = Atomic<Int>(0)

    /// Whether the user has asked to stop; long work checks this between steps.
    static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

    /// Starts to listen for SIGINT and SIGTERM.
    static func listen() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                if Interruption.count.wrappingAdd(1, ordering: .relaxed).newValue > 1 { _exit(130) }
            }
        }
    }
}
