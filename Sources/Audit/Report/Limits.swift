/// The honest part of every report.
enum Limits {
    static let promised = [
        "Only named recipients open a sealed emulator; its bytes are the owner's, whole and unmodified.",
        "The middle of the full model is not in the emulator.",
        "With secure aggregation, the coordinator learns only the sum of at least t updates.",
        "When differential privacy is on, a stated (ε, δ) for the sampler that was really used.",
    ]

    static let notPromised = [
        "A recipient can copy what it was given.",
        "The sum of the updates itself leaks; that is what this audit measures.",
        "There is no revocation of plaintext and no digital rights management.",
    ]

    /// - Parameters:
    ///   - vantages: from where the runs were attacked.
    ///   - hasShadows: whether shadow models were among the attackers' means.
    ///   - hasPositiveControl: whether each run has one.
    ///   - hasCanaries: whether canaries were planted in each run.
    static func notTested(_ vantages: Set<VantagePoint>, hasShadows: Bool, hasPositiveControl: Bool, hasCanaries: Bool)
        -> [String]
    {
        var missing: [String] = []
        if !vantages.contains(.aggregate) {
            missing.append("Attackers who see each round's broadcast and sum: only the final adapter was attacked.")
        }
        if !vantages.contains(.individual) { missing.append("Attackers who see single updates.") }
        if !vantages.contains(.owner) {
            missing.append("The owner, who holds the full model with the adapter plugged in.")
        }
        let stronger = (hasShadows ? "Reconstruction" : "Shadow models, reconstruction") + " from gradients"
        missing.append(
            stronger + (hasCanaries ? "" : ", and canaries") + ": stronger attacks than these may find more."
        )
        if !hasPositiveControl {
            missing.append(
                "A positive control (a deliberately overfitted adapter): without one, an attack's silence is weak evidence."
            )
        }
        return missing + ["Other data, other seeds: the figures hold for these records and these runs."]
    }
}
