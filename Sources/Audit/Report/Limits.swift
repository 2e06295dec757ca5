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

    /// - Parameter vantages: from where the runs were attacked.
    static func notTested(_ vantages: Set<VantagePoint>) -> [String] {
        var missing: [String] = []
        if !vantages.contains(.aggregate) {
            missing.append("Attackers who see each round's broadcast and sum: only the final adapter was attacked.")
        }
        if !vantages.contains(.individual) { missing.append("Attackers who see single updates.") }
        if !vantages.contains(.owner) {
            missing.append("The owner, who holds the full model with the adapter plugged in.")
        }
        return missing + always
    }

    private static let always = [
        "Shadow models, reconstruction from gradients, and canaries: stronger attacks than these may find more.",
        "A positive control (a deliberately overfitted adapter): without one, an attack's silence is weak evidence.",
        "Other data, other seeds: the figures hold for these records and these runs.",
    ]
}
