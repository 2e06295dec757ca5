/// What a participant knows of the adapter from round to round, so that the coordinator cannot swap it: a round begins with the
/// emulator's own adapter, with the one of the round before, or with that one moved by the sum that everybody was shown.
///
/// federation.md 1.3, "trap weights". A participant that missed a round cannot check the next one; that all have the same state is
/// still enforced, because masks only cancel among those who do. With noise by the coordinator the adapter moves by more than the
/// sum, and only its first state can be checked.
package struct StateChain {
    private var started: (round: Int, hash: [UInt8])?
    /// What the next round may begin with; nil: anything.
    private var expected: Set<[UInt8]>?
    private let isNoised: Bool
    private let allowsUnchecked: Bool

    /// - Parameters:
    ///   - initial: the emulator's own adapter; nil: unknown.
    ///   - isNoised: whether the coordinator adds noise to the sums.
    ///   - finished: the last round that this holder finished before, and the adapter after it; nil: none.
    ///   - allowsUnchecked: whether a first round may be a late one, with an adapter that nothing is known of.
    package init(
        initial: AdapterState?,
        isNoised: Bool,
        finished: (round: Int, state: AdapterState)? = nil,
        allowsUnchecked: Bool = true
    ) {
        expected = initial.map { [$0.hash] }
        if let finished {
            started = (finished.round, [])
            expected = isNoised ? nil : [finished.state.hash]
        }
        self.allowsUnchecked = allowsUnchecked
        self.isNoised = isNoised
    }

    /// Checks the state that a round begins with.
    ///
    /// - Returns: false when there was nothing to check it against.
    /// - Throws: `FederationError.refused`.
    package mutating func begin(_ round: Int, with state: AdapterState) throws -> Bool {
        let hash = state.hash
        if let started {
            guard round >= started.round else {
                throw FederationError.refused(reason: "round \(round) comes after round \(started.round)")
            }
            if round == started.round {
                guard !started.hash.isEmpty else {
                    throw FederationError.refused(reason: "round \(round) was finished before")
                }
                guard hash == started.hash else {
                    throw FederationError.refused(reason: "round \(round) began with another adapter before")
                }
                return true
            }
        }
        guard started != nil || round == 1 || allowsUnchecked else {
            throw FederationError.refused(
                reason:
                    "it begins with round \(round), and the adapter of the rounds before, which this holder did not see, cannot"
                    + " be checked (--accept-unchecked takes it as it is)"
            )
        }
        let isNext = round == (started?.round ?? 0) + 1
        let candidates = isNext ? expected : nil
        if let candidates, !candidates.contains(hash) {
            throw FederationError.refused(
                reason: started == nil
                    ? "round \(round) does not begin with the emulator's own adapter"
                    : "round \(round) begins with an adapter that does not follow from the sum of the round before"
            )
        }
        started = (round, hash)
        // Until this round's sum is known nothing may be concluded about the next.
        expected = nil
        return candidates != nil
    }

    /// Checks the adapter that a round is said to have led to.
    ///
    /// - Throws: `FederationError.refused`.
    package func check(_ result: AdapterState) throws {
        guard let expected, !expected.contains(result.hash) else { return }
        throw FederationError.refused(reason: "the round's adapter does not follow from its sum")
    }

    /// Takes a round's sum, decoded.
    package mutating func finish(_ state: AdapterState, mean: [Float]) {
        guard !isNoised, let started, started.hash == state.hash else { return }
        // The owner may reject a sum, and the adapter then stays.
        expected = [started.hash, state.moved(by: mean).hash]
    }
}
