extension Trainer {
    /// Moves past the data of `steps` steps without training on it: a round of a federation begins where the one before
    /// it ended, also when a fresh trainer runs it.
    public func skip(steps: Int) {
        if let privateSteps {
            privateSteps.skipped += max(0, steps)
            return
        }
        var following = order
        for _ in 0..<max(0, steps) { _ = following.next(configuration.batchSize * configuration.accumulation) }
        order = following
    }
}
