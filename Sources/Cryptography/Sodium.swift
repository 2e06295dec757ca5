import CSodium

/// Brings libsodium up once for the process: it picks the code for this CPU and opens the source of entropy.
enum Sodium {
    /// Evaluated on first use, thread-safe as every Swift global.
    ///
    /// libsodium itself aborts when the system has no entropy, so there is no error to hand on here either.
    static let start: Void = {
        precondition(sodium_init() >= 0, "libsodium could not start: the system has no source of entropy")
    }()
}
